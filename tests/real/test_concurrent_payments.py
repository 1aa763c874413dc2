"""Concurrent payments at two real web servers: each is charged once."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from portico.domain.access.models import PortalSession
from portico.domain.billing.card_payments import polling, quotes
from portico.domain.billing.ledger import verification
from portico.domain.billing.models import AttemptInvoice, AttemptState, Invoice, PaymentAttempt, SavedCard
from portico.domain.clients.models import Client
from sandbox.stripe.server import SandboxStripe
from tests import cast
from tests.support.at_once import at_once
from tests.support.card_payments import Till, let_pay
from tests.support.processes.commands import Process, Processes, url_of_test_database
from tests.support.processes.forking import ForkServer
from tests.support.processes.visitor import Answer, Visitor

pytestmark = [pytest.mark.real_processes, pytest.mark.slow, pytest.mark.postgresql]

PRESSES = 50
type Charged = Callable[[], list[int]]

BILLING = "/portal/alder-street/billing/"


@pytest.fixture
def ana(till: Till) -> Client:
    return let_pay(cast.ana(till.practice))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxStripe]:
    """One sandbox for all tests of this module, since the servers get its URL at start."""
    with SandboxStripe() as running:
        yield running


@pytest.fixture(scope="module")
def servers(
    fork_server: ForkServer, sandbox: SandboxStripe, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Process]]:
    parts = Processes(tmp_path_factory.mktemp("servers"), url_of_test_database(), fork_server)
    try:
        yield [parts.web(STRIPE_API_BASE=sandbox.url, ALLOW_TEST_ENDPOINTS="1") for _ in range(2)]
    finally:
        parts.end()


@pytest.fixture
def tabs(servers: list[Process], ana: Client) -> list[Visitor]:
    """Fifty tabs of one browser, half of them at each of two servers."""
    browser = Visitor(servers[0].url).sign_in(ana)
    let_pay(ana)
    tabs = [Visitor(servers[number % 2].url) for number in range(PRESSES)]
    for tab in tabs:
        tab.subject = browser.subject
        for cookie in browser.cookies:
            tab.cookies.set_cookie(cookie)
    return tabs


@pytest.fixture
def card(till: Till, ana: Client) -> SavedCard:
    attempt = till.start(ana, cast.bill(ana, 1_000), save=True)
    till.type_card(attempt)
    polling.poll(attempt)
    return SavedCard.objects.get()


@pytest.fixture
def charged(till: Till) -> Charged:
    """Returns the charges at the sandbox since the test began."""
    earlier = len(till.book)
    return lambda: [each.amount for each in till.book[earlier:]]


@pytest.fixture(autouse=True)
def _books_are_right(transactional_db: None) -> object:
    yield
    assert list(verification.mismatches()) == []


def test_fifty_concurrent_checkouts_charge_once(tabs: list[Visitor], till: Till, ana: Client, charged: Charged) -> None:
    bill = cast.bill(ana)
    pressed = at_once(*[partial(tab.post, pay_page(bill), {"with": "new", "amount": "14000"}) for tab in tabs])
    assert {each.status for each in answers(pressed)} == {302}
    assert len({each.location for each in answers(pressed)}) == 1
    attempt = PaymentAttempt.objects.get()
    assert answers(pressed)[0].location == attempt.checkout_url
    till.type_card(attempt)
    seen = at_once(*[partial(tab.get, f"/portal/alder-street/payments/{attempt.ref}/") for tab in tabs])
    assert all("<h1>Paid</h1>" in each.text for each in answers(seen))
    assert charged() == [14_000]
    assert is_paid(bill)


def test_fifty_concurrent_card_payments_charge_once(
    tabs: list[Visitor], ana: Client, card: SavedCard, charged: Charged
) -> None:
    bill = cast.bill(ana)
    pressed = at_once(*[partial(tab.post, pay_page(bill), {"with": card.ref, "amount": "14000"}) for tab in tabs])
    attempt = PaymentAttempt.objects.latest("id")
    # Each tab is shown the outcome of the one payment.
    assert {(each.status, each.location) for each in answers(pressed)} == {
        (302, f"/portal/alder-street/payments/{attempt.ref}/")
    }
    assert charged() == [14_000]
    assert is_paid(bill)


def test_balance_and_invoice_in_tabs_charge_once(
    tabs: list[Visitor], ana: Client, card: SavedCard, charged: Charged
) -> None:
    bill, other = cast.bill(ana), cast.bill(ana, 5_000)
    shown = quotes.of_balance(ana).digest
    presses = [
        partial(tab.post, pay_page(bill), {"with": card.ref, "amount": "14000"})
        if number % 2
        else partial(tab.post, f"{BILLING}payment/", {"with": card.ref, "amount": "19000", "shown": shown})
        for number, tab in enumerate(tabs)
    ]
    pressed = answers(at_once(*presses))
    # The others are told that it is paid, being paid, or that the amount has changed.
    assert {each.status for each in pressed} <= {302, 409}
    for each in (bill, other):
        succeeded = AttemptInvoice.objects.filter(invoice=each, attempt__state=AttemptState.SUCCEEDED)
        assert succeeded.count() == is_paid(each)
    assert is_paid(bill)
    assert sum(charged()) == 14_000 + 5_000 * is_paid(other)


def test_two_browsers_of_one_mailbox_charge_once(
    tabs: list[Visitor], ana: Client, card: SavedCard, charged: Charged
) -> None:
    bill = cast.bill(ana)
    elsewhere = Visitor(tabs[1].base).sign_in(ana)
    let_pay(ana)
    assert PortalSession.objects.count() == 2
    at_once(
        *[partial(each.post, pay_page(bill), {"with": card.ref, "amount": "14000"}) for each in (tabs[0], elsewhere)]
    )
    assert charged() == [14_000]
    assert is_paid(bill)


def pay_page(bill: Invoice) -> str:
    return f"{BILLING}{bill.ref}/payment/"


def is_paid(bill: Invoice) -> bool:
    return Invoice.objects.get(pk=bill.pk).is_paid


def answers(results: list[Answer | Exception]) -> list[Answer]:
    """Asserts that every tab got a response."""
    assert [each for each in results if isinstance(each, Exception)] == []
    return [each for each in results if isinstance(each, Answer)]
