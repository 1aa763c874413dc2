"""The content of receipts: for a payment and for a refund."""

from collections.abc import Iterator

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from portico.domain.billing.models import Invoice, Payment, Refund, RefundMethod
from portico.domain.practices import letterhead
from portico.plumbing.text import time_formatting
from portico.web import formatting, payment_labels
from portico.web.billing_documents.document import BillingDocument, Column, Party, sender
from portico.web.billing_documents.summary_lines import Sum, amount

type Row = tuple[str, str, str]


def payment_receipt(payment: Payment, *, shared_only: bool) -> BillingDocument:
    """Returns the receipt of a payment; with `shared_only`, unshared invoices are summed up as the account."""
    language, currency = get_language(), payment.currency
    covered = list(_covered(payment, shared_only=shared_only))
    sums = [Sum(_("Amount paid"), amount(payment.amount_minor, currency), total=True)]
    if payment.refunded_minor:
        sums.append(Sum(_("Refunded"), amount(-payment.refunded_minor, currency)))
    if payment.disputed_minor:
        sums.append(Sum(_("Reversed by the bank"), amount(-payment.disputed_minor, currency)))
    if len(covered) == 1 and not covered[0][0].is_void:
        sums.append(_amount_due(covered[0][0]))
    note = _("Charged through Stripe.") if payment.is_online else _("Recorded by the practice.")
    if number := letterhead.phone(payment.client.practice):
        note = _("%(charged)s Questions? Call %(number)s.") % {"charged": note, "number": number}
    return _receipt(
        payment,
        file_name=f"receipt-{payment.number}",
        title=_("Receipt"),
        subtitle=_("Number %(number)s") % {"number": payment.number},
        party_heading=_("Received from"),
        date=formatting.long_date(payment.received_on, language=language),
        rows=tuple(_payment_rows(payment, covered)),
        sums=tuple(sums),
        note=note,
    )


def refund_receipt(refund: Refund, *, shared_only: bool) -> BillingDocument:
    """Returns the receipt of a refund; expects the refund with its payment."""
    payment, zone = refund.payment, refund.payment.client.practice.zone
    given_on = time_formatting.day_of(refund.created_at, zone)
    by_card = refund.method == RefundMethod.STRIPE
    note = (
        _("It goes back to the card you paid with. Banks take up to 10 days.")
        if by_card
        else _("Refunded directly by the practice.")
    )
    return _receipt(
        payment,
        file_name=f"refund-{payment.number}-{given_on.isoformat()}",
        title=_("Refund"),
        subtitle=_("For receipt %(number)s") % {"number": payment.number},
        party_heading=_("Refunded to"),
        date=formatting.long_date(given_on, language=get_language()),
        rows=tuple(_refund_rows(refund, shared_only=shared_only)),
        sums=(Sum(_("Refunded"), amount(refund.amount_minor, refund.currency), total=True),),
        note=note,
    )


def _receipt(
    payment: Payment,
    *,
    file_name: str,
    title: str,
    subtitle: str,
    party_heading: str,
    date: str,
    rows: tuple[Row, ...],
    sums: tuple[Sum, ...],
    note: str,
) -> BillingDocument:
    practice = payment.client.practice
    return BillingDocument(
        file_name=file_name,
        title=title,
        subtitle=subtitle,
        parties=(
            (sender(practice),),
            (Party(party_heading, (payment.client.name,)),),
            (Party(_("Date"), (date,)), Party(_("Paid with"), (payment_labels.payment_name(payment),))),
        ),
        caption=_("Details"),
        columns=(Column(_("For"), wide=True), Column(_("Date of invoice")), Column(_("Amount"), amount=True)),
        rows=rows,
        sums=sums,
        notes=(note,),
    )


def _amount_due(invoice: Invoice) -> Sum:
    left = amount(invoice.still_open_minor, invoice.currency)
    return Sum(_("Balance on invoice %(number)s") % {"number": invoice.number}, left)


def _covered(payment: Payment, *, shared_only: bool) -> Iterator[tuple[Invoice, int]]:
    """Yields each invoice that the payment was put against, with the amount in minor units."""
    for allocation in payment.allocations.paying().select_related("invoice").order_by("id"):
        if allocation.invoice.is_shared or not shared_only:
            yield allocation.invoice, allocation.put_minor


def _payment_rows(payment: Payment, covered: list[tuple[Invoice, int]]) -> Iterator[Row]:
    for invoice, minor in covered:
        yield _row(invoice, minor, payment.currency)
    rest = payment.amount_minor - sum(minor for _invoice, minor in covered)
    if rest > 0:
        yield _("Your account"), "", amount(rest, payment.currency)


def _refund_rows(refund: Refund, *, shared_only: bool) -> Iterator[Row]:
    rest = refund.amount_minor
    for note in refund.credit_notes.filter(undone_at=None).select_related("invoice").order_by("id"):
        if not (shared_only and not note.invoice.is_shared):
            rest -= note.amount_minor
            yield _row(note.invoice, note.amount_minor, refund.currency)
    if rest > 0:
        yield _("Your account"), "", amount(rest, refund.currency)


def _row(invoice: Invoice, minor: int, currency: str) -> Row:
    date = formatting.long_date(invoice.dated_on, language=get_language())
    return _("Invoice %(number)s") % {"number": invoice.number}, date, amount(minor, currency)
