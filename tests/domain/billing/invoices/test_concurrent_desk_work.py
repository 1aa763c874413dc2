"""What staff press while money is on its way, or while a colleague presses it too; beside it, without each guard."""

from datetime import timedelta
from functools import partial
from threading import Barrier, Event

import pytest
from django.db import IntegrityError, transaction

from portico.domain.audit_actions import AuditAction
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
from portico.domain.billing.stripe_sync import attempt_release, going_live
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice, StaffMember
from portico.plumbing import clock
from portico.plumbing.models import AuditEntry, OutgoingEmail
from tests import cast
from tests.support.at_once import HANDS, at_once, errors
from tests.support.paying import Till

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("books_stay_right"),
]

ROUNDS = 3
HALF = HANDS // 2


def fresh(invoice: Invoice) -> Invoice:
    return Invoice.objects.with_attempts().get(pk=invoice.pk)


def typed(till: Till, bill: Invoice, *, save: bool = False) -> PaymentAttempt:
    """Paid on Stripe's page; we have not heard of it yet."""
    attempt = till.start(bill.client, bill, save=save)
    till.type_card(attempt)
    return attempt


# Test payments go out of the books while one of them comes in.


def test_a_test_payment_that_comes_in_meanwhile_is_in_the_books_whole_or_out_of_them(till: Till, ana: Client) -> None:
    for _round in range(ROUNDS):
        bill, other = cast.bill(ana), cast.bill(ana, 5_000)
        polling.poll(typed(till, bill))
        coming = typed(till, other)
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
    assert AuditEntry.objects.filter(verb=AuditAction.PAYMENT_TAKEN_BACK).count() == 2 * ROUNDS


def test_without_the_lock_money_that_was_taken_out_pays_a_bill_and_only_the_database_refuses_it(
    till: Till, ana: Client
) -> None:
    paid = cast.bill(ana)
    polling.poll(typed(till, paid))
    invoicing.void(paid, reason="Made by mistake", shown=None, by=cast.DESK)
    left_over = Payment.objects.get()
    bill = cast.bill(ana, shared=False)
    both_have_looked = Barrier(2)

    def put_without_lock() -> None:
        with transaction.atomic():
            source = Payment.objects.spendable().get(pk=left_over.pk)
            both_have_looked.wait(30)
            allocation.allocate(source, [AllocationTarget(bill, 14_000)])

    def take_out_without_lock() -> None:
        with transaction.atomic():
            source = Payment.objects.get(pk=left_over.pk)
            assert not source.allocations.live().exists()
            both_have_looked.wait(30)
            Payment.objects.filter(pk=source.pk).update(taken_back_at=clock.now(), taken_back_reason="A test")

    assert errors(at_once(put_without_lock, take_out_without_lock)) == [IntegrityError]


# A doubtful payment is let go while Stripe's answer comes in.


@pytest.fixture
def doubtful(till: Till, ana: Client) -> PaymentAttempt:
    return in_doubt(till, ana)


def in_doubt(till: Till, person: Client) -> PaymentAttempt:
    """A saved card was charged, the answer was lost, and for a day nobody has found out."""
    if not SavedCard.objects.exists():
        polling.poll(typed(till, cast.bill(person, 1_000), save=True))
    till.stripe.fault("lost", "/v1/payment_intents", method="POST")
    attempt = till.charge(person, SavedCard.objects.get(), cast.bill(person))
    PaymentAttempt.objects.filter(pk=attempt.pk).update(unknown_since=clock.now() - timedelta(hours=25))
    return PaymentAttempt.objects.select_related("client__practice", "account", "practice", "card").get(pk=attempt.pk)


def test_let_go_of_and_settled_at_once_the_money_pays_the_bill_or_waits_to_be_refunded(till: Till, ana: Client) -> None:
    for _round in range(ROUNDS):
        attempt = in_doubt(till, ana)
        (bill,) = [cover.invoice for cover in attempt.covers.select_related("invoice")]
        done = at_once(
            *[partial(attempt_release.release, attempt, reason="Stripe shows nothing", shown=None, by=cast.DESK)]
            * HALF,
            *[partial(polling.poll, attempt)] * HALF,
        )
        assert set(errors(done)) <= {CannotBeReleased}
        payment = Payment.objects.get(attempt=attempt)
        released = AuditEntry.objects.filter(verb=AuditAction.PAYMENT_RELEASED, about=attempt.ref).count()
        was_late = payment.refund_asked_at is not None
        assert (released, fresh(bill).is_paid) == (was_late, not was_late)
        attempt.refresh_from_db()
        assert (attempt.state, fresh(bill).is_attempted) == (AttemptState.SUCCEEDED, False)
        if was_late:
            invoicing.void(bill, reason="The next round begins", shown=None, by=cast.DESK)


def test_without_the_lock_a_payment_is_let_go_that_has_paid_its_bill(till: Till, doubtful: PaymentAttempt) -> None:
    has_looked, is_settled = Event(), Event()

    def let_go_without_lock() -> None:
        row = PaymentAttempt.objects.get(pk=doubtful.pk)
        assert attempt_release.may_be_released(row)
        has_looked.set()
        assert is_settled.wait(30)
        row.state, row.reason, row.ended_at = AttemptState.RELEASED, "Stripe shows nothing", clock.now()
        row.save(update_fields=["state", "reason", "ended_at"])

    def settle() -> None:
        assert has_looked.wait(30)
        polling.poll(doubtful)
        is_settled.set()

    assert errors(at_once(let_go_without_lock, settle)) == []
    doubtful.refresh_from_db()
    bill = doubtful.covers.get().invoice
    assert (doubtful.state, bill.is_paid) == (AttemptState.RELEASED, True)


# Everything is shared, by two colleagues at once.


@pytest.fixture
def fay(practice: Practice) -> StaffMember:
    return cast.fay(practice)


@pytest.fixture
def unshared(ana: Client) -> list[Invoice]:
    return [cast.bill(ana, 1_000 + number, shared=False) for number in range(8)]


def test_share_all_pressed_by_many_is_one_run_and_each_client_hears_once_of_each_bill(
    till: Till, unshared: list[Invoice], fay: StaffMember
) -> None:
    begun = at_once(*[partial(invoice_sharing.start_run, till.practice, shown=None, asked_by=fay)] * HANDS)
    run = SharingRun.objects.get()
    assert begun == [run] * HANDS
    at_once(*[invoice_sharing.continue_next_run] * HANDS)
    while invoice_sharing.continue_next_run():
        pass
    run.refresh_from_db()
    assert (run.is_over, run.shared, run.not_told) == (True, len(unshared), 0)
    assert Invoice.objects.shared().count() == len(unshared)
    assert OutgoingEmail.objects.filter(kind=invoice_sharing.KIND).count() == len(unshared)
    assert AuditEntry.objects.filter(verb=AuditAction.INVOICE_SHARED).count() == len(unshared)


def test_without_a_second_look_two_runs_would_begin_and_the_database_refuses_one(
    till: Till, unshared: list[Invoice], fay: StaffMember
) -> None:
    both_have_looked = Barrier(2)

    def begin_without_second_look() -> SharingRun:
        assert not SharingRun.objects.waiting().exists()
        both_have_looked.wait(30)
        return SharingRun.objects.create(
            practice=till.practice, asked_by=fay, last_invoice_id=unshared[-1].pk, total=len(unshared)
        )

    assert errors(at_once(begin_without_second_look, begin_without_second_look)) == [IntegrityError]


def test_a_run_and_a_colleague_who_shares_one_by_hand_tell_the_client_once(
    till: Till, unshared: list[Invoice], fay: StaffMember
) -> None:
    invoice_sharing.start_run(till.practice, shown=None, asked_by=fay)
    by_hand = [partial(invoice_sharing.share, bill, shown=None, by=fay.actor) for bill in unshared[: HANDS - 1]]
    assert errors(at_once(invoice_sharing.continue_next_run, *by_hand)) == []
    assert Invoice.objects.shared().count() == len(unshared)
    assert OutgoingEmail.objects.filter(kind=invoice_sharing.KIND).count() == len(unshared)


def test_without_the_lock_two_who_share_a_bill_both_tell_of_it(
    till: Till, unshared: list[Invoice], fay: StaffMember
) -> None:
    bill, both_have_looked = unshared[0], Barrier(2)

    def share_without_lock(who: str) -> None:
        assert not fresh(bill).is_shared
        both_have_looked.wait(30)
        Invoice.objects.filter(pk=bill.pk).update(shared_at=clock.now())
        invoice_sharing.send_again(bill, form_key=who, shown=None, by=fay.actor)

    assert errors(at_once(partial(share_without_lock, "one"), partial(share_without_lock, "other"))) == []
    assert OutgoingEmail.objects.filter(kind=invoice_sharing.KIND).count() == 2
