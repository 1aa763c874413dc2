"""Portico's books held against the sandbox Stripe's own."""

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
from sandbox.stripe.book import BookedCharge

type Book = tuple[BookedCharge, ...]


def impossible(book: Book, *, released: set[str]) -> list[str]:
    """What must not be at any moment, whatever Portico has not heard of yet. `released`: refs of attempts."""
    taken = {charge.id: charge.amount for charge in book}
    ours = dict(_online().values_list("stripe_charge_id", "amount_minor"))
    wrong = [f"{charge} is booked with {amount}" for charge, amount in ours.items() if taken.get(charge) != amount]
    return wrong + _paid_twice(book, released)


def differences(book: Book) -> list[str]:
    """What must not be once Portico has had the time to ask Stripe about everything."""
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
    mistaken = InboundEvent.objects.exclude(mistakes=0)
    wrong += [f"event {each.kind} met a mistake of ours: {each.detail}" for each in mistaken]
    return wrong + _mails()


def balance_of(client: Client, book: Book, *, billed: int, by_hand: int) -> str:
    """Empty when the client owes what was billed, less what came by hand or card, plus what went back or was lost."""
    by_card = sum(charge.amount - charge.refunded - _lost(charge) for charge in book)
    notes = CreditNote.objects.filter(undone_at=None, invoice__voided_at=None).values_list("amount_minor", flat=True)
    owed = billed - by_hand - by_card - sum(notes)
    said = balances.office_account(client).office_minor
    return "" if owed == said else f"the client owes {owed}, Portico says {said}"


def disagreeing_sums(client: Client) -> list[str]:
    """What the account, the statement and the invoices say of the same sums, where it is not the same."""
    today, wrong = clock.today(client.practice.time_zone), []
    for shared_only in (False, True):
        account = balances.portal_account(client) if shared_only else balances.office_account(client)
        told = statements.statement_of(
            client, begins_on=date(2020, 1, 1), ends_on=today, today=today, shared_only=shared_only
        )
        if told.sums != account.sums or told.after_minor != account.office_minor:
            wrong.append(f"the account has {account}, its statement {told.sums} and {told.after_minor}")
    return wrong + [
        f"invoice {invoice.number} owes {invoice.owed_minor}, its sums are {invoice.sums}"
        for invoice in client.invoices.with_sums()
        if invoice.sums.balance_minor != invoice.owed_minor
    ]


def _paid_twice(book: Book, released: set[str]) -> list[str]:
    """Nobody's card pays more on an invoice than it comes to, unless a dispute took an earlier payment away.

    What staff let go of after a day is left out: they wanted it to be paid again, and its money is credit.
    """
    total = dict(Invoice.objects.values_list("ref", "total_minor"))
    paid: dict[str, int] = defaultdict(int)
    for charge in book:
        told = stripe_metadata.parse(charge.metadata)
        if told is None or charge.is_lost or told.attempt in released:
            continue
        for part in told.parts:
            paid[part.invoice] += part.amount_minor
    return [f"invoice {ref} was charged {paid[ref]} of {total[ref]}" for ref in paid if paid[ref] > total[ref]]


def _lost(charge: BookedCharge) -> int:
    return sum(each.amount for each in charge.disputes if each.status == "lost")


def _mails() -> list[str]:
    """A receipt for each payment by card and a mail for each refund that came through; their keys forbid a second."""
    keys = set(OutgoingEmail.objects.filter(kind__in=("receipt", "refund")).values_list("key", flat=True))
    refunds = Refund.objects.filter(state=RefundState.SUCCEEDED, way=RefundMethod.STRIPE)
    wanted = {f"receipt:{each.ref}" for each in _online()} | {f"refund:{each.ref}" for each in refunds}
    return [f"{key} was not mailed" for key in wanted - keys]


def _online() -> QuerySet[Payment]:
    return Payment.objects.filter(kind=PaymentKind.ONLINE)
