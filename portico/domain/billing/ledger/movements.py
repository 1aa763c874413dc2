"""Everything that changes what clients owe: invoices, payments, refunds and adjustments.

Every sum of accounts, statements and reports is added up from these.
"""

from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce

from portico.domain.billing.ledger.movement_queries import MovementKind, Movements, Source
from portico.domain.billing.models import (
    Allocation,
    Credit,
    CreditNote,
    Dispute,
    DisputeState,
    Invoice,
    Payment,
    Refund,
)
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice


def of_client(client: Client, *, shared_only: bool) -> Movements:
    """The client's movements.

    With `shared_only` as the portal shows them: without invoices that are not shared, and without the parts of
    payments and refunds that belong to these.
    """
    invoices, notes = client.invoices.standing(), _notes().filter(invoice__client=client)
    hidden: tuple[Source, ...] = ()
    if shared_only:
        placed = Allocation.objects.live().filter(
            invoice__client=client, invoice__voided_at=None, invoice__shared_at=None, payment__taken_back_at=None
        )
        hidden = _hidden(placed.exclude(payment=None), notes.filter(invoice__shared_at=None))
        invoices, notes = invoices.shared(), notes.exclude(invoice__shared_at=None)
    return Movements(
        (
            *_visible(invoices, client.payments.counting(), _refunds().filter(payment__client=client)),
            *_adjustments(client.credits.counting(), notes, _disputes().filter(payment__client=client)),
            *hidden,
        ),
        client.practice.zone,
    )


def of_practice(practice: Practice) -> Movements:
    """The movements of all the practice's clients."""
    invoices = Invoice.objects.filter(practice=practice).standing()
    payments = Payment.objects.filter(practice=practice).counting()
    given = Credit.objects.filter(practice=practice).counting()
    notes, disputes = _notes().filter(practice=practice), _disputes().filter(practice=practice)
    return Movements(
        (*_visible(invoices, payments, _refunds().filter(practice=practice)), *_adjustments(given, notes, disputes)),
        practice.zone,
    )


def _refunds() -> QuerySet[Refund]:
    return Refund.objects.filter(payment__taken_back_at=None).counting()


def _notes() -> QuerySet[CreditNote]:
    return CreditNote.objects.filter(undone_at=None, invoice__voided_at=None)


def _disputes() -> QuerySet[Dispute]:
    """The lost ones, by the day on which they were lost."""
    lost = Dispute.objects.filter(state=DisputeState.LOST, lost_minor__gt=0, payment__taken_back_at=None)
    return lost.annotate(lost_at=Coalesce("closed_at", "opened_at"))


def _visible(invoices: QuerySet[Invoice], payments: QuerySet[Payment], refunds: QuerySet[Refund]) -> tuple[Source, ...]:
    return (
        Source(MovementKind.INVOICE, invoices, F("total_minor"), day="dated_on"),
        Source(MovementKind.PAYMENT, payments, F("amount_minor"), day="received_on"),
        Source(MovementKind.REFUND, refunds, F("amount_minor"), at="created_at"),
    )


def _adjustments(
    given: QuerySet[Credit], notes: QuerySet[CreditNote], disputes: QuerySet[Dispute]
) -> tuple[Source, ...]:
    return (
        Source(MovementKind.CREDIT, given, F("amount_minor"), at="created_at"),
        Source(MovementKind.CREDIT_NOTE, notes, F("amount_minor"), at="at"),
        Source(MovementKind.DISPUTE, disputes, F("lost_minor"), at="lost_at"),
    )


def _hidden(placed: QuerySet[Allocation], notes: QuerySet[CreditNote]) -> tuple[Source, ...]:
    """What is taken off payments and refunds: the money on these invoices, and what of it was refunded."""
    return (
        Source(MovementKind.PAYMENT, placed, -F("live_minor"), pk="payment", day="payment__received_on"),
        Source(
            MovementKind.PAYMENT, notes, -F("amount_minor"), pk="refund__payment", day="refund__payment__received_on"
        ),
        Source(MovementKind.REFUND, notes, -F("amount_minor"), pk="refund", at="refund__created_at"),
    )
