"""Receipts on paper: of a payment, and of a refund."""

from collections.abc import Iterator

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from portico.domain.billing.models import Invoice, Payment, Refund, RefundMethod
from portico.domain.practices import letterhead
from portico.plumbing.text import times
from portico.web import formatting, payment_labels
from portico.web.billing_documents.document import BillingDocument, Column, Party, sender
from portico.web.billing_documents.ledger_lines import Sum, amount

type Row = tuple[str, str, str]


def payment_receipt(payment: Payment, *, shared_only: bool) -> BillingDocument:
    """For the client's eyes, invoices that are not shared are told as the account."""
    language, currency = get_language(), payment.currency
    covered = list(_covered(payment, shared_only=shared_only))
    sums = [Sum(_("Amount paid"), amount(payment.amount_minor, currency), total=True)]
    if payment.refunded_minor:
        sums.append(Sum(_("Refunded"), amount(-payment.refunded_minor, currency)))
    if payment.disputed_minor:
        sums.append(Sum(_("Taken back by the bank"), amount(-payment.disputed_minor, currency)))
    if len(covered) == 1 and not covered[0][0].is_void:
        sums.append(_left_on(covered[0][0]))
    charged = _("Charged through Stripe.") if payment.is_online else _("Recorded by the practice.")
    if number := letterhead.phone(payment.client.practice):
        charged = _("%(charged)s Questions? Call %(number)s.") % {"charged": charged, "number": number}
    return _receipt(
        payment,
        file_name=f"receipt-{payment.number}",
        title=_("Receipt"),
        subtitle=_("Number %(number)s") % {"number": payment.number},
        for_whom=_("Received from"),
        day=formatting.long_date(payment.received_on, language=language),
        rows=tuple(_payment_rows(payment, covered)),
        sums=tuple(sums),
        note=charged,
    )


def refund_receipt(refund: Refund, *, shared_only: bool) -> BillingDocument:
    """Wants the refund with its payment."""
    payment, zone = refund.payment, refund.payment.client.practice.zone
    given_on = times.day_of(refund.created_at, zone)
    by_card = refund.way == RefundMethod.STRIPE
    note = _("It goes back to the card it came from; banks need up to ten days.") if by_card else _("Given by hand.")
    return _receipt(
        payment,
        file_name=f"refund-{payment.number}-{given_on.isoformat()}",
        title=_("Refund"),
        subtitle=_("Of receipt %(number)s") % {"number": payment.number},
        for_whom=_("Refunded to"),
        day=formatting.long_date(given_on, language=get_language()),
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
    for_whom: str,
    day: str,
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
            (Party(for_whom, (payment.client.name,)),),
            (Party(_("Date"), (day,)), Party(_("Paid with"), (payment_labels.payment_name(payment),))),
        ),
        caption=_("What it is for"),
        columns=(Column(_("For"), wide=True), Column(_("Date of invoice")), Column(_("Amount"), amount=True)),
        rows=rows,
        sums=sums,
        notes=(note,),
    )


def _left_on(invoice: Invoice) -> Sum:
    left = amount(invoice.still_open_minor, invoice.currency)
    return Sum(_("Left on invoice %(number)s") % {"number": invoice.number}, left)


def _covered(payment: Payment, *, shared_only: bool) -> Iterator[tuple[Invoice, int]]:
    """Each invoice that it was put against, and how much of it."""
    for row in payment.allocations.paying().select_related("invoice").order_by("id"):
        if row.invoice.is_shared or not shared_only:
            yield row.invoice, row.put_minor


def _payment_rows(payment: Payment, covered: list[tuple[Invoice, int]]) -> Iterator[Row]:
    for invoice, put in covered:
        yield _row(invoice, put, payment.currency)
    rest = payment.amount_minor - sum(put for _invoice, put in covered)
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
    day = formatting.long_date(invoice.dated_on, language=get_language())
    return _("Invoice %(number)s") % {"number": invoice.number}, day, amount(minor, currency)
