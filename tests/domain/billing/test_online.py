"""Paying by card: charged once, settled by one path, whatever Stripe, the network or the client does."""

from copy import copy
from datetime import timedelta

import pytest
from time_machine import Traveller

from portico.domain.access import granting
from portico.domain.billing import invoicing, verifying
from portico.domain.billing.models import (
    AttemptState,
    Dispute,
    DisputeState,
    Invoice,
    Payment,
    PaymentAttempt,
    Refund,
    RefundState,
    SavedCard,
)
from portico.domain.billing.online import (
    cards,
    concluding,
    disputes,
    doubts,
    following,
    hearing,
    paying,
    reconciling,
    refunds,
    releasing,
    retiring,
)
from portico.domain.billing.online.paying import Order
from portico.domain.billing.online.refusals import (
    AmountChanged,
    BooksBeingChecked,
    CardGone,
    CardsTurnedOff,
    RefundRefused,
    StillKnown,
    StripeNotReached,
    TooSmall,
)
from portico.domain.billing.refusals import BeyondWhatIsLeft, InvoicePaid, Processing
from portico.domain.clients.models import Client
from portico.domain.practices import connecting, suspending
from portico.domain.practices.online_payments import CardsNotTaken
from portico.plumbing import inbox
from portico.plumbing.inbox import Verdict
from portico.plumbing.models import InboxEvent, OutgoingEmail, Restoration
from tests import cast
from tests.cast import DESK
from tests.support.clock import NOW
from tests.support.paying import Till, let_pay

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@pytest.fixture
def ana(till: Till) -> Client:
    return let_pay(cast.ana(till.practice))


@pytest.fixture
def bill(ana: Client) -> Invoice:
    return cast.bill(ana)


@pytest.fixture
def card(till: Till, ana: Client) -> SavedCard:
    """A Visa that Ana saved with an earlier payment."""
    return saved(till, ana)


def saved(till: Till, person: Client, number: str = "4242424242424242") -> SavedCard:
    attempt = till.start(person, cast.bill(person, 1_000), save=True)
    till.type_card(attempt, number)
    following.ask(attempt)
    return SavedCard.objects.latest("id")


def paid(till: Till, invoice: Invoice) -> Payment:
    attempt = till.start(invoice.client, invoice)
    till.type_card(attempt)
    following.ask(attempt)
    return Payment.objects.get(attempt=attempt)


def fresh(invoice: Invoice) -> Invoice:
    return Invoice.objects.with_attempts().get(pk=invoice.pk)


def state(attempt: PaymentAttempt) -> str:
    return PaymentAttempt.objects.get(pk=attempt.pk).state


def event(till: Till, object_kind: str, object_id: str, kind: str = "") -> InboxEvent:
    number = InboxEvent.objects.count()
    inbox.keep(
        till.practice, source="stripe", event_id=f"evt_{number}", kind=kind or object_kind, object_kind=object_kind,
        object_id=object_id, livemode=False, happened_at=NOW,
    )  # fmt: skip
    return InboxEvent.objects.latest("id")


@pytest.fixture(autouse=True)
def _books_are_right() -> object:
    yield
    assert list(verifying.mismatches()) == []


def test_the_card_is_saved_only_when_asked_with_the_words_that_were_read(till: Till, ana: Client) -> None:
    paid(till, cast.bill(ana))
    assert not SavedCard.objects.exists()
    kept = saved(till, ana)
    assert (kept.last4, kept.account) == ("4242", till.payer(ana).account)
    assert "Save Card" in kept.consent_text


def test_a_saved_card_pays_with_one_press(till: Till, ana: Client, card: SavedCard, bill: Invoice) -> None:
    attempt = till.charge(ana, card, bill)
    assert state(attempt) == AttemptState.SUCCEEDED
    assert fresh(bill).is_paid
    assert [charge.amount for charge in till.book] == [1_000, 14_000]


def test_pressed_again_after_success_nothing_more_is_charged(
    till: Till, ana: Client, card: SavedCard, bill: Invoice
) -> None:
    till.charge(ana, card, bill)
    with pytest.raises(InvoicePaid):
        till.charge(ana, card, bill)
    assert len(till.book) == 2


def test_too_many_calls_charge_nothing_and_leave_nothing_open(
    till: Till, ana: Client, card: SavedCard, bill: Invoice
) -> None:
    till.stripe.fault("429", "/v1/payment_intents", method="POST")
    with pytest.raises(StripeNotReached):
        till.charge(ana, card, bill)
    assert PaymentAttempt.objects.latest("id").state == AttemptState.FAILED
    assert not fresh(bill).is_attempted


@pytest.mark.parametrize("fault", ["lost", "half", "nonsense", "fail_after", "500", "503"])
def test_a_saved_cards_lost_answer_is_processing_until_the_worker_has_found_it(
    till: Till, card: SavedCard, bill: Invoice, fault: str, time_machine: Traveller
) -> None:
    ana = bill.client
    till.stripe.fault(fault, "/v1/payment_intents", method="POST")
    attempt = till.charge(ana, card, bill)
    assert attempt.state == AttemptState.PROCESSING
    assert fresh(bill).is_processing
    with pytest.raises(Processing):
        till.charge(ana, card, bill)
    time_machine.move_to(NOW + timedelta(seconds=61))
    assert following.follow_next()
    assert state(attempt) == AttemptState.SUCCEEDED
    assert fresh(bill).is_paid
    assert [charge.amount for charge in till.book] == [1_000, 14_000]


@pytest.mark.parametrize("fault", ["lost", "half", "500", "fail_after"])
def test_a_checkout_whose_answer_was_lost_leaves_the_invoice_unpaid_and_starts_again(
    till: Till, ana: Client, bill: Invoice, fault: str
) -> None:
    till.stripe.fault(fault, "/v1/checkout/sessions", method="POST")
    attempt = till.start(ana, bill)
    assert (attempt.state, attempt.checkout_url) == (AttemptState.OPEN, "")
    assert not fresh(bill).is_processing
    again = till.start(ana, bill)
    assert again.pk != attempt.pk
    assert again.checkout_url
    assert state(attempt) == AttemptState.EXPIRED
    till.type_card(again)
    following.ask(again)
    assert fresh(bill).is_paid


def test_while_stripe_is_away_nothing_is_begun(till: Till, ana: Client, bill: Invoice) -> None:
    till.stripe.fault("429", times=5)
    with pytest.raises(StripeNotReached):
        till.start(ana, bill)
    assert not fresh(bill).is_attempted


def test_the_balance_and_one_invoice_exclude_each_other(till: Till, ana: Client, bill: Invoice) -> None:
    cast.bill(ana, 5_000)
    whole = till.start(ana)
    one = till.start(ana, bill)
    assert (state(whole), state(one)) == (AttemptState.EXPIRED, AttemptState.OPEN)
    with pytest.raises(ValueError, match="expired"):
        till.type_card(whole)


def test_only_the_very_same_payment_is_taken_up_again(till: Till, ana: Client, bill: Invoice) -> None:
    first = till.start(ana, bill)
    assert till.start(ana, bill).pk == first.pk
    assert till.start(ana, bill, save=True).pk != first.pk


def test_a_page_that_was_opened_while_somebody_was_about_to_end_it_is_closed_at_stripe(till: Till, ana: Client) -> None:
    bill = cast.bill(ana)
    begun = till.start(ana, bill)
    as_it_stood_before = copy(begun)
    as_it_stood_before.called_at, as_it_stood_before.checkout_session_id = None, ""
    retiring.retire(as_it_stood_before)
    (page,) = till.stripe.desk().all("checkout.session")
    begun.refresh_from_db()
    assert (page["status"], begun.state) == ("expired", AttemptState.EXPIRED)


def test_a_payment_left_on_stripes_page_is_found_without_any_event(
    till: Till, ana: Client, bill: Invoice, time_machine: Traveller
) -> None:
    attempt = till.start(ana, bill)
    till.type_card(attempt)
    time_machine.move_to(NOW + timedelta(seconds=61))
    assert following.follow_next()
    assert fresh(bill).is_paid


def test_while_a_practice_is_paused_its_money_is_settled_all_the_same(
    till: Till, ana: Client, bill: Invoice, time_machine: Traveller
) -> None:
    left, told = till.start(ana, bill), till.start(ana, cast.bill(ana, 5_000))
    for attempt in (left, told):
        till.type_card(attempt)
    suspending.suspend(till.practice, by=DESK)
    assert hearing.work(event(till, "checkout.session", told.checkout_session_id)) is Verdict.DONE
    time_machine.move_to(NOW + timedelta(seconds=61))
    assert following.follow_next()
    assert [state(attempt) for attempt in (left, told)] == [AttemptState.SUCCEEDED] * 2


def test_stripe_was_away_for_an_hour_and_within_90_seconds_of_its_return_it_is_paid(
    till: Till, ana: Client, card: SavedCard, bill: Invoice, time_machine: Traveller
) -> None:
    till.stripe.fault("lost", "/v1/payment_intents", method="POST")
    till.charge(ana, card, bill)
    till.stripe.fault("503", times=999)
    for minute in range(1, 61):
        time_machine.move_to(NOW + timedelta(minutes=minute))
        following.follow_next()
        assert fresh(bill).is_processing
    till.stripe.clear_faults()
    time_machine.move_to(NOW + timedelta(minutes=60, seconds=90))
    assert following.follow_next()
    assert fresh(bill).is_paid
    assert [charge.amount for charge in till.book] == [1_000, 14_000]


def test_an_abandoned_checkout_is_unpaid_and_over_at_its_hour(
    till: Till, ana: Client, bill: Invoice, time_machine: Traveller
) -> None:
    attempt = till.start(ana, bill)
    assert not fresh(bill).is_processing
    till.stripe.forward(46 * 60)
    time_machine.move_to(NOW + timedelta(minutes=46))
    assert following.follow_next()
    assert (state(attempt), fresh(bill).is_attempted) == (AttemptState.EXPIRED, False)


def test_events_settle_once_however_often_and_in_whatever_order(till: Till, ana: Client, bill: Invoice) -> None:
    attempt = till.start(ana, bill)
    till.type_card(attempt)
    (charge,) = till.book
    things = [("payment_intent", charge.payment_intent), ("checkout.session", attempt.checkout_session_id)]
    for kind, id_ in (*things, *reversed(things), *things):
        assert hearing.work(event(till, kind, id_)) is Verdict.DONE
    assert Payment.objects.count() == 1
    assert OutgoingEmail.objects.filter(kind="receipt").count() == 1


def test_an_event_before_its_own_answer_finds_the_attempt(till: Till, ana: Client, bill: Invoice) -> None:
    till.stripe.fault("lost", "/v1/checkout/sessions", method="POST")
    attempt = till.start(ana, bill)
    (session,) = till.stripe.desk().all("checkout.session")
    till.stripe.pay(session["id"])
    assert hearing.work(event(till, "checkout.session", session["id"])) is Verdict.DONE
    assert state(attempt) == AttemptState.SUCCEEDED


def test_an_event_of_something_unknown_is_kept_and_one_of_others_ignored(till: Till) -> None:
    assert hearing.work(event(till, "payment_intent", "pi_unknown")) is Verdict.LATER
    assert hearing.work(event(till, "customer", "cus_1")) is Verdict.IGNORED


def test_while_stripe_is_down_events_wait(till: Till, ana: Client, bill: Invoice) -> None:
    attempt = till.start(ana, bill)
    till.stripe.fault("503")
    assert hearing.work(event(till, "checkout.session", attempt.checkout_session_id)) is Verdict.LATER


def test_a_late_success_after_the_invoice_was_paid_is_credit_that_staff_are_asked_to_refund(
    till: Till, ana: Client, bill: Invoice
) -> None:
    attempt = till.start(ana, bill)
    till.type_card(attempt)
    concluding.end(attempt, AttemptState.EXPIRED)
    cast.cash(ana, 14_000, invoice=fresh(bill))
    following.ask(attempt)
    payment = Payment.objects.get(attempt=attempt)
    assert (payment.unused_minor, payment.refund_asked_at is not None) == (14_000, True)
    assert fresh(bill).is_paid


def test_a_void_invoice_makes_what_still_arrives_credit(till: Till, ana: Client, bill: Invoice) -> None:
    attempt = till.start(ana, bill)
    till.type_card(attempt)
    concluding.end(attempt, AttemptState.EXPIRED)
    invoicing.void(fresh(bill), reason="Wrong price", by=DESK)
    following.ask(attempt)
    assert Payment.objects.get().unused_minor == 14_000


def test_never_downgraded(till: Till, ana: Client, bill: Invoice) -> None:
    payment = paid(till, bill)
    assert payment.attempt is not None
    concluding.end(payment.attempt, AttemptState.FAILED, reason="expired_card")
    assert (state(payment.attempt), fresh(bill).is_paid) == (AttemptState.SUCCEEDED, True)


def test_an_amount_that_is_not_ours_is_set_aside_and_nothing_is_booked(till: Till, ana: Client, bill: Invoice) -> None:
    attempt = till.start(ana, bill)
    till.type_card(attempt)
    PaymentAttempt.objects.filter(pk=attempt.pk).update(livemode=False, currency="EUR")
    following.ask(PaymentAttempt.objects.select_related("client__practice", "practice", "account").get(pk=attempt.pk))
    assert (state(attempt), Payment.objects.count()) == (AttemptState.QUARANTINED, 0)
    assert fresh(bill).is_processing
    assert list(doubts.in_doubt(till.practice)) == [attempt]
    PaymentAttempt.objects.filter(pk=attempt.pk).update(currency="USD")


def test_what_stays_unknown_for_a_day_can_be_released_and_money_that_still_arrives_is_flagged(
    till: Till, ana: Client, card: SavedCard, bill: Invoice, time_machine: Traveller
) -> None:
    till.stripe.fault("lost", "/v1/payment_intents", method="POST")
    attempt = till.charge(ana, card, bill)
    with pytest.raises(StillKnown):
        releasing.release(attempt, reason="Nobody knows", by=DESK)
    time_machine.move_to(NOW + timedelta(hours=25))
    releasing.release(attempt, reason="Nobody knows", by=DESK)
    assert not fresh(bill).is_attempted
    following.ask(
        PaymentAttempt.objects.select_related("client__practice", "practice", "account", "card").get(pk=attempt.pk)
    )
    payment = Payment.objects.get(attempt=attempt)
    assert (payment.unused_minor, payment.refund_asked_at is not None) == (14_000, True)


def test_the_bank_is_asked_on_its_own_page_and_then_it_is_paid(till: Till, ana: Client, bill: Invoice) -> None:
    asks = saved_at_bank(till, ana)
    attempt = till.charge(ana, asks, bill)
    assert attempt.state == AttemptState.OPEN
    assert attempt.bank_url.startswith(till.stripe.url)
    till.stripe.answer_at_bank(attempt.payment_intent_id, accept=True)
    assert following.ask(attempt).state == AttemptState.SUCCEEDED
    assert fresh(bill).is_paid


def test_the_bank_says_no(till: Till, ana: Client, bill: Invoice) -> None:
    attempt = till.charge(ana, saved_at_bank(till, ana), bill)
    till.stripe.answer_at_bank(attempt.payment_intent_id, accept=False)
    assert following.ask(attempt).state == AttemptState.FAILED


def test_left_at_the_bank_for_half_an_hour_it_is_cancelled(
    till: Till, ana: Client, bill: Invoice, time_machine: Traveller
) -> None:
    attempt = till.charge(ana, saved_at_bank(till, ana), bill)
    time_machine.move_to(NOW + timedelta(minutes=31))
    assert following.follow_next()
    assert state(attempt) == AttemptState.EXPIRED
    assert till.stripe.find("payment_intent", attempt.payment_intent_id)["status"] == "canceled"


def saved_at_bank(till: Till, person: Client) -> SavedCard:
    """A card whose bank asks each time."""
    attempt = till.start(person, cast.bill(person, 1_000), save=True)
    till.type_card(attempt, "4000000000003220")
    (intent,) = [row for row in till.stripe.desk().all("payment_intent") if row["status"] == "requires_action"]
    till.stripe.answer_at_bank(intent["id"], accept=True)
    following.ask(attempt)
    return SavedCard.objects.latest("id")


def test_a_saved_card_that_is_declined_says_so(till: Till, ana: Client, bill: Invoice) -> None:
    attempt = till.start(ana, cast.bill(ana, 1_000), save=True)
    till.type_card(attempt)
    following.ask(attempt)
    kept = SavedCard.objects.get()
    desk = till.stripe.desk()
    desk.save(desk.get("payment_method", kept.payment_method_id) | {"_number": "4000000000000341"})
    declined = till.charge(ana, kept, bill)
    assert (declined.state, declined.reason) == (AttemptState.FAILED, "generic_decline")
    assert not fresh(bill).is_attempted


def test_turned_off_it_is_refused_at_once_and_what_is_open_is_closed_at_stripe(
    till: Till, ana: Client, bill: Invoice
) -> None:
    attempt = till.start(ana, bill)
    access = granting.of(ana)
    assert access is not None
    entry = cast.entry_for(ana)
    granting.save_access(ana, entry, version=None, by=DESK)
    with pytest.raises(CardsTurnedOff):
        till.start(ana, bill)
    assert following.hurry_unwanted()
    assert following.follow_next()
    assert state(attempt) == AttemptState.EXPIRED
    with pytest.raises(ValueError, match="expired"):
        till.type_card(attempt)


def test_too_little_is_not_charged(till: Till, ana: Client) -> None:
    with pytest.raises(TooSmall):
        till.start(ana, cast.bill(ana, 49))


def test_an_amount_that_changed_since_the_page_was_opened_is_refused(till: Till, ana: Client, bill: Invoice) -> None:
    with pytest.raises(AmountChanged):
        paying.pay(till.payer(ana), Order(bill, amount_minor=13_999))


def test_without_a_key_nothing_is_begun(till: Till, ana: Client, bill: Invoice) -> None:
    connecting.remove_keys(till.practice, by=DESK)
    with pytest.raises(CardsNotTaken):
        till.start(ana, bill)


def test_a_refused_key_closes_paying_by_card(till: Till, ana: Client, bill: Invoice) -> None:
    till.stripe.revoke("sk_test_demo")
    with pytest.raises(Exception, match="Stripe did not take"):
        till.start(ana, bill)
    till.practice.refresh_from_db()
    assert not till.practice.takes_cards
    assert not fresh(bill).is_attempted


def test_a_card_is_removed_here_and_at_stripe(till: Till, ana: Client, card: SavedCard, bill: Invoice) -> None:
    cards.remove(card, ana, by=DESK)
    with pytest.raises(CardGone):
        till.charge(ana, card, bill)
    assert cards.detach_removed() == 1
    assert till.stripe.find("payment_method", card.payment_method_id)["customer"] is None
    assert cards.detach_removed() == 0


def test_a_card_belongs_to_the_mailbox_that_typed_it(till: Till, ana: Client, card: SavedCard) -> None:
    carol = let_pay(cast.carol(till.practice))
    assert cards.kept(till.payer(carol).account) == []
    with pytest.raises(CardGone):
        till.charge(carol, card, cast.bill(carol))


def test_a_refund_goes_back_to_the_card_and_the_invoice_stays_paid(till: Till, bill: Invoice) -> None:
    payment = paid(till, bill)
    refund = refunds.send(payment, amount_minor=4_000, reason="Paid twice", by=DESK, press="one")
    assert refunds.send(payment, amount_minor=4_000, reason="Paid twice", by=DESK, press="one").pk == refund.pk
    assert (refund.state, till.book[0].refunded, fresh(bill).is_paid) == (RefundState.SUCCEEDED, 4_000, True)
    assert OutgoingEmail.objects.filter(kind="refund").count() == 1
    with pytest.raises(BeyondWhatIsLeft):
        refunds.send(payment, amount_minor=10_001, reason="Too much", by=DESK)


@pytest.mark.parametrize("fault", ["lost", "500", "fail_after"])
def test_a_refund_whose_answer_was_lost_is_found_and_made_once(till: Till, bill: Invoice, fault: str) -> None:
    payment = paid(till, bill)
    till.stripe.fault(fault, "/v1/refunds", method="POST")
    refund = refunds.send(payment, amount_minor=14_000, reason="Paid twice", by=DESK)
    assert refund.state == RefundState.PENDING
    refunds.follow_pending()
    refund.refresh_from_db()
    assert (refund.state, till.book[0].refunded) == (RefundState.SUCCEEDED, 14_000)


def test_a_refund_that_never_reached_stripe_is_undone_when_its_key_is_no_longer_good(
    till: Till, bill: Invoice, time_machine: Traveller
) -> None:
    payment = paid(till, bill)
    till.stripe.fault("503", "/v1/refunds", method="POST")
    refund = refunds.send(payment, amount_minor=14_000, reason="Paid twice", by=DESK)
    time_machine.move_to(NOW + timedelta(hours=24))
    refunds.follow_pending()
    refund.refresh_from_db()
    payment.refresh_from_db()
    assert (refund.state, payment.refunded_minor, till.book[0].refunded) == (RefundState.FAILED, 0, 0)


def test_a_refund_that_never_reached_stripe_leaves_room_for_one_that_was_made_there(till: Till, bill: Invoice) -> None:
    payment = paid(till, bill)
    till.stripe.fault("503", "/v1/refunds", method="POST")
    refund = refunds.send(payment, amount_minor=4_000, reason="Paid twice", by=DESK)
    till.stripe.refund(payment.stripe_charge_id)
    hearing.work(event(till, "charge", payment.stripe_charge_id))
    refund.refresh_from_db()
    payment.refresh_from_db()
    assert (refund.state, payment.refunded_minor, till.book[0].refunded) == (RefundState.FAILED, 14_000, 14_000)


def test_a_refund_that_stripe_refuses_is_undone(till: Till, bill: Invoice) -> None:
    payment = paid(till, bill)
    till.stripe.dispute(payment.stripe_charge_id)
    with pytest.raises(RefundRefused):
        refunds.send(payment, amount_minor=14_000, reason="Paid twice", by=DESK)
    assert Refund.objects.get().state == RefundState.FAILED


def test_a_refund_made_at_stripe_comes_into_the_books_once_and_goes_when_it_fails(till: Till, bill: Invoice) -> None:
    payment = paid(till, bill)
    made = till.stripe.refund(payment.stripe_charge_id, amount=5_000)
    for _time in range(3):
        hearing.work(event(till, "charge", payment.stripe_charge_id))
        hearing.work(event(till, "refund", made))
    payment.refresh_from_db()
    assert payment.refunded_minor == 5_000
    till.stripe.end_refund(made, fails=True)
    hearing.work(event(till, "refund", made))
    payment.refresh_from_db()
    assert (payment.refunded_minor, fresh(bill).is_paid) == (0, True)


@pytest.mark.parametrize("won", [True, False])
def test_a_lost_dispute_brings_the_debt_back_and_a_won_one_changes_nothing(
    till: Till, bill: Invoice, *, won: bool
) -> None:
    payment = paid(till, bill)
    opened = till.stripe.dispute(payment.stripe_charge_id)
    hearing.work(event(till, "dispute", opened))
    assert fresh(bill).is_paid
    till.stripe.end_dispute(opened, won=won)
    for _time in range(2):
        hearing.work(event(till, "dispute", opened))
    assert disputes.follow_open() == 0
    assert Dispute.objects.get().state == (DisputeState.WON if won else DisputeState.LOST)
    assert fresh(bill).still_open_minor == (0 if won else 14_000)


@pytest.mark.parametrize("heard_by", ["event", "worker"])
def test_a_refund_that_got_no_answer_takes_nothing_from_a_lost_dispute(
    till: Till, bill: Invoice, heard_by: str
) -> None:
    payment = paid(till, bill)
    opened = till.stripe.dispute(payment.stripe_charge_id)
    hearing.work(event(till, "dispute", opened))
    till.stripe.fault("lost", "/v1/refunds", method="POST")
    refund = refunds.send(payment, amount_minor=14_000, reason="Paid twice", by=DESK)
    assert refund.state == RefundState.PENDING
    till.stripe.end_dispute(opened, won=False)
    if heard_by == "event":
        hearing.work(event(till, "dispute", opened))
    else:
        disputes.follow_open()
    payment.refresh_from_db()
    refund.refresh_from_db()
    assert (refund.state, payment.refunded_minor, payment.disputed_minor) == (RefundState.FAILED, 0, 14_000)
    assert fresh(bill).still_open_minor == 14_000


def test_a_payment_whose_attempt_is_gone_is_rebuilt_from_what_stripe_was_told(
    till: Till, ana: Client, bill: Invoice
) -> None:
    attempt = till.start(ana, bill)
    till.type_card(attempt)
    attempt.covers.all().delete()
    PaymentAttempt.objects.filter(pk=attempt.pk).delete()
    Restoration.objects.create(practice=till.practice, backup_made_at=NOW - timedelta(minutes=5))
    with pytest.raises(BooksBeingChecked):
        till.start(ana, bill)
    since = reconciling.since_of(till.practice)
    assert since is not None
    assert reconciling.reconcile(till.practice, since=since, by=DESK).found == 1
    assert fresh(bill).is_paid
    assert reconciling.reconcile(till.practice, since=since, by=DESK).found == 0
    assert reconciling.since_of(till.practice) is None
