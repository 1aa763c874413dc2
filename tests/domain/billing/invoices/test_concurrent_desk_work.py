"""Office operations concurrent with payments or with a colleague; and what happens without each guard."""

from datetime import timedelta
from functools import partial
from threading import Barrier, Event

import pytest
from django.db import IntegrityError, transaction

from portico.domain.audit_actions import AuditAction
from portico.domain.billing import bill_mails
from portico.domain.billing.card_payments import polling
from portico.domain.billing.card_payments.payment_refusals import CannotBeReleased
from portico.domain.billing.invoices import invoice_sharing, invoicing
from portico.domain.billing.ledger import allocation
from portico.domain.billing.ledger.allocation import AllocationTarget
from portico.domain.billing.models import (
    AttemptState,
    Invoice,
    Payment,
    PaymentAttempt,
    SavedCard,
    SharingRun,
)
from portico.domain.billing.stripe_sync import going_live, manual_release
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice, StaffMember
from portico.plumbing import clock
from portico.plumbing.models import AuditEntry, OutgoingEmail
from tests import cast
from tests.support.at_once import HANDS, at_once, errors
from tests.support.card_payments import Till

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("books_stay_right"),
]

ROUNDS = 3
HALF = HANDS // 2


def fresh(invoice: Invoice) -> Invoice:
    return Invoice.objects.with_attempts().get(pk=invoice.pk)


def paid_at_stripe(till: Till, bill: Invoice, *, save: bool = False) -> PaymentAttempt:
    """Returns an attempt that is paid on Stripe's page and not polled yet."""
    attempt = till.start(bill.client, bill, save=save)
    till.type_card(attempt)
    return attempt


# Test payments are removed while one of them is settled.


def test_a_test_payment_is_removed_whole_or_kept(till: Till, ana: Client) -> None:
    for _round in range(ROUNDS):
        bill, other = cast.bill(ana), cast.bill(ana, 5_000)
        polling.poll(paid_at_stripe(till, bill))
        coming = paid_at_stripe(till, other)
        done = at_once(
            *[partial(going_live.remove_test_payments, till.practice, shown=None, by=cast.DESK)] * HALF,
            *[partial(polling.poll, coming)] * HALF,
        )
        assert errors(done) == []
        payment = Payment.objects.get(attempt=coming)
        assert fresh(other).is_paid is not payment.is_taken_back
        assert sum(each for each in done if isinstance(each, int)) == 1 + payment.is_taken_back
        assert going_live.remove_test_payments(till.practice, shown=None, by=cast.DESK) == (not payment.is_taken_back)
        assert (fresh(bill).paid_minor, fresh(other).paid_minor) == (0, 0)
        for each in (bill, other):
            invoicing.void(each, reason="The next round begins", shown=None, by=cast.DESK)
    assert AuditEntry.objects.filter(action=AuditAction.PAYMENT_TAKEN_BACK).count() == 2 * ROUNDS


def test_without_the_lock_a_constraint_keeps_removed_money_out(till: Till, ana: Client) -> None:
    paid = cast.bill(ana)
    polling.poll(paid_at_stripe(till, paid))
    invoicing.void(paid, reason="Created by mistake", shown=None, by=cast.DESK)
    unused = Payment.objects.get()
    bill = cast.bill(ana, shared=False)
    both_have_read = Barrier(2)

    def allocate_without_lock() -> None:
        with transaction.atomic():
            source = Payment.objects.spendable().get(pk=unused.pk)
            both_have_read.wait(30)
            allocation.allocate(source, [AllocationTarget(bill, 14_000)])

    def remove_without_lock() -> None:
        with transaction.atomic():
            source = Payment.objects.get(pk=unused.pk)
            assert not source.allocations.live().exists()
            both_have_read.wait(30)
            Payment.objects.filter(pk=source.pk).update(taken_back_at=clock.now(), taken_back_reason="A test")

    assert errors(at_once(allocate_without_lock, remove_without_lock)) == [IntegrityError]


# An attempt with an unknown outcome is released while its outcome arrives.


@pytest.fixture
def unresolved(till: Till, ana: Client) -> PaymentAttempt:
    return unresolved_attempt(till, ana)


def unresolved_attempt(till: Till, person: Client) -> PaymentAttempt:
    """Charges a saved card, loses the response, and leaves the outcome unknown for 25 hours."""
    if not SavedCard.objects.exists():
        polling.poll(paid_at_stripe(till, cast.bill(person, 1_000), save=True))
    till.stripe.fault("lost", "/v1/payment_intents", method="POST")
    attempt = till.charge(person, SavedCard.objects.get(), cast.bill(person))
    PaymentAttempt.objects.filter(pk=attempt.pk).update(unknown_since=clock.now() - timedelta(hours=25))
    return PaymentAttempt.objects.select_related("client__practice", "account", "practice", "card").get(pk=attempt.pk)


def test_a_released_payment_is_allocated_or_to_be_refunded(till: Till, ana: Client) -> None:
    for _round in range(ROUNDS):
        attempt = unresolved_attempt(till, ana)
        (bill,) = [cover.invoice for cover in attempt.covers.select_related("invoice")]
        done = at_once(
            *[partial(manual_release.release, attempt, reason="Stripe shows nothing", shown=None, by=cast.DESK)] * HALF,
            *[partial(polling.poll, attempt)] * HALF,
        )
        assert set(errors(done)) <= {CannotBeReleased}
        payment = Payment.objects.get(attempt=attempt)
        released = AuditEntry.objects.filter(action=AuditAction.PAYMENT_RELEASED, about=attempt.ref).count()
        was_late = payment.refund_requested_at is not None
        assert (released, fresh(bill).is_paid) == (was_late, not was_late)
        attempt.refresh_from_db()
        assert (attempt.state, bill.attempts.filter(is_open=True).exists()) == (AttemptState.SUCCEEDED, False)
        if was_late:
            invoicing.void(bill, reason="The next round begins", shown=None, by=cast.DESK)


def test_without_the_lock_a_settled_attempt_is_released(till: Till, unresolved: PaymentAttempt) -> None:
    has_read, is_settled = Event(), Event()

    def release_without_lock() -> None:
        row = PaymentAttempt.objects.get(pk=unresolved.pk)
        assert manual_release.may_be_released(row)
        has_read.set()
        assert is_settled.wait(30)
        row.state, row.reason, row.ended_at = AttemptState.RELEASED, "Stripe shows nothing", clock.now()
        row.save(update_fields=["state", "reason", "ended_at"])

    def settle() -> None:
        assert has_read.wait(30)
        polling.poll(unresolved)
        is_settled.set()

    assert errors(at_once(release_without_lock, settle)) == []
    unresolved.refresh_from_db()
    bill = unresolved.covers.get().invoice
    assert (unresolved.state, bill.is_paid) == (AttemptState.RELEASED, True)


# Two colleagues share all invoices at the same time.


@pytest.fixture
def fay(practice: Practice) -> StaffMember:
    return cast.fay(practice)


@pytest.fixture
def unshared(ana: Client) -> list[Invoice]:
    return [cast.bill(ana, 1_000 + number, shared=False) for number in range(8)]


def test_concurrent_share_all_is_one_run_and_one_mail_each(
    till: Till, unshared: list[Invoice], fay: StaffMember
) -> None:
    runs = at_once(*[partial(invoice_sharing.start_run, till.practice, shown=None, requested_by=fay)] * HANDS)
    run = SharingRun.objects.get()
    assert runs == [run] * HANDS
    at_once(*[invoice_sharing.continue_next_run] * HANDS)
    while invoice_sharing.continue_next_run():
        pass
    run.refresh_from_db()
    assert (run.is_over, run.shared, run.not_notified) == (True, len(unshared), 0)
    assert Invoice.objects.shared().count() == len(unshared)
    assert OutgoingEmail.objects.filter(kind=bill_mails.NEW_BILL).count() == len(unshared)
    assert AuditEntry.objects.filter(action=AuditAction.INVOICE_SHARED).count() == len(unshared)


def test_a_constraint_refuses_a_second_run(till: Till, unshared: list[Invoice], fay: StaffMember) -> None:
    both_have_read = Barrier(2)

    def begin_without_check() -> SharingRun:
        assert not SharingRun.objects.waiting().exists()
        both_have_read.wait(30)
        return SharingRun.objects.create(
            practice=till.practice, requested_by=fay, last_number=len(unshared), total=len(unshared)
        )

    assert errors(at_once(begin_without_check, begin_without_check)) == [IntegrityError]


def test_a_run_and_a_colleague_notify_the_client_once(till: Till, unshared: list[Invoice], fay: StaffMember) -> None:
    invoice_sharing.start_run(till.practice, shown=None, requested_by=fay)
    by_hand = [partial(invoice_sharing.share, bill, shown=None, by=fay.actor) for bill in unshared[: HANDS - 1]]
    assert errors(at_once(invoice_sharing.continue_next_run, *by_hand)) == []
    assert Invoice.objects.shared().count() == len(unshared)
    assert OutgoingEmail.objects.filter(kind=bill_mails.NEW_BILL).count() == len(unshared)


def test_without_the_lock_a_bill_is_notified_twice(till: Till, unshared: list[Invoice], fay: StaffMember) -> None:
    bill, both_have_read = unshared[0], Barrier(2)

    def share_without_lock(form_key: str) -> None:
        assert not fresh(bill).is_shared
        both_have_read.wait(30)
        Invoice.objects.filter(pk=bill.pk).update(shared_at=clock.now())
        invoice_sharing.send_again(bill, form_key=form_key, shown=None, by=fay.actor)

    assert errors(at_once(partial(share_without_lock, "one"), partial(share_without_lock, "other"))) == []
    assert OutgoingEmail.objects.filter(kind=bill_mails.NEW_BILL).count() == 2
