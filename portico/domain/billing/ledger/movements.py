"""Movements: the invoices, payments, refunds and adjustments that change what clients owe.

All sums of accounts, statements and reports are computed from these.
"""

from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce

from portico.domain.billing.ledger.movement_queries import MovementKind, Movements, MovementSource
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
    """Returns the client's movements.

    With `shared_only`, returns them as the portal shows them: without unshared invoices and without the parts of
    payments and refunds that belong to those.
    """
    invoices, credit_notes = client.invoices.valid(), _credit_notes().filter(invoice__client=client)
    hidden: tuple[MovementSource, ...] = ()
    if shared_only:
        allocations = Allocation.objects.live().filter(
            invoice__client=client, invoice__voided_at=None, invoice__shared_at=None, payment__taken_back_at=None
        )
        hidden = _hidden(allocations.exclude(payment=None), credit_notes.filter(invoice__shared_at=None))
        invoices, credit_notes = invoices.shared(), credit_notes.exclude(invoice__shared_at=None)
    return Movements(
        (
            *_visible(invoices, client.payments.not_taken_back(), _refunds().filter(payment__client=client)),
            *_adjustments(client.credits.not_taken_back(), credit_notes, _disputes().filter(payment__client=client)),
            *hidden,
        ),
        client.practice.zone,
    )


def of_practice(practice: Practice) -> Movements:
    """Returns the movements of all clients of the practice."""
    invoices = Invoice.objects.filter(practice=practice).valid()
    payments = Payment.objects.filter(practice=practice).not_taken_back()
    credits_given = Credit.objects.filter(practice=practice).not_taken_back()
    credit_notes, disputes = _credit_notes().filter(practice=practice), _disputes().filter(practice=practice)
    return Movements(
        (
            *_visible(invoices, payments, _refunds().filter(practice=practice)),
            *_adjustments(credits_given, credit_notes, disputes),
        ),
        practice.zone,
    )


def _refunds() -> QuerySet[Refund]:
    return Refund.objects.filter(payment__taken_back_at=None).not_failed()


def _credit_notes() -> QuerySet[CreditNote]:
    return CreditNote.objects.filter(undone_at=None, invoice__voided_at=None)


def _disputes() -> QuerySet[Dispute]:
    """Returns the lost disputes, with the time at which they were lost as `lost_at`."""
    lost = Dispute.objects.filter(state=DisputeState.LOST, lost_minor__gt=0, payment__taken_back_at=None)
    return lost.annotate(lost_at=Coalesce("closed_at", "opened_at"))


def _visible(
    invoices: QuerySet[Invoice], payments: QuerySet[Payment], refunds: QuerySet[Refund]
) -> tuple[MovementSource, ...]:
    return (
        MovementSource(MovementKind.INVOICE, invoices, F("total_minor"), day="dated_on"),
        MovementSource(MovementKind.PAYMENT, payments, F("amount_minor"), day="received_on"),
        MovementSource(MovementKind.REFUND, refunds, F("amount_minor"), at="created_at"),
    )


def _adjustments(
    credits_given: QuerySet[Credit], credit_notes: QuerySet[CreditNote], disputes: QuerySet[Dispute]
) -> tuple[MovementSource, ...]:
    return (
        MovementSource(MovementKind.CREDIT, credits_given, F("amount_minor"), at="created_at"),
        MovementSource(MovementKind.CREDIT_NOTE, credit_notes, F("amount_minor"), at="at"),
        MovementSource(MovementKind.DISPUTE, disputes, F("lost_minor"), at="lost_at"),
    )


def _hidden(allocations: QuerySet[Allocation], credit_notes: QuerySet[CreditNote]) -> tuple[MovementSource, ...]:
    """Returns negative amounts that take the allocations and credit notes of unshared invoices out of the movements."""
    return (
        MovementSource(MovementKind.PAYMENT, allocations, -F("live_minor"), pk="payment", day="payment__received_on"),
        MovementSource(
            MovementKind.PAYMENT,
            credit_notes,
            -F("amount_minor"),
            pk="refund__payment",
            day="refund__payment__received_on",
        ),
        MovementSource(MovementKind.REFUND, credit_notes, -F("amount_minor"), pk="refund", at="refund__created_at"),
    )
