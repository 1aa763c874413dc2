"""Comparison of Portico's books with those of the sandbox Stripe."""

from collections import defaultdict
from datetime import date

from django.db.models import QuerySet

from portico.domain.billing.card_payments import stripe_metadata
from portico.domain.billing.ledger import balances, statements
from portico.domain.billing.models import (
    AttemptState,
    CreditNote,
    Dispute,
    Invoice,
    Payment,
    PaymentAttempt,
    PaymentKind,
    Refund,
    RefundMethod,
    RefundState,
)
from portico.domain.clients.models import Client
from portico.plumbing import clock
from portico.plumbing.models import InboundEvent, OutgoingEmail
from sandbox.stripe.payments.charge_records import BookedCharge

type Book = tuple[BookedCharge, ...]


def impossible(book: Book, *, released: set[str]) -> list[str]:
    """Returns contradictions that must never occur, even before Portico has polled Stripe.

    `released`: the refs of released attempts.
    """
    taken = {charge.id: charge.amount for charge in book}
    ours = dict(_online().values_list("stripe_charge_id", "amount_minor"))
    wrong = [f"{charge} is booked with {amount}" for charge, amount in ours.items() if taken.get(charge) != amount]
    return wrong + _paid_twice(book, released)


def differences(book: Book) -> list[str]:
    """Returns differences that must not remain once Portico has polled Stripe about everything."""
    theirs = {charge.id: (charge.amount, charge.refunded, _lost(charge)) for charge in book}
    ours = {
        payment.stripe_charge_id: (payment.amount_minor, payment.refunded_minor, payment.disputed_minor)
        for payment in _online()
    }
    wrong = [
        f"{charge}: Stripe has {theirs.get(charge)}, Portico has {ours.get(charge)}"
        for charge in theirs.keys() | ours.keys()
        if theirs.get(charge) != ours.get(charge)
    ]
    disputes = {each.id: each.status for charge in book for each in charge.disputes if each.status in {"won", "lost"}}
    known = dict(Dispute.objects.exclude(state="open").values_list("stripe_dispute_id", "state"))
    if disputes != known:
        wrong.append(f"disputes: Stripe has {disputes}, Portico has {known}")
    moving = PaymentAttempt.objects.filter(state__in=(AttemptState.PROCESSING, AttemptState.QUARANTINED))
    wrong += [f"attempt {each.pk} is {each.state}" for each in moving]
    mistaken = InboundEvent.objects.exclude(errors=0)
    wrong += [f"event {each.kind} met a mistake of ours: {each.detail}" for each in mistaken]
    return wrong + _mails()


def balance_of(client: Client, book: Book, *, billed: int, by_hand: int) -> str:
    """Returns an empty string if the balance is what was billed, less payments, plus refunds and losses."""
    by_card = sum(charge.amount - charge.refunded - _lost(charge) for charge in book)
    notes = CreditNote.objects.filter(undone_at=None, invoice__voided_at=None).values_list("amount_minor", flat=True)
    owed = billed - by_hand - by_card - sum(notes)
    stored = balances.office_account(client).office_minor
    return "" if owed == stored else f"the client owes {owed}, Portico says {stored}"


def disagreeing_sums(client: Client) -> list[str]:
    """Returns the differences between the sums of the account, the statement and the invoices."""
    today, wrong = clock.today(client.practice.time_zone), []
    for shared_only in (False, True):
        account = balances.portal_account(client) if shared_only else balances.office_account(client)
        statement = statements.statement_of(
            client, begins_on=date(2020, 1, 1), ends_on=today, today=today, shared_only=shared_only
        )
        if statement.sums != account.sums or statement.after_minor != account.office_minor:
            wrong.append(f"the account has {account}, its statement {statement.sums} and {statement.after_minor}")
    return wrong + [
        f"invoice {invoice.number} owes {invoice.owed_minor}, its sums are {invoice.sums}"
        for invoice in client.invoices.with_sums()
        if invoice.sums.balance_minor != invoice.owed_minor
    ]


def _paid_twice(book: Book, released: set[str]) -> list[str]:
    """Returns the invoices that were charged more than their total, not counting lost disputes.

    Excludes released attempts: staff released them so that the invoice could be paid again.
    """
    total = dict(Invoice.objects.values_list("ref", "total_minor"))
    paid: dict[str, int] = defaultdict(int)
    for charge in book:
        parsed = stripe_metadata.parse(charge.metadata)
        if parsed is None or charge.is_lost or parsed.attempt in released:
            continue
        for part in parsed.parts:
            paid[part.invoice] += part.amount_minor
    return [f"invoice {ref} was charged {paid[ref]} of {total[ref]}" for ref in paid if paid[ref] > total[ref]]


def _lost(charge: BookedCharge) -> int:
    return sum(each.amount for each in charge.disputes if each.status == "lost")


def _mails() -> list[str]:
    """Returns the receipts of card payments and mails of successful refunds that are missing."""
    keys = set(OutgoingEmail.objects.filter(kind__in=("receipt", "refund")).values_list("key", flat=True))
    refunds = Refund.objects.filter(state=RefundState.SUCCEEDED, method=RefundMethod.STRIPE)
    expected = {f"receipt:{each.ref}" for each in _online()} | {f"refund:{each.ref}" for each in refunds}
    return [f"{key} was not mailed" for key in expected - keys]


def _online() -> QuerySet[Payment]:
    return Payment.objects.filter(kind=PaymentKind.ONLINE)
