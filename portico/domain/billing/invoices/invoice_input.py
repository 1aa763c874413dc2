"""The validated input of an invoice form: a draft and its lines."""

from dataclasses import dataclass, field, replace
from datetime import date

from portico.domain.billing.models import ServiceItem


@dataclass(frozen=True)
class LineInput:
    """One invoice line; `unit_minor` is the unit price in minor units."""

    label: str
    unit_minor: int
    quantity: int = 1
    given_on: date | None = None
    item: ServiceItem | None = None

    def in_language(self, language: str) -> "LineInput":
        """Returns the line with the name of its product or service in the language, unless another name was typed."""
        if self.item is None or self.label != self.item.label:
            return self
        return replace(self, label=self.item.label_in(language))

    @property
    def amount_minor(self) -> int:
        return self.quantity * self.unit_minor


@dataclass(frozen=True)
class InvoiceInput:
    """A whole draft. Without `due_on` the invoice never becomes past due."""

    dated_on: date
    due_on: date | None = None
    lines: tuple[LineInput, ...] = field(default=())
    note: str = ""

    def in_language(self, language: str) -> "InvoiceInput":
        """Returns the draft with the names of products and services in a language of clients."""
        return replace(self, lines=tuple(line.in_language(language) for line in self.lines))

    @property
    def total_minor(self) -> int:
        return sum(line.amount_minor for line in self.lines)
