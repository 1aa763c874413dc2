"""The layout-independent content of a document for a client, in the active language, and its PDF."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from django.http import HttpResponse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from portico.domain.practices import letterhead
from portico.domain.practices.models import Practice
from portico.gateways import pdf
from portico.web.billing_documents.summary_lines import Sum


@dataclass(frozen=True)
class Column:
    """A table column. The `wide` one describes its row.

    On a narrow page a `keep_when_narrow` column stays, with its label; of the other amounts only the last one does.
    """

    label: str
    wide: bool = False
    amount: bool = False
    keep_when_narrow: bool = False


@dataclass(frozen=True)
class Party:
    """A heading with lines below it: sender, recipient or a date."""

    heading: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class BillingDocument:
    """The content of an invoice, a receipt or a statement."""

    # Without extension. Contains no personal name.
    file_name: str
    title: str
    subtitle: str
    # Columns side by side, each from top to bottom.
    parties: tuple[tuple[Party, ...], ...]
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    sums: tuple[Sum, ...]
    notes: tuple[str, ...] = ()

    @property
    def cells(self) -> list[list[tuple[Column, str]]]:
        """Returns the rows, each cell with its column."""
        return [list(zip(self.columns, row, strict=True)) for row in self.rows]

    @property
    def unprinted(self) -> str:
        """Returns the characters that the PDF's fonts have no glyphs for."""
        party_lines = (line for column in self.parties for party in column for line in party.lines)
        return pdf.undrawable_characters(*party_lines, *(cell for row in self.rows for cell in row), *self.notes)


def sender(practice: Practice) -> Party:
    return Party(_("From"), tuple(letterhead.address_lines(practice)))


def payment_instructions(practice: Practice) -> str:
    """Returns the sentence that says where and how to pay."""
    number = letterhead.phone(practice)
    if not number:
        return _("See your account at %(address)s") % {"address": practice.portal_address}
    return _("See your account at %(address)s or call %(number)s.") % {
        "address": practice.portal_address,
        "number": number,
    }


def as_pdf(practice: Practice, document: BillingDocument) -> HttpResponse:
    """Returns the PDF as an attachment, so that the browser opens it outside our pages."""
    response = HttpResponse(render_pdf(practice, document), content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{document.file_name}.pdf"'
    return response


def render_pdf(practice: Practice, document: BillingDocument) -> bytes:
    content = letterhead.letterhead_of(practice) | {
        "language": get_language() or "en",
        "document_title": f"{document.title} · {document.subtitle} · {practice.name}",
        "title": document.title,
        "subtitle": document.subtitle,
        "parties": [[asdict(party) for party in column] for column in document.parties],
        "table": {"columns": [asdict(column) for column in document.columns], "rows": _lists(document.rows)},
        "sums": [asdict(line) for line in document.sums],
        "notes": [note.splitlines() for note in document.notes],
        "footer": practice.name,
    }
    return pdf.render("paper", content)


def _lists(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    return [list(row) for row in rows]
