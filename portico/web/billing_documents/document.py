"""A document of the practice for a client, as words in their places. In the language that is on."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from django.http import HttpResponse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from portico.domain.practices import letterhead
from portico.domain.practices.models import Practice
from portico.gateways import pdf
from portico.web.billing_documents.ledger_lines import Sum


@dataclass(frozen=True)
class Column:
    """Of the table; the wide one says what its row is about. One that is `told` stays on a narrow page, with its label;
    of other amounts only the last does.
    """

    label: str
    wide: bool = False
    amount: bool = False
    told: bool = False


@dataclass(frozen=True)
class Party:
    """A heading with some lines: from, to, a date."""

    heading: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class BillingDocument:
    """What an invoice, a receipt and a statement have in common."""

    # What a browser calls it; also the file's name. Neutral: it names nobody.
    file_name: str
    title: str
    subtitle: str
    # Side by side, each from top to bottom.
    parties: tuple[tuple[Party, ...], ...]
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    sums: tuple[Sum, ...]
    notes: tuple[str, ...] = ()

    @property
    def cells(self) -> list[list[tuple[Column, str]]]:
        """The rows, each cell with its column."""
        return [list(zip(self.columns, row, strict=True)) for row in self.rows]

    @property
    def unprinted(self) -> str:
        """The signs on it that the PDF has no letters for."""
        named = (line for column in self.parties for party in column for line in party.lines)
        return pdf.undrawable_characters(*named, *(cell for row in self.rows for cell in row), *self.notes)


def sender(practice: Practice) -> Party:
    return Party(_("From"), tuple(letterhead.address_lines(practice)))


def ways_to_pay(practice: Practice) -> str:
    """Where a bill is paid."""
    number = letterhead.phone(practice)
    if not number:
        return _("See your account at %(address)s") % {"address": practice.portal_address}
    return _("See your account at %(address)s or call %(number)s.") % {
        "address": practice.portal_address,
        "number": number,
    }


def as_pdf(practice: Practice, paper: BillingDocument) -> HttpResponse:
    """Handed over as a file, which the browser opens outside our pages."""
    response = HttpResponse(print_context(practice, paper), content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{paper.file_name}.pdf"'
    return response


def print_context(practice: Practice, paper: BillingDocument) -> bytes:
    content = letterhead.letterhead_of(practice) | {
        "language": get_language() or "en",
        "document_title": f"{paper.title} · {paper.subtitle} · {practice.name}",
        "title": paper.title,
        "subtitle": paper.subtitle,
        "parties": [[asdict(party) for party in column] for column in paper.parties],
        "table": {"columns": [asdict(column) for column in paper.columns], "rows": _texts(paper.rows)},
        "sums": [asdict(each) for each in paper.sums],
        "notes": [note.splitlines() for note in paper.notes],
        "footer": practice.name,
    }
    return pdf.render("paper", content)


def _texts(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    return [list(row) for row in rows]
