"""Each change of invoices, payments and cards writes its audit log entries, with actor, client and subject."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, timedelta

import pytest
from time_machine import Traveller

from portico.domain.billing.card_payments import polling, saved_cards, settlement
from portico.domain.billing.invoices import invoice_sharing, invoicing, service_items
from portico.domain.billing.invoices.invoice_input import InvoiceInput, LineInput
from portico.domain.billing.models import (
    AttemptState,
    Credit,
    Invoice,
    Payment,
    PaymentAttempt,
    PaymentKind,
    SavedCard,
)
from portico.domain.billing.payments import account_credits, manual_payments, refunds
from portico.domain.billing.payments.manual_payments import PaymentInput
from portico.domain.billing.stripe_sync import card_refunds, disputes, manual_release, reconciliation
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import inbound_events
from portico.plumbing.actors import Actor
from portico.plumbing.models import AuditEntry, InboundEvent, Restoration
from tests import cast
from tests.support import card_payments
from tests.support.card_payments import Till, let_pay
from tests.support.clock import NOW

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 23)
ENTRY = InvoiceInput(DAY, DAY + timedelta(days=14), (LineInput("Session", 14_000),))


@dataclass
class AuditWatch:
    """Asserts on the audit log entries that an operation writes."""

    client: Client

    def expect(self, operation: Callable[[], object], *actions: str, by: str = "Fay", of_client: bool = True) -> None:
        """Asserts that the operation writes exactly these entries, in this order, for the client and in UTC."""
        before = AuditEntry.objects.count()
        operation()
        entries = list(AuditEntry.objects.order_by("id")[before:])
        assert [entry.action for entry in entries] == list(actions)
        for entry in entries:
            assert (entry.actor_name, entry.client) == (by, self.client if of_client else None)
            assert (entry.practice, entry.at.tzinfo) == (self.client.practice, UTC)
            assert entry.about
            assert "Session" not in str(entry.details)  # Never what a bill is for.


@pytest.fixture
def fay(practice: Practice) -> Actor:
    return cast.fay(practice).actor


def test_invoice_operations_are_audited(practice: Practice, fay: Actor) -> None:
    ana = cast.ana(practice)
    watch = AuditWatch(ana)
    made: list[Invoice] = []

    def latest() -> Invoice:
        return Invoice.objects.select_related("client__practice").get(pk=made[-1].pk)

    watch.expect(lambda: made.append(invoicing.create_draft(ana, ENTRY, by=fay)), "invoice.drafted")
    watch.expect(lambda: invoicing.edit_draft(latest(), ENTRY, version=latest().version, by=fay), "invoice.edited")
    watch.expect(lambda: invoicing.discard_draft(latest(), shown=None, by=fay), "invoice.discarded")
    watch.expect(lambda: made.append(invoicing.create_draft(ana, ENTRY, by=fay)), "invoice.drafted")
    watch.expect(lambda: invoicing.issue(latest(), shown=None, by=fay), "invoice.issued")
    for actions in (("invoice.shared",), ()):  # A repeated call changes nothing and writes no entry.
        watch.expect(lambda: invoice_sharing.share(latest(), shown=None, by=fay), *actions)
    for actions in (("invoice.unshared",), ()):
        watch.expect(lambda: invoice_sharing.unshare(latest(), shown=None, by=fay), *actions)
    for actions in (("invoice.voided",), ()):
        watch.expect(lambda: invoicing.void(latest(), reason="By mistake", shown=None, by=fay), *actions)


def test_manual_payments_and_credits(practice: Practice, fay: Actor) -> None:
    ana = cast.ana(practice)
    bill, watch = cast.bill(ana), AuditWatch(ana)
    cash = PaymentInput(PaymentKind.CASH, 14_000, DAY)
    watch.expect(lambda: manual_payments.record(ana, cash, invoice=bill, shown=None, by=fay), "payment.recorded")
    paid = Payment.objects.select_related("client__practice").get()
    for actions in (("payment.taken_back",), ()):
        watch.expect(lambda: manual_payments.take_back(paid, reason="By mistake", shown=None, by=fay), *actions)
    watch.expect(lambda: manual_payments.record(ana, cash, invoice=bill, shown=None, by=fay), "payment.recorded")
    again = Payment.objects.select_related("client__practice").latest("id")
    watch.expect(
        lambda: refunds.record_manual_refund(again, amount_minor=4_000, reason="Price", shown=None, by=fay),
        "refund.recorded",
    )
    account_credits.ask_for_refund(again, reason="It came twice.")
    for actions in (("credit.kept",), ()):
        watch.expect(lambda: account_credits.keep_as_credit(again, shown=None, by=fay), *actions)
    given: list[Credit] = []
    watch.expect(
        lambda: given.append(account_credits.give(ana, amount_minor=500, reason="Goodwill", shown=None, by=fay)),
        "credit.given",
    )
    for actions in (("credit.taken_back",), ()):
        watch.expect(lambda: account_credits.take_back(given[0], reason="By mistake", shown=None, by=fay), *actions)
    other = cast.bill(ana, 2_000)
    watch.expect(
        lambda: account_credits.give(ana, amount_minor=500, reason="Goodwill", shown=None, by=fay),
        "credit.given",
        "credit.applied",
    )
    assert AuditEntry.objects.get(action="credit.applied").about == other.ref


def test_services_are_audited(practice: Practice, fay: Actor) -> None:
    watch = AuditWatch(cast.ana(practice))
    item = service_items.save(practice, code="S50", label="Session", price_minor=14_000, shown=None, by=fay)

    def priced() -> object:
        return service_items.save(
            practice, code="S50", label="Session", price_minor=15_000, shown=None, by=fay, item=item
        )

    watch.expect(priced, "service.saved", of_client=False)
    for actions in (("service.retired",), ()):
        watch.expect(lambda: service_items.archive(item, shown=None, by=fay), *actions, of_client=False)


@pytest.fixture
def ana(till: Till) -> Client:
    return let_pay(cast.ana(till.practice))


def receive_event(till: Till, kind: str, id_: str) -> None:
    number = InboundEvent.objects.count()
    inbound_events.store(
        till.practice, source="stripe", event_id=f"evt_{number}", kind=kind, object_kind=kind, object_id=id_,
        livemode=False, happened_at=NOW,
    )  # fmt: skip
    card_payments.process(InboundEvent.objects.latest("id"))


def pay_at_stripe(till: Till, attempt: PaymentAttempt, number: str = "4242424242424242") -> None:
    till.type_card(attempt, number)
    polling.poll(attempt)


@pytest.mark.sqlite
def test_card_payments_and_saved_cards_are_audited(till: Till, ana: Client) -> None:
    watch = AuditWatch(ana)
    attempts: list[PaymentAttempt] = []
    bill = cast.bill(ana)
    watch.expect(lambda: attempts.append(till.start(ana, bill, save=True)), "payment.started", by="Ana Abreu")
    watch.expect(lambda: pay_at_stripe(till, attempts[0]), "payment.charged", "card.saved", by="Stripe")
    card = SavedCard.objects.get()
    data = till.stripe.account_data()
    data.save(data.get("payment_method", card.payment_method_id) | {"_number": "4000000000000341"})
    other = cast.bill(ana)
    before = AuditEntry.objects.count()
    till.charge(ana, card, other)
    entries = AuditEntry.objects.order_by("id")[before:].values_list("action", "actor_name", "client")
    assert list(entries) == [("payment.started", "Ana Abreu", ana.pk), ("payment.declined", "Stripe", ana.pk)]
    for actions in (("card.removed",), ()):
        watch.expect(lambda: saved_cards.remove(card, ana, by=till.payer(ana).by), *actions, by="Ana Abreu")


def paid(till: Till, invoice: Invoice) -> Payment:
    attempt = till.start(invoice.client, invoice)
    pay_at_stripe(till, attempt)
    return Payment.objects.select_related("client__practice").get(attempt=attempt)


@pytest.mark.sqlite
def test_sent_found_and_failed_refunds_are_audited(till: Till, ana: Client) -> None:
    fay = cast.fay(till.practice).actor
    payment, watch = paid(till, cast.bill(ana)), AuditWatch(ana)
    watch.expect(
        lambda: card_refunds.send(payment, amount_minor=4_000, reason="Price", shown=None, by=fay), "refund.sent"
    )
    made = till.stripe.refund(payment.stripe_charge_id, amount=5_000)
    for actions in (("refund.found",), ()):
        watch.expect(lambda: receive_event(till, "refund", made), *actions, by="Stripe")
    till.stripe.end_refund(made, fails=True)
    for actions in (("refund.failed",), ()):
        watch.expect(lambda: receive_event(till, "refund", made), *actions, by="Stripe")


@pytest.mark.sqlite
@pytest.mark.parametrize("won", [True, False])
def test_a_dispute_is_audited_when_it_opens_and_ends(till: Till, ana: Client, *, won: bool) -> None:
    payment, watch = paid(till, cast.bill(ana)), AuditWatch(ana)
    opened = till.stripe.dispute(payment.stripe_charge_id)
    for actions in (("dispute.opened",), ()):
        watch.expect(lambda: receive_event(till, "dispute", opened), *actions, by="Stripe")
    till.stripe.end_dispute(opened, won=won)
    watch.expect(lambda: receive_event(till, "dispute", opened), "dispute.won" if won else "dispute.lost", by="Stripe")
    watch.expect(disputes.poll_open)


@pytest.mark.sqlite
def test_a_mismatch_and_its_release_are_audited(till: Till, ana: Client, time_machine: Traveller) -> None:
    fay, watch = cast.fay(till.practice).actor, AuditWatch(ana)
    attempt = till.start(ana, cast.bill(ana))
    till.type_card(attempt)
    rows = PaymentAttempt.objects.filter(pk=attempt.pk)
    rows.update(currency="EUR")
    mine = rows.select_related("client__practice", "practice", "account")
    watch.expect(lambda: polling.poll(mine.get()), "payment.quarantined", by="Stripe")
    time_machine.move_to(NOW + timedelta(hours=25))
    rows.update(currency="USD")
    watch.expect(
        lambda: manual_release.release(mine.get(), reason="Unknown outcome", shown=None, by=fay), "payment.released"
    )
    assert mine.get().state == AttemptState.RELEASED
    watch.expect(lambda: settlement.end(mine.get(), AttemptState.EXPIRED))


@pytest.mark.sqlite
def test_a_reconciliation_is_audited(till: Till, ana: Client) -> None:
    Restoration.objects.create(practice=till.practice, backup_made_at=NOW - timedelta(minutes=5))
    before = AuditEntry.objects.count()
    reconciliation.reconcile(till.practice, since=NOW - timedelta(minutes=5), by=Actor.operator())
    (entry,) = AuditEntry.objects.order_by("id")[before:]
    assert (entry.action, entry.actor_kind, entry.details["found"]) == ("payment.reconciled", "operator", 0)
