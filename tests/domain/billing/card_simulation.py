"""Random simulation of card payments: bills, cards, cash, refunds, Stripe outages and killed processes."""

import random
import sys
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.test import Client as Browser
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from pytest_django.fixtures import Settings
from time_machine import Traveller

from portico.domain.access import access_grants
from portico.domain.billing.card_payments import cancellation, polling, saved_cards
from portico.domain.billing.invoices import invoice_sharing, invoicing
from portico.domain.billing.ledger import verification
from portico.domain.billing.models import STATES_IN_PROGRESS, Invoice, Payment, PaymentAttempt, PaymentKind
from portico.domain.billing.payments import account_credits, manual_payments
from portico.domain.billing.stripe_sync import (
    card_refunds,
    disputes,
    manual_release,
    payments_in_review,
    reconciliation,
)
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.gateways.stripe.account import EVENTS
from portico.gateways.stripe.errors import StripeCallFailed
from portico.plumbing import clock, inbound_events, tokens
from portico.plumbing.refusals import Refused
from sandbox.stripe.api_errors import ApiError
from sandbox.stripe.payments.charge_records import BookedCharge
from sandbox.stripe.server import SandboxStripe
from sandbox.stripe.webhooks import Delivery
from tests import cast
from tests.domain.billing import ledger_comparison
from tests.support.card_payments import Till, let_pay
from tests.support.processes.simulated_kills import killed_after, watching_writes

type Action = tuple[str, dict[str, Any]]  # Any: the arguments of the action.

SECRET = "whsec_at_random"
HOOK = "/hooks/stripe/alder-street/"

AMOUNTS = st.integers(50, 400)
WHICH = st.integers(0, 9)
# The number of SQL statements after which the process is killed; None for no kill.
KILLED_AT = st.one_of(st.none(), st.none(), st.integers(0, 60))
NUMBERS = st.sampled_from(
    [
        "4242424242424242", "4242424242424242", "4000000000000341", "4000000000003220", "4000002500003155",
        "4000000000000002", "4000000000000259", "4000000000005126",
    ]
)  # fmt: skip
FAULTS = st.sampled_from(["lost", "lost", "fail_after", "half", "nonsense", "429", "500", "503"])
PATHS = st.sampled_from(["/v1/", "/v1/payment_intents", "/v1/checkout/sessions", "/v1/refunds"])
JOBS: tuple[Callable[[], object], ...] = (
    polling.poll_next,
    inbound_events.process_next,
    polling.expire_unwanted,
    card_refunds.poll_pending,
    disputes.poll_open,
    saved_cards.detach_removed,
    reconciliation.reconcile_recent,
)
# These return the number of rows they checked, not whether more are waiting.
ONCE = (card_refunds.poll_pending, disputes.poll_open, reconciliation.reconcile_recent)
# The comparison costs as much as many steps, and it settles all open payments.
COMPARED_AFTER = 15
PASSING = st.sampled_from([5, 61, 61, 400, 31 * 60, 46 * 60, 4 * 3600, 25 * 3600])


ACTIONS: list[st.SearchStrategy[Action]] = []


def action[D: Callable[..., None]](
    weight: int = 1, **arguments: st.SearchStrategy[Any]
) -> Callable[[D], D]:  # Any: arguments.
    """Registers a method as an action with a weight.

    Hypothesis would disable rules for whole runs, and `one_of` counts a strategy once, even if it is listed repeatedly.
    """

    def register(method: D) -> D:
        ACTIONS.extend([st.tuples(st.just(method.__name__), st.fixed_dictionaries(arguments))] * weight)
        return method

    return register


class CardDays(RuleBasedStateMachine):
    """One client of one practice. Each action is one by staff, by the client, by Stripe or by the worker."""

    practice: Practice
    client: Client
    traveller: Traveller
    settings: Settings
    seen: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        self.stripe = SandboxStripe().start()
        self.settings.STRIPE_API_BASE = self.stripe.url
        self.stripe.add_endpoint(f"http://localhost{HOOK}", SECRET, events=EVENTS)
        self.stripe.plan(hold=True)
        self.till = Till(self.stripe, self.practice)
        self.transaction = transaction.atomic()
        self.transaction._from_testcase = True  # type: ignore[attr-defined]  # As Django's test cases do: not one of our transactions.
        self.transaction.__enter__()
        self.webhooks: list[Delivery] = []
        self.released: set[str] = set()
        self.is_changed, self.steps, self.action = True, 0, ""
        self.watching = watching_writes(self.record_write)
        self.watching.__enter__()

    def teardown(self) -> None:
        is_failing = sys.exception() is not None
        try:
            if not is_failing:
                self.steps = COMPARED_AFTER + 1
                self.compare_with_stripe()
        finally:
            self.watching.__exit__(None, None, None)
            transaction.set_rollback(True)
            self.transaction.__exit__(None, None, None)
            self.stripe.stop()

    def record_write(self) -> None:
        self.is_changed = True

    # Staff.

    @initialize(amounts=st.lists(AMOUNTS, min_size=2, max_size=4))
    def begin(self, amounts: list[int]) -> None:
        for amount in amounts:
            self.share_a_bill(amount)
        self.pay_on_stripes_page(0, "4242424242424242", save=True, killed_at=None)
        self.poll_the_last_payment(None)

    @rule(action=st.deferred(lambda: st.sampled_from(ACTIONS).flatmap(lambda each: each)))
    def perform_action(self, action: Action) -> None:
        self.action, arguments = action
        getattr(self, self.action)(**arguments)

    @action(3, amount=AMOUNTS)
    def share_a_bill(self, amount: int) -> None:
        cast.bill(self.client, amount)

    @action(which=WHICH, killed_at=KILLED_AT)
    def void(self, which: int, killed_at: int | None) -> None:
        invoice = self.invoice(which)

        def work() -> None:
            cancellation.retry_after_cancelling(
                [invoice], lambda: invoicing.void(invoice, reason="Created by mistake", shown=None, by=cast.DESK)
            )

        self.do(work, killed_at)

    @action(which=WHICH)
    def unshare_and_share(self, which: int) -> None:
        invoice = self.invoice(which)
        self.do(lambda: invoice_sharing.unshare(invoice, shown=None, by=cast.DESK))
        self.do(lambda: invoice_sharing.share(invoice, shown=None, by=cast.DESK))

    @action(2, which=WHICH, amount=AMOUNTS, killed_at=KILLED_AT)
    def take_cash_for_a_bill(self, which: int, amount: int, killed_at: int | None) -> None:
        invoice = self.owed(which)

        def work() -> None:
            cancellation.retry_after_cancelling([invoice], lambda: cast.cash(self.client, amount, invoice=invoice))

        self.do(work, killed_at)

    @action(amount=AMOUNTS)
    def give_credit(self, amount: int) -> None:
        self.do(
            lambda: account_credits.give(self.client, amount_minor=amount, reason="Goodwill", shown=None, by=cast.DESK)
        )

    @action(which=WHICH)
    def take_back_a_payment_or_credit(self, which: int) -> None:
        by_hand = [
            *Payment.objects.exclude(kind=PaymentKind.ONLINE).order_by("id"),
            *self.client.credits.order_by("id"),
        ]
        if by_hand:
            source = by_hand[which % len(by_hand)]
            take_back = manual_payments.take_back if isinstance(source, Payment) else account_credits.take_back
            self.do(lambda: take_back(source, reason="It bounced", shown=None, by=cast.DESK))

    @action(2, which=WHICH, amount=AMOUNTS, killed_at=KILLED_AT)
    def refund(self, which: int, amount: int, killed_at: int | None) -> None:
        payments = list(Payment.objects.filter(kind=PaymentKind.ONLINE).order_by("id"))
        if payments:
            payment = payments[which % len(payments)]
            amount, form_key = min(amount, payment.left_minor), tokens.new_token()

            def work() -> None:
                card_refunds.send(
                    payment, amount_minor=amount, reason="Paid twice", form_key=form_key, shown=None, by=cast.DESK
                )

            self.do(work, killed_at)
            if killed_at is not None:  # Staff who got no response submit the same form again.
                self.do(work)

    @action(which=WHICH)
    def keep_credit_to_be_refunded(self, which: int) -> None:
        asked = list(payments_in_review.refunds_requested(self.practice))
        if asked:
            self.do(lambda: account_credits.keep_as_credit(asked[which % len(asked)], shown=None, by=cast.DESK))

    @action()
    def release_after_a_day(self) -> None:
        for attempt in self.client.attempts.filter(state__in=STATES_IN_PROGRESS):
            if manual_release.may_be_released(attempt):
                manual_release.release(attempt, reason="Unknown outcome", shown=None, by=cast.DESK)
                self.released.add(attempt.ref)
                self.seen["released"] += 1

    @action()
    def turn_cards_off_and_on(self) -> None:
        access_grants.save_access(self.client, cast.entry_for(self.client), version=None, by=cast.DESK)
        self.do(polling.expire_unwanted)
        self.do(polling.poll_next)
        let_pay(self.client)

    # The client.

    @action(
        5,
        which=st.one_of(st.none(), WHICH),
        number=st.one_of(st.none(), NUMBERS),
        save=st.booleans(),
        killed_at=KILLED_AT,
    )
    def pay_on_stripes_page(self, which: int | None, number: str | None, *, save: bool, killed_at: int | None) -> None:
        """Starts a payment; without a card number, leaves the page open."""
        invoice = None if which is None else self.owed(which)
        self.do(lambda: self.till.start(self.client, invoice, save=save), killed_at)
        if number:
            self.type_a_card(-1, number)

    @action(which=WHICH, number=NUMBERS)
    def type_a_card(self, which: int, number: str) -> None:
        """Pays on an open page, however old; not on one whose address Portico never received."""
        known = set(self.client.attempts.values_list("checkout_session_id", flat=True))
        pages = [page for page in self.at_stripe("checkout.session", "open") if page in known]
        if pages:
            self.at_stripes_pages(lambda: self.stripe.pay(pages[which % len(pages)], number))

    @action(3, which=WHICH, accept=st.booleans())
    def answer_the_bank(self, which: int, *, accept: bool) -> None:
        asked = self.at_stripe("payment_intent", "requires_action")
        if asked:
            self.at_stripes_pages(lambda: self.stripe.answer_at_bank(asked[which % len(asked)], accept=accept))

    @action(4, which=st.one_of(st.none(), WHICH), card=WHICH, killed_at=KILLED_AT)
    def pay_with_a_saved_card(self, which: int | None, card: int, killed_at: int | None) -> None:
        saved = saved_cards.saved_cards_of(self.till.payer(self.client).account)
        if saved:
            invoice = None if which is None else self.owed(which)
            self.do(lambda: self.till.charge(self.client, saved[card % len(saved)], invoice), killed_at)

    @action(2, killed_at=KILLED_AT)
    def poll_the_last_payment(self, killed_at: int | None) -> None:
        attempt = PaymentAttempt.objects.select_related("client__practice", "account", "practice", "card").last()
        if attempt is not None:
            self.do(lambda: polling.poll(attempt), killed_at)

    @action()
    def remove_a_card(self) -> None:
        for card in saved_cards.saved_cards_of(self.till.payer(self.client).account)[1:]:
            saved_cards.remove(card, self.client, by=cast.DESK)

    # Stripe.

    @action(2, which=WHICH, amount=st.one_of(st.none(), AMOUNTS))
    def refund_in_the_dashboard(self, which: int, amount: int | None) -> None:
        if charge := self.charge(which):
            self.at_stripes_pages(lambda: self.stripe.refund(charge.id, amount=amount))

    @action(which=WHICH, fails=st.booleans())
    def a_refund_ends(self, which: int, *, fails: bool) -> None:
        refunds_there = self.at_stripe("refund", "pending", *(["succeeded"] if fails else []))
        if refunds_there:
            self.at_stripes_pages(
                lambda: self.stripe.end_refund(refunds_there[which % len(refunds_there)], fails=fails)
            )

    @action(2, which=WHICH)
    def dispute(self, which: int) -> None:
        charge = self.charge(which)
        if charge and charge.refunded < charge.amount:
            self.at_stripes_pages(lambda: self.stripe.dispute(charge.id, amount=charge.amount - charge.refunded))

    @action(2, which=WHICH, won=st.booleans())
    def a_dispute_ends(self, which: int, *, won: bool) -> None:
        opened = self.at_stripe("dispute", "needs_response")
        if opened:
            self.at_stripes_pages(lambda: self.stripe.end_dispute(opened[which % len(opened)], won=won))

    @action(3, kind=FAULTS, path=PATHS, method=st.sampled_from(["", "POST"]), times=st.integers(1, 3))
    def something_goes_wrong(self, kind: str, path: str, method: str, times: int) -> None:
        self.stripe.fault(kind, path, method=method, times=times)
        self.seen["fault"] += 1

    @action(2, order=st.randoms(use_true_random=False), copies=st.integers(1, 2), lost=st.integers(0, 4))
    def webhooks_arrive(self, order: random.Random, copies: int, lost: int) -> None:
        """Delivers webhooks shuffled, some twice and some never; the rest are delivered later."""
        webhooks = self.waiting_webhooks()
        order.shuffle(webhooks)
        arriving, self.webhooks = webhooks[lost:8] * copies, webhooks[8:]
        order.shuffle(arriving)
        for webhook in arriving:
            self.deliver(webhook)

    # Time and the worker.

    @action(2, seconds=PASSING)
    def time_passes(self, seconds: int) -> None:
        self.traveller.shift(timedelta(seconds=seconds))

    @action(3, job=st.sampled_from(JOBS), killed_at=KILLED_AT)
    def the_worker_works(self, job: Callable[[], object], killed_at: int | None) -> None:
        self.do(job, killed_at)

    @action(killed_at=KILLED_AT)
    def the_worker_works_on_events(self, killed_at: int | None) -> None:
        for _event in range(4):
            self.do(inbound_events.process_next, killed_at)

    @action()
    def compare_with_stripe(self) -> None:
        """Lets the worker finish without faults, then asserts that the books equal those of Stripe."""
        if self.steps <= COMPARED_AFTER:
            return
        self.stripe.clear_faults()
        for webhook in self.waiting_webhooks():
            self.deliver(webhook)
        self.webhooks = []
        for seconds in (100, 100, 400, 4000):
            self.traveller.shift(timedelta(seconds=seconds))
            self.work_until_idle()
            self.release_after_a_day()
            differences = ledger_comparison.differences(self.till.book)
            if not differences:
                break
        assert differences == [], differences
        billed = self.client.invoices.issued().filter(voided_at=None).values_list("total_minor", flat=True)
        hand = Payment.objects.filter(client=self.client).exclude(kind=PaymentKind.ONLINE).filter(taken_back_at=None)
        given = self.client.credits.filter(taken_back_at=None)
        by_hand = sum(each.amount_minor for each in (*hand, *given))
        assert ledger_comparison.balance_of(self.client, self.till.book, billed=sum(billed), by_hand=by_hand) == ""
        self.seen["compared"], self.steps = self.seen["compared"] + 1, 0

    # After each action.

    @invariant()
    def the_ledger_verifies(self) -> None:
        # No two actions share a time: the age of an amount decides which is spent first.
        self.traveller.shift(timedelta(seconds=1))
        self.steps += 1
        if self.is_changed:
            self.is_changed = False
            mismatches = list(verification.mismatches())
            assert mismatches == [], mismatches
            disagreeing = ledger_comparison.disagreeing_sums(self.client)
            assert disagreeing == [], disagreeing
        impossible = ledger_comparison.impossible(self.till.book, released=self.released)
        assert impossible == [], impossible

    def do(self, work: Callable[[], object], killed_at: int | None = None) -> None:
        """Runs an action; refusals and failed calls to Stripe are valid outcomes."""
        survived = False
        try:
            with killed_after(killed_at):
                work()
                survived = True
            self.seen[self.action if survived else "died"] += 1
        except (Refused, StripeCallFailed) as refusal:
            self.seen[type(refusal).__name__] += 1

    def at_stripes_pages(self, work: Callable[[], object]) -> None:
        """Runs an action at Stripe, which may refuse it: the object may be final, disputed or refunded."""
        try:
            work()
        except (ApiError, ValueError):
            return
        self.seen[self.action] += 1

    def invoice(self, which: int) -> Invoice:
        return list(self.client.invoices.select_related("client__practice").order_by("id"))[
            which % self.client.invoices.count()
        ]

    def owed(self, which: int) -> Invoice:
        """Returns mostly a payable invoice, sometimes any invoice."""
        owed = list(self.client.invoices.payable().select_related("client__practice").order_by("id"))
        return owed[which % len(owed)] if owed and which < 9 else self.invoice(which)

    def charge(self, which: int) -> BookedCharge | None:
        book = self.till.book
        return book[which % len(book)] if book else None

    def at_stripe(self, kind: str, *states: str) -> list[str]:
        return [each["id"] for each in self.stripe.account_data().all(kind, lambda each: each["status"] in states)][
            ::-1
        ]

    def waiting_webhooks(self) -> list[Delivery]:
        return [*self.webhooks, *self.stripe.post.take()]

    def deliver(self, webhook: Delivery) -> None:
        signature = webhook.signature(int(clock.now().timestamp()))
        answer = Browser().post(
            HOOK, webhook.body, content_type="application/json", headers={"Stripe-Signature": signature}
        )
        assert answer.status_code == 200
        self.seen["letter"] += 1

    def work_until_idle(self) -> None:
        for job in JOBS:
            for _time in range(60):
                if not job() or job in ONCE:
                    break
