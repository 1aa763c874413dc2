"""Sums of an account or an invoice as labeled lines that add up, in the active language; for pages and PDFs."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from portico.domain.billing.account_sums import Sums
from portico.domain.billing.models import Invoice
from portico.plumbing.text import money


@dataclass(frozen=True)
class Sum:
    """One line with its signed amount; `name` is for tests and styles, `detail` is shown small beside the label."""

    label: str
    amount: str
    total: bool = False
    name: str = ""
    detail: str = ""


def amount(minor: int, currency: str) -> str:
    return money.formatted(minor, currency, language=get_language())


def paid_label() -> str:
    return pgettext("sum of money", "Paid")


def of_account(sums: Sums, currency: str) -> tuple[Sum, ...]:
    """Returns what was invoiced and paid, and what was refunded and adjusted if not zero."""
    return (
        Sum(_("Invoiced"), amount(sums.invoiced_minor, currency), name="invoiced"),
        *_settlement_lines(sums, currency),
    )


def of_invoice(invoice: Invoice, *, paid_with: str = "") -> tuple[Sum, ...]:
    """Returns the lines from the invoice's total to its amount due; expects the row from `with_sums`."""
    sums, currency = invoice.sums, invoice.currency
    lines = [Sum(_("Total"), amount(invoice.total_minor, currency), name="total")]
    if invoice.is_void:
        lines.append(Sum(_("Voided"), amount(-invoice.total_minor, currency), name="voided"))
    if sums != Sums(invoiced_minor=sums.invoiced_minor):
        lines.extend(_settlement_lines(sums, currency, paid_with))
    return (*lines, Sum(_("Balance due"), amount(sums.balance_minor, currency), total=True, name="to_pay"))


def _settlement_lines(sums: Sums, currency: str, paid_with: str = "") -> Iterator[Sum]:
    yield Sum(paid_label(), amount(-sums.paid_minor, currency), name="paid", detail=paid_with)
    if sums.refunded_minor:
        yield Sum(_("Refunded"), amount(sums.refunded_minor, currency), name="refunded")
    if sums.adjusted_minor:
        yield Sum(_("Adjusted"), amount(sums.adjusted_minor, currency), name="adjusted")
