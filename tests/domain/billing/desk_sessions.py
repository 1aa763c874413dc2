"""Helpers that run card payments to their end and read the resulting state."""

from portico.domain.billing.card_payments import polling
from portico.domain.billing.models import Invoice, Payment, PaymentAttempt, SavedCard
from portico.domain.clients.models import Client
from portico.plumbing import inbound_events
from portico.plumbing.models import InboundEvent
from tests import cast
from tests.support.card_payments import Till
from tests.support.clock import NOW


def saved(till: Till, person: Client, number: str = "4242424242424242") -> SavedCard:
    attempt = till.start(person, cast.bill(person, 1_000), save=True)
    till.type_card(attempt, number)
    polling.poll(attempt)
    return SavedCard.objects.latest("id")


def paid(till: Till, invoice: Invoice) -> Payment:
    attempt = till.start(invoice.client, invoice)
    till.type_card(attempt)
    polling.poll(attempt)
    return Payment.objects.get(attempt=attempt)


def fresh(invoice: Invoice) -> Invoice:
    return Invoice.objects.with_attempts().get(pk=invoice.pk)


def state(attempt: PaymentAttempt) -> str:
    return PaymentAttempt.objects.get(pk=attempt.pk).state


def event(till: Till, object_kind: str, object_id: str, kind: str = "") -> InboundEvent:
    number = InboundEvent.objects.count()
    inbound_events.store(
        till.practice, source="stripe", event_id=f"evt_{number}", kind=kind or object_kind, object_kind=object_kind,
        object_id=object_id, livemode=False, happened_at=NOW,
    )  # fmt: skip
    return InboundEvent.objects.latest("id")


def saved_at_bank(till: Till, person: Client) -> SavedCard:
    """Saves a card whose bank requires a confirmation for each payment."""
    attempt = till.start(person, cast.bill(person, 1_000), save=True)
    till.type_card(attempt, "4000000000003220")
    (intent,) = [row for row in till.stripe.account_data().all("payment_intent") if row["status"] == "requires_action"]
    till.stripe.answer_at_bank(intent["id"], accept=True)
    polling.poll(attempt)
    return SavedCard.objects.latest("id")
