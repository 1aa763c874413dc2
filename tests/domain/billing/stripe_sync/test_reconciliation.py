"""Reconciliation with Stripe's lists: missing objects are found without events, also after a restore."""

from datetime import timedelta

import pytest
from django.db import transaction
from pytest_django.fixtures import Settings
from time_machine import Traveller

from portico.domain.audit_actions import AuditAction
from portico.domain.billing.card_payments import polling
from portico.domain.billing.card_payments.payment_refusals import BooksBeingChecked
from portico.domain.billing.models import Dispute, Invoice, Payment, Refund
from portico.domain.billing.stripe_sync import card_refunds, manual_release, reconciliation
from portico.domain.clients.models import Client
from portico.domain.maintenance import after_restore
from portico.domain.practices.models import OnlinePayments
from portico.domain.practices.stripe_setup import api_keys
from portico.domain.practices.stripe_setup.api_keys import Keys
from portico.gateways.stripe.errors import StripeCallFailed
from portico.plumbing.models import AuditEntry, OutgoingEmail, Restoration
from tests import cast
from tests.domain.billing.desk_sessions import fresh, paid, saved
from tests.support.card_payments import KEY, Till, signed_in_to_pay
from tests.support.clock import NOW
from tests.support.portal_client import Browser

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite, pytest.mark.usefixtures("books_stay_right")]

BILLING = "/portal/alder-street/billing/"


def run_reconciliation(till: Till, *, hours: int = 24) -> reconciliation.ReconciliationResult:
    return reconciliation.reconcile(till.practice, since=NOW - timedelta(hours=hours), by=cast.DESK)


def test_refunds_and_disputes_are_found_without_events(till: Till, ana: Client, time_machine: Traveller) -> None:
    first, second = cast.bill(ana), cast.bill(ana)
    refunded, disputed = paid(till, first), paid(till, second)
    # A month later their payments are no longer in the lists of recent days.
    time_machine.move_to(NOW + timedelta(days=30))
    till.stripe.refund(refunded.stripe_charge_id, amount=4_000)
    till.stripe.end_dispute(till.stripe.dispute(disputed.stripe_charge_id), won=False)
    time_machine.move_to(NOW + timedelta(days=30, minutes=15))
    for _time in range(2):
        reconciliation.reconcile_recent()
        assert (Refund.objects.get().amount_minor, Dispute.objects.get().lost_minor) == (4_000, 14_000)
    assert (fresh(first).is_paid, fresh(second).still_open_minor) == (True, 14_000)
    assert OutgoingEmail.objects.filter(kind="refund").count() == 1


def test_settled_objects_cause_no_calls(till: Till, ana: Client, bill: Invoice, time_machine: Traveller) -> None:
    till.stripe.refund(paid(till, bill).stripe_charge_id, amount=4_000)
    time_machine.move_to(NOW + timedelta(minutes=15))
    reconciliation.reconcile_recent()
    # The three lists only: any further call would meet a fault.
    till.stripe.fault("500", "/v1/refunds/")
    till.stripe.fault("500", "/v1/charges/")
    till.stripe.fault("500", "/v1/payment_intents/")
    assert (reconciliation.reconcile_recent(), till.stripe.faults.left) == (1, 3)


def test_a_failed_refund_is_undone_without_an_event(till: Till, ana: Client, bill: Invoice) -> None:
    payment = paid(till, bill)
    made = till.stripe.refund(payment.stripe_charge_id, amount=4_000)
    run_reconciliation(till)
    till.stripe.end_refund(made, fails=True)
    run_reconciliation(till)
    payment.refresh_from_db()
    assert (payment.refunded_minor, fresh(bill).is_paid) == (0, True)


def test_old_payments_of_released_attempts_are_found(
    till: Till, ana: Client, bill: Invoice, time_machine: Traveller
) -> None:
    attempt = till.start(ana, bill)
    till.type_card(attempt)
    data = till.stripe.account_data()
    data.save(data.all("payment_intent")[0] | {"amount": 13_999, "amount_received": 13_999})
    polling.poll(attempt)
    time_machine.move_to(NOW + timedelta(days=10))
    manual_release.release(attempt, reason="Looked at it in Stripe", shown=None, by=cast.DESK)
    reconciliation.reconcile_recent()
    assert (Payment.objects.get().amount_minor, fresh(bill).still_open_minor) == (13_999, 14_000)


def test_a_turn_begins_with_the_practice_that_waited_longest(
    till: Till, ana: Client, stopped_clock: Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    birch = cast.birch()
    api_keys.save_unchecked(birch, Keys("sk_test_birch"), by=cast.DESK)
    monkeypatch.setattr(reconciliation, "TURN_SECONDS", 0.0)
    newest = OnlinePayments.objects.filter(reconciled_at__isnull=False).order_by("-reconciled_at")
    reached = []
    for _ in range(4):
        stopped_clock.shift(timedelta(minutes=15))
        reconciliation.reconcile_recent()
        reached.append(newest.values_list("practice_id", flat=True)[0])
    assert reached == [till.practice.pk, birch.pk] * 2


# After a restore.


@pytest.fixture
def restored(till: Till, ana: Client, bill: Invoice) -> Till:
    """Since the backup, Ana has paid one bill by saved card and one on Stripe's page, and 40 dollars were refunded."""
    card, other = saved(till, ana), cast.bill(ana, 5_000)
    since = transaction.atomic()
    since._from_testcase = True  # type: ignore[attr-defined]  # As Django marks its own: Stripe may be called in it.
    with since:
        till.charge(ana, card, bill)
        till.type_card(till.start(ana, other))
        card_refunds.send(
            Payment.objects.latest("id"), amount_minor=4_000, reason="Paid twice", shown=None, by=cast.DESK
        )
        transaction.set_rollback(True)
    assert [charge.amount for charge in till.book] == [1_000, 14_000, 5_000]
    after_restore.after_restore(by=cast.DESK)
    return till


def test_lost_payments_are_rebuilt_with_their_refunds(restored: Till, ana: Client, bill: Invoice) -> None:
    assert run_reconciliation(restored) == reconciliation.ReconciliationResult(checked=3, found=2)
    assert fresh(bill).is_paid
    assert {(each.amount_minor, each.refunded_minor) for each in Payment.objects.all()} == {
        (1_000, 0), (14_000, 4_000), (5_000, 0),
    }  # fmt: skip
    assert all(each.account == restored.payer(ana).account for each in Payment.objects.all())
    assert run_reconciliation(restored) == reconciliation.ReconciliationResult(checked=3, found=0)


def test_card_payments_stop_until_reconciled_after_restore(
    restored: Till, client: Browser, ana: Client, bill: Invoice
) -> None:
    portal = signed_in_to_pay(client, ana)
    assert b'data-testid="pay-now"' not in portal.get(BILLING).content
    answer = portal.post(f"{BILLING}{bill.ref}/payment/", {"with": "new"})
    assert (answer.status_code, "We’re checking payments" in answer.text) == (409, True)
    # A reconciliation of a shorter period does not count, nor one that failed.
    reconciliation.reconcile(restored.practice, since=NOW + timedelta(minutes=1), by=cast.DESK)
    restored.stripe.fault("503", "/v1/disputes")
    with pytest.raises(StripeCallFailed):
        run_reconciliation(restored)
    with pytest.raises(BooksBeingChecked):
        restored.start(ana)
    run_reconciliation(restored)
    owed = cast.bill(ana, 3_000)
    assert b'data-testid="pay-now"' in portal.get(BILLING).content
    assert restored.start(ana, owed).checkout_url
    assert AuditEntry.objects.filter(action=AuditAction.PAYMENTS_RECONCILED).count() == 2


def test_a_restore_from_the_future_is_reconciled_fully(restored: Till, ana: Client) -> None:
    Restoration.objects.update(backup_made_at=NOW + timedelta(days=730), restored_at=NOW + timedelta(days=730, hours=1))
    since = reconciliation.since_of(restored.practice)
    assert since == NOW - timedelta(days=30)
    reconciliation.reconcile(restored.practice, since=since, by=cast.DESK)
    assert Restoration.objects.get().reconciled_at == NOW
    assert restored.start(ana, cast.bill(ana, 3_000)).checkout_url


def test_another_practices_reconciliation_has_no_effect(till: Till, ana: Client, bill: Invoice) -> None:
    birch = cast.birch()
    for practice in (till.practice, birch):
        Restoration.objects.create(practice=practice, backup_made_at=NOW)
    reconciliation.reconcile(birch, since=NOW - timedelta(hours=24), by=cast.DESK)
    assert (reconciliation.since_of(birch), reconciliation.since_of(till.practice) is None) == (None, False)
    with pytest.raises(BooksBeingChecked):
        till.start(ana, bill)


def test_an_unreadable_key_blocks_until_it_is_entered(
    till: Till, ana: Client, bill: Invoice, settings: Settings
) -> None:
    Restoration.objects.create(practice=till.practice, backup_made_at=NOW)
    known, settings.FIELD_KEYS = settings.FIELD_KEYS, {"new": b"n" * 32}
    assert run_reconciliation(till).unreadable_keys == 1
    assert reconciliation.since_of(till.practice) is not None
    api_keys.save_keys(till.practice, Keys(KEY), by=cast.DESK)
    assert run_reconciliation(till).unreadable_keys == 0
    assert reconciliation.since_of(till.practice) is None
    settings.FIELD_KEYS = known
