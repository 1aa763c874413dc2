"""`Pay Now`: invalid requests are refused before Stripe is called, and a slow Stripe does not block pages."""

import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from django.http import HttpResponse

from portico.domain.access import access_grants, client_changes
from portico.domain.access.access_grants import AccessInput
from portico.domain.billing.card_payments import polling
from portico.domain.billing.invoices import invoicing
from portico.domain.billing.invoices.invoice_input import InvoiceInput, LineInput
from portico.domain.billing.models import Invoice, Payment, PaymentAttempt
from portico.domain.clients.models import Client
from portico.domain.practices import suspension
from portico.domain.practices.stripe_setup import api_keys
from portico.plumbing import clock
from tests import cast
from tests.cast import DESK
from tests.support.at_once import at_once
from tests.support.card_payments import Till, let_pay, signed_in_to_pay
from tests.support.portal_client import Browser

pytestmark = pytest.mark.django_db

BILLING = "/portal/alder-street/billing/"
MANY = 99


@pytest.fixture
def bill(till: Till) -> Invoice:
    return cast.bill(cast.ana(till.practice))


@pytest.fixture
def ana(client: Browser, bill: Invoice) -> Browser:
    """Ana's browser."""
    browser = signed_in_to_pay(client, bill.client)
    assert browser.get(pay_page(bill)).status_code == 200
    return browser


@pytest.fixture
def uncalled(till: Till) -> Iterator[None]:
    """Fails if Stripe is called: each call would consume one of the scripted faults."""
    till.stripe.fault("500", times=MANY)
    yield
    assert till.stripe.faults.left == MANY
    assert not PaymentAttempt.objects.holding_invoices().exists()


def pay_page(bill: Invoice) -> str:
    return f"{BILLING}{bill.ref}/payment/"


# Manipulated input.


AMOUNTS = (
    "1", "13999", "14001", "0", "-14000", "99999999999999999999", "140.00", "139.99", "1e4", "NaN", "half", "14000;1",
)  # fmt: skip


@pytest.mark.parametrize("address", ["invoice", "balance"])
def test_invalid_amounts_are_not_charged(ana: Browser, bill: Invoice, uncalled: None, address: str) -> None:
    page = pay_page(bill) if address == "invoice" else f"{BILLING}payment/"
    for amount in AMOUNTS:
        answer = ana.post(page, {"with": "new", "amount": amount})
        assert answer.status_code in {409, 422}, amount
        assert "$140.00" in answer.content.decode()


def test_extra_form_fields_are_ignored(ana: Browser, bill: Invoice, till: Till) -> None:
    carols = cast.bill(cast.carol(till.practice), 50)
    made_up = {
        "invoice": carols.ref, "invoices": [carols.ref, carols.ref], "client": carols.client.ref,
        "amount_minor": "50", "currency": "JPY", "account": "another", "livemode": "1",
    }  # fmt: skip
    assert ana.post(pay_page(bill), {"with": "new", "amount": "14000"} | made_up).status_code == 302
    attempt = PaymentAttempt.objects.get()
    assert (attempt.client, attempt.amount_minor, attempt.currency) == (bill.client, 14_000, "USD")
    assert [cover.invoice for cover in attempt.covers.all()] == [bill]


def draft(person: Client) -> Invoice:
    entry = InvoiceInput(clock.today("UTC"), lines=(LineInput("Session", 5_000),))
    return invoicing.create_draft(person, entry, by=DESK)


def voided(person: Client) -> Invoice:
    return invoicing.void(cast.bill(person, 5_000), reason="Wrong", shown=None, by=DESK)


def paid_in_cash(person: Client) -> Invoice:
    bill = cast.bill(person, 5_000)
    cast.cash(person, 5_000, invoice=bill)
    return bill


OTHERS: dict[str, tuple[Callable[[Client], Invoice], int]] = {
    "a draft": (draft, 404),
    "not shared": (lambda person: cast.bill(person, 5_000, shared=False), 404),
    "another client's": (lambda person: cast.bill(cast.carol(person.practice), 5_000), 404),
    "another practice's": (lambda _person: cast.bill(cast.dora(cast.birch()), 5_000), 404),
    "void": (voided, 409),
    "paid": (paid_in_cash, 409),
}


def test_unpayable_invoices_are_refused(ana: Browser, bill: Invoice, uncalled: None) -> None:
    for which, (make, status) in OTHERS.items():
        assert ana.post(pay_page(make(bill.client)), {"with": "new"}).status_code == status, which


def test_unknown_invoices_are_404(ana: Browser, bill: Invoice, uncalled: None) -> None:
    for ref in ("1", str(bill.pk), bill.ref.upper() + "X", f"{bill.ref},{bill.ref}", "0" * 16):
        assert ana.post(f"{BILLING}{ref}/payment/", {"with": "new"}).status_code == 404


def test_payment_page_is_only_for_its_mailbox(ana: Browser, bill: Invoice, till: Till) -> None:
    other = let_pay(cast.carol(till.practice))
    attempt = till.start(other, cast.bill(other))
    assert ana.get(f"/portal/alder-street/payments/{attempt.ref}/").status_code == 404
    assert ana.post(f"/portal/alder-street/payments/{attempt.ref}/again/").status_code == 404


# Double click, back button, refresh, another browser.


def paid(browser: Browser, bill: Invoice, till: Till) -> str:
    """Pays and returns the URL of the status page."""
    browser.post(pay_page(bill), {"with": "new", "amount": "14000"})
    attempt = PaymentAttempt.objects.latest("id")
    till.type_card(attempt)
    page = f"/portal/alder-street/payments/{attempt.ref}/"
    assert "<h1>Paid</h1>" in browser.get(page).content.decode()
    return page


def test_resubmitting_leads_to_the_first_payment(ana: Browser, bill: Invoice, till: Till) -> None:
    page = paid(ana, bill, till)
    till.stripe.fault("500", times=MANY)
    again = ana.post(pay_page(bill), {"with": "new", "amount": "14000"})
    assert (again.status_code, again["Location"]) == (302, page)
    assert ana.get(page).status_code == ana.get(page).status_code == 200
    assert (till.stripe.faults.left, Payment.objects.count(), len(till.book)) == (MANY, 1, 1)


def test_second_browser_is_shown_the_first_payment(ana: Browser, bill: Invoice, till: Till) -> None:
    elsewhere = signed_in_to_pay(Browser(), bill.client)
    assert elsewhere.get(pay_page(bill)).status_code == 200
    page = paid(ana, bill, till)
    assert elsewhere.post(pay_page(bill), {"with": "new", "amount": "14000"})["Location"] == page
    assert len(till.book) == 1


def test_balance_in_another_tab_shows_the_payment(ana: Browser, bill: Invoice, till: Till) -> None:
    cast.bill(bill.client, 5_000)
    assert "$190.00" in ana.get(f"{BILLING}payment/").content.decode()
    page = paid(ana, bill, till)
    late = ana.post(f"{BILLING}payment/", {"with": "new", "amount": "19000"})
    # Shows the recent payment, and does not charge $190.00.
    assert (late.status_code, late["Location"]) == (302, f"{page}?said=not-charged-again")
    assert [charge.amount for charge in till.book] == [14_000]
    assert not PaymentAttempt.objects.holding_invoices().exists()


# Options turned off while the page is open.


def without(bill: Invoice, **options: bool) -> None:
    entry = cast.entry_for(bill.client)
    wanted = {"enabled": True, "access_billing_documents": True, "pay_by_card": True} | options
    access_grants.save_access(bill.client, AccessInput(address=entry.address, **wanted), version=None, by=DESK)


TURNED_OFF: dict[str, tuple[Callable[[Invoice], object], int]] = {
    "cards": (lambda bill: without(bill, pay_by_card=False), 409),
    "bills": (lambda bill: without(bill, access_billing_documents=False), 404),
    # These end the session.
    "the portal": (lambda bill: without(bill, enabled=False), 302),
    "the client": (lambda bill: client_changes.archive(bill.client, by=DESK), 302),
    "the practice": (lambda bill: suspension.suspend(bill.practice, by=DESK), 503),
    "online payments": (lambda bill: api_keys.remove_keys(bill.practice, by=DESK), 409),
}


@pytest.mark.parametrize("what", TURNED_OFF)
def test_options_turned_off_apply_to_open_pages(ana: Browser, bill: Invoice, uncalled: None, what: str) -> None:
    turn_off, status = TURNED_OFF[what]
    turn_off(bill)
    answer = ana.post(pay_page(bill), {"with": "new", "amount": "14000"})
    led_to = answer.headers.get("Location", "").partition("?")[0]
    assert (answer.status_code, led_to) == (status, "/portal/alder-street/" if status == 302 else "")


# Stripe is slow.


@pytest.mark.slow
@pytest.mark.real_time
@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_pages_respond_while_stripe_hangs(till: Till) -> None:
    """A charge is Processing, an unopened Checkout can be started again, and the status page shows so."""
    people = [cast.client(till.practice, name, address=f"{name.lower()}@mail.example") for name in ("Ana", "Bo", "Cy")]
    browsers = [signed_in_to_pay(Browser(), person) for person in people]
    for_card = till.start(people[0], cast.bill(people[0], 1_000), save=True)
    till.type_card(for_card)
    card = polling.poll(for_card).account.saved_cards.get()
    bills = [cast.bill(person) for person in people]
    begun = till.start(people[2], bills[2])
    till.stripe.fault("hang", times=MANY, seconds=30)
    began = time.monotonic()
    answers = at_once(
        partial(browsers[0].post, pay_page(bills[0]), {"with": card.ref, "amount": "14000"}, follow=True),
        partial(browsers[1].post, pay_page(bills[1]), {"with": "new", "amount": "14000"}, follow=True),
        partial(browsers[2].get, f"/portal/alder-street/payments/{begun.ref}/"),
    )
    # A call to Stripe would hang for 30 seconds.
    assert time.monotonic() - began < 20
    pages = [each.content.decode() for each in answers if isinstance(each, HttpResponse)]
    for page, says in zip(pages, ("Processing", "start again", "You started a payment"), strict=True):
        assert says.lower() in page.lower()
    pressed = PaymentAttempt.objects.exclude(pk__in=[for_card.pk, begun.pk]).values_list("method", "state")
    assert set(pressed) == {("saved_card", "processing"), ("checkout", "open")}
