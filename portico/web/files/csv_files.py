"""CSV files for spreadsheets, streamed row by row."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import cast

from django.http import HttpResponse, StreamingHttpResponse

# Spreadsheets evaluate a cell that begins with one of these as a formula (OWASP, "CSV Injection"); the list includes
# the full-width forms, and the bar, with which older programs start a command.
_FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r", "\n", "−", "|", "＝", "＋", "－", "＠")
# Tells spreadsheets that the file is UTF-8.
_BYTE_ORDER_MARK = "\ufeff"


def escaped(cell: str) -> str:
    """Returns typed text as a cell that spreadsheets do not read as a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA_PREFIXES) else cell


def streamed(file_name: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> HttpResponse:
    """Returns a download whose rows are read and sent one after the other."""
    response = StreamingHttpResponse(_lines(columns, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{file_name}"'
    # The guards' types know one class of response; none of them reads the content.
    return cast(HttpResponse, response)


class _Echo:
    """A file for `csv.writer` whose `write` returns the line instead of storing it."""

    def write(self, line: str) -> str:
        return line


def _lines(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    writer = csv.writer(_Echo(), quoting=csv.QUOTE_ALL)
    yield _BYTE_ORDER_MARK
    yield writer.writerow(columns)
    for row in rows:
        yield writer.writerow(row)
