"""Web servers and workers killed at each step between `Pay Now` and `Paid`: nothing is lost or done twice.

Three processes are killed at the same time, each with its own client: by default once at each moment, a hundred in
`make thorough`, or as often as `--kills=300` says. They are forked from a process that has loaded everything
(`tests/support/processes/forking.py`); the worker that continues is started by its command.
"""

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle, islice
from math import ceil

import pytest
from django.db import connection, transaction

from portico.domain.billing.card_payments import polling, stripe_metadata
from portico.domain.billing.ledger import balances, verification
from portico.domain.billing.models import AttemptState, Invoice, PaymentAttempt, SavedCard
from portico.domain.clients.models import Client
from portico.plumbing import clock, inbound_events
from portico.plumbing.models import InboundEvent, OutgoingEmail
from portico.plumbing.models.outgoing_emails import EmailState
from tests import cast
from tests.domain.billing import ledger_comparison
from tests.support.at_once import WAITING, at_once
from tests.support.at_random import kills
from tests.support.card_payments import Till, let_pay
from tests.support.processes.commands import Process, Processes
from tests.support.processes.visitor import Visitor
from tests.support.servers.smtp import SmtpServer

pytestmark = [pytest.mark.real_processes, pytest.mark.slow, pytest.mark.postgresql]

SIDE_BY_SIDE = 3
PORTAL = "/portal/alder-street/"
INTENTS, SESSIONS = "/v1/payment_intents", "/v1/checkout/sessions"


@dataclass
class Scene:
    """Three clients, each with a saved card and a browser, and the processes to kill next."""

    till: Till
    processes: Processes
    smtp: SmtpServer
    people: list[Client]
    cards: list[SavedCard]
    browsers: list[Visitor] = field(default_factory=list)
    bills: list[Invoice] = field(default_factory=list)
    settled: list[Invoice] = field(default_factory=list)
    fingers: ThreadPoolExecutor = field(default_factory=ThreadPoolExecutor)

    @property
    def outside(self) -> dict[str, str]:
        return {"EMAIL_URL": self.smtp.url, "STRIPE_API_BASE": self.till.stripe.url, "ALLOW_TEST_ENDPOINTS": "1"}

    def web(self) -> Process:
        return self.processes.web(**self.outside)

    def worker(self) -> Process:
        return self.processes.worker(**self.outside)

    def new_bills(self) -> None:
        self.bills = [cast.bill(person, 1_000 + len(self.settled)) for person in self.people]

    def press_with_card(self) -> None:
        """Every client submits `Pay $140.00` without waiting for the response."""
        for browser, bill, card in zip(self.browsers, self.bills, self.cards, strict=True):
            fields = {"with": card.ref, "amount": str(bill.total_minor)}
            self.fingers.submit(browser.post, f"{PORTAL}billing/{bill.ref}/payment/", fields)

    def press_new_card(self) -> None:
        for browser, bill in zip(self.browsers, self.bills, strict=True):
            fields = {"with": "new", "amount": str(bill.total_minor)}
            self.fingers.submit(browser.post, f"{PORTAL}billing/{bill.ref}/payment/", fields)

    def paid_at_stripe(self) -> list[PaymentAttempt]:
        """Every client has paid on Stripe's page, and Portico has not been notified yet."""
        attempts = [self.till.start(bill.client, bill) for bill in self.bills]
        for attempt in attempts:
            self.till.type_card(attempt)
        return attempts

    def come_back(self, attempts: list[PaymentAttempt]) -> None:
        """Redirects every client back from Stripe."""
        for browser, attempt in zip(self.browsers, attempts, strict=True):
            self.fingers.submit(browser.get, f"{PORTAL}payments/{attempt.ref}/")

    def go_wrong(self, kind: str, path: str, method: str = "POST", seconds: float = 30) -> None:
        self.till.stripe.fault(kind, path, method=method, times=SIDE_BY_SIDE, seconds=seconds)

    def all_have_met_it(self) -> None:
        self.met_by(SIDE_BY_SIDE)

    def met_by(self, processes: int) -> None:
        until(lambda: self.till.stripe.faults.left == SIDE_BY_SIDE - processes)

    @contextmanager
    def books_held(self) -> Iterator[None]:
        """Locks these books against changes; released when the waiting processes are dead."""
        with transaction.atomic():
            list(Client.objects.locked().filter(pk__in=[each.pk for each in self.people]))
            yield

    def all_wait_for_books(self) -> None:
        until(lambda: waiting_for_locks() >= SIDE_BY_SIDE)


type Moment = Callable[[Scene], AbstractContextManager[None]]


# Moments at which a web server is killed.


@contextmanager
def before_the_attempt_is_written(scene: Scene) -> Iterator[None]:
    with scene.books_held():
        scene.press_with_card()
        scene.all_wait_for_books()
        yield


@contextmanager
def after_the_attempt_before_the_call(scene: Scene) -> Iterator[None]:
    # For a first payment, the customer is created at Stripe before the payment.
    scene.settled += scene.bills
    for number in range(SIDE_BY_SIDE):
        scene.people[number] = person = new_person(scene.till, f"First{len(scene.settled)}x{number}")
        scene.browsers[number].cookies.clear()
        scene.browsers[number].sign_in(person)
        let_pay(person)
    scene.new_bills()
    scene.go_wrong("hang", "/v1/customers")
    scene.press_new_card()
    scene.all_have_met_it()
    yield
    scene.cards = [saved(scene.till, person) for person in scene.people]


@contextmanager
def during_the_call(scene: Scene) -> Iterator[None]:
    scene.go_wrong("hang", INTENTS)
    scene.press_with_card()
    scene.all_have_met_it()
    yield


@contextmanager
def while_stripes_page_is_opened(scene: Scene) -> Iterator[None]:
    scene.go_wrong("lost", SESSIONS)
    scene.press_new_card()
    scene.all_have_met_it()
    yield


@contextmanager
def after_the_charge_before_its_answer(scene: Scene) -> Iterator[None]:
    before = len(scene.till.book)
    scene.go_wrong("lost", INTENTS)
    scene.press_with_card()
    until(lambda: len(scene.till.book) == before + SIDE_BY_SIDE)
    yield


@contextmanager
def after_the_answer_before_the_books(scene: Scene) -> Iterator[None]:
    scene.go_wrong("slow", INTENTS, seconds=1)
    scene.press_with_card()
    scene.all_have_met_it()
    with scene.books_held():
        scene.all_wait_for_books()
        yield


@contextmanager
def while_the_return_page_asks(scene: Scene) -> Iterator[None]:
    attempts = scene.paid_at_stripe()
    scene.go_wrong("hang", f"{SESSIONS}/", "GET")
    scene.come_back(attempts)
    scene.all_have_met_it()
    yield


@contextmanager
def while_the_return_page_settles(scene: Scene) -> Iterator[None]:
    attempts = scene.paid_at_stripe()
    with scene.books_held():
        scene.come_back(attempts)
        scene.all_wait_for_books()
        yield


@contextmanager
def at_any_moment(scene: Scene) -> Iterator[None]:
    scene.press_with_card()
    time.sleep(random.uniform(0, 0.4))  # Random, but no secret.
    yield


WEB_MOMENTS: tuple[Moment, ...] = (
    before_the_attempt_is_written,
    during_the_call,
    after_the_charge_before_its_answer,
    after_the_answer_before_the_books,
    while_stripes_page_is_opened,
    while_the_return_page_asks,
    while_the_return_page_settles,
    at_any_moment,
    after_the_attempt_before_the_call,
)


# Moments at which a worker is killed. It is running and idle at the beginning.


@contextmanager
def while_it_asks(scene: Scene) -> Iterator[None]:
    attempts = scene.paid_at_stripe()
    scene.go_wrong("hang", f"{SESSIONS}/", "GET")
    make_due(attempts)
    scene.all_have_met_it()
    yield


@contextmanager
def while_it_settles(scene: Scene) -> Iterator[None]:
    attempts = scene.paid_at_stripe()
    with scene.books_held():
        at_once(partial(make_due, attempts))
        scene.all_wait_for_books()
        yield


@contextmanager
def while_it_charges_again(scene: Scene) -> Iterator[None]:
    """Stripe was unreachable when the card was charged; now it charges, and the worker dies before the response."""
    scene.go_wrong("503", INTENTS)
    attempts = [scene.till.charge(bill.client, card, bill) for bill, card in zip(scene.bills, scene.cards, strict=True)]
    before = len(scene.till.book)
    scene.go_wrong("lost", INTENTS)
    make_due(attempts)
    until(lambda: len(scene.till.book) == before + SIDE_BY_SIDE)
    yield


@contextmanager
def while_it_works_on_events(scene: Scene) -> Iterator[None]:
    attempts = scene.paid_at_stripe()
    scene.go_wrong("hang", f"{SESSIONS}/", "GET")
    for number, attempt in enumerate(attempts, start=1):
        inbound_events.store(
            scene.till.practice, source="stripe", event_id=f"evt_{attempt.ref}", kind="checkout.session.completed",
            object_kind="checkout.session", object_id=attempt.checkout_session_id, livemode=False,
            happened_at=clock.now(),
        )  # fmt: skip
        # Stored together, one worker would claim them all as a batch.
        scene.met_by(number)
    yield


@contextmanager
def while_it_mails_receipts(scene: Scene) -> Iterator[None]:
    until(lambda: not OutgoingEmail.objects.filter(state=EmailState.QUEUED).exists())
    scene.smtp.be_slow(5)
    make_due(scene.paid_at_stripe())
    until(lambda: OutgoingEmail.objects.filter(kind="receipt", lease_until__isnull=False).count() == SIDE_BY_SIDE)
    yield
    scene.smtp.accept()


@contextmanager
def at_any_moment_of_work(scene: Scene) -> Iterator[None]:
    make_due(scene.paid_at_stripe())
    time.sleep(random.uniform(0, 0.6))  # Random, but no secret.
    yield


WORKER_MOMENTS: tuple[Moment, ...] = (
    while_it_asks,
    while_it_settles,
    while_it_charges_again,
    while_it_works_on_events,
    while_it_mails_receipts,
    at_any_moment_of_work,
)


# The tests.


@pytest.fixture
def scene(till: Till, processes: Processes, smtp: SmtpServer) -> Iterator[Scene]:
    people = [
        let_pay(cast.client(till.practice, f"Ana{n}", address=f"ana{n}@mail.example")) for n in range(SIDE_BY_SIDE)
    ]
    scene = Scene(till, processes, smtp, people, [saved(till, person) for person in people])
    yield scene
    scene.fingers.shutdown(cancel_futures=True)


def test_killed_web_servers_lose_and_repeat_nothing(scene: Scene, pytestconfig: pytest.Config) -> None:
    worker = scene.worker()
    scene.browsers = [Visitor("") for _ in scene.people]
    for number, moment in enumerate(some_of(WEB_MOMENTS, pytestconfig)):
        servers = started(scene.web)
        for browser, server, person in zip(scene.browsers, servers, scene.people, strict=True):
            browser.base = server.url
            if number == 0:
                browser.sign_in(person)
                let_pay(person)
        kill_during(moment, scene, servers)
        wait_until_settled(scene, worker)
    assert_nothing_is_lost_or_repeated(scene)


def test_killed_workers_lose_and_repeat_nothing(scene: Scene, pytestconfig: pytest.Config) -> None:
    for moment in some_of(WORKER_MOMENTS, pytestconfig):
        workers = started(scene.worker)
        for worker in workers:
            worker.wait_for_line("worker.started")
        wait_until_settled(scene, workers[0])
        kill_during(moment, scene, workers)
    wait_until_settled(scene, scene.worker())
    assert {each.state for each in PaymentAttempt.objects.all()} == {AttemptState.SUCCEEDED}
    assert_nothing_is_lost_or_repeated(scene)


def some_of(moments: tuple[Moment, ...], config: pytest.Config) -> Iterator[Moment]:
    """Runs the moments in turn until their share of kills is done."""
    share = len(moments) / (len(WEB_MOMENTS) + len(WORKER_MOMENTS))
    return islice(cycle(moments), ceil(kills(config) * share / SIDE_BY_SIDE))


def started(start: Callable[[], Process]) -> list[Process]:
    with ThreadPoolExecutor(SIDE_BY_SIDE) as hands:
        return [each.result() for each in [hands.submit(start) for _ in range(SIDE_BY_SIDE)]]


def kill_during(moment: Moment, scene: Scene, victims: list[Process]) -> None:
    scene.new_bills()
    with moment(scene):
        for victim in victims:
            victim.kill()
    scene.till.stripe.clear_faults()
    scene.settled += scene.bills


def wait_until_settled(scene: Scene, worker: Process) -> None:
    """Releases what the dead processes held, as after a minute or two; then every bill is paid or owed."""
    now = clock.now()
    moving = PaymentAttempt.objects.filter(state=AttemptState.PROCESSING)
    unsent = OutgoingEmail.objects.filter(kind="receipt", state=EmailState.QUEUED)
    PaymentAttempt.objects.waiting().update(lease_until=None, not_before=None)
    InboundEvent.objects.waiting().update(lease_until=None, not_before=None)
    OutgoingEmail.objects.filter(lease_until__gt=now).update(lease_until=now)
    worker.wait_for(lambda: not moving.all().exists(), seconds=60)
    worker.wait_for(lambda: not unsent.all().exists(), seconds=60)
    worker.wait_for(lambda: not any(is_open_though_paid(scene, each) for each in scene.bills), seconds=60)


def is_open_though_paid(scene: Scene, bill: Invoice) -> bool:
    """Returns True if Stripe has the money and the bill is still owed."""
    charged = any(bill.ref in charge.metadata.get("portico_invoices", "") for charge in scene.till.book)
    return charged and not Invoice.objects.get(pk=bill.pk).is_paid


def assert_nothing_is_lost_or_repeated(scene: Scene) -> None:
    """Pays what is still owed; then each bill was charged exactly once, with one receipt."""
    for person in Client.objects.filter(pk__in={bill.client_id for bill in scene.settled}):
        if balances.portal_account(person).portal_minor:
            attempt = scene.till.start(person)
            if not attempt.checkout_session_id:  # One that a killed server began: polling ends it.
                polling.poll(attempt)
                attempt = scene.till.start(person)
            scene.till.type_card(attempt)
            polling.poll(attempt)
    assert list(verification.mismatches()) == []
    assert ledger_comparison.differences(scene.till.book) == []
    told = [stripe_metadata.parse(charge.metadata) for charge in scene.till.book]
    charged = [part.invoice for each in told if each for part in each.parts]
    assert sorted(charged) == sorted(Invoice.objects.values_list("ref", flat=True))
    ids = {str(mail.message["Message-ID"]) for mail in scene.smtp.mails if "receipt" in mail.message["Subject"]}
    receipts = OutgoingEmail.objects.filter(kind="receipt")
    # The receipts of recent payments may still be waiting.
    assert receipts.exclude(state=EmailState.QUEUED).count() <= len(ids) <= receipts.count()


def new_person(till: Till, name: str) -> Client:
    return let_pay(cast.client(till.practice, name, address=f"{name.lower()}@mail.example"))


def saved(till: Till, person: Client) -> SavedCard:
    attempt = till.start(person, cast.bill(person, 900), save=True)
    till.type_card(attempt)
    polling.poll(attempt)
    return SavedCard.objects.latest("id")


def make_due(attempts: list[PaymentAttempt]) -> None:
    """Lets their lease expire."""
    PaymentAttempt.objects.filter(pk__in=[each.pk for each in attempts]).update(lease_until=None, not_before=None)


def waiting_for_locks() -> int:
    with connection.cursor() as cursor:
        cursor.execute(WAITING)
        row: tuple[int] = cursor.fetchone()
    return row[0]


def until(what: Callable[[], bool], *, seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "The moment did not come."
        time.sleep(0.02)
