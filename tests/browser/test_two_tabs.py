"""Two tabs of one real browser: every form of entrance and portal acts on what its own page shows."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client as Browser
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from portico.domain.access.models import PortalSession, SignInRequest
from portico.domain.access.sign_in import sign_in_links
from portico.domain.access.sign_in.requests import request_worker
from portico.domain.billing.card_payments import polling
from portico.domain.billing.models import Invoice, PaymentAttempt, SavedCard
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from tests import cast
from tests.support.browser.card_pages import expect_charged
from tests.support.browser.chromium import Browsing, carry
from tests.support.card_payments import Till, let_pay
from tests.support.database import databases

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]

PORTAL = "/portal/alder-street/"
NOW_BRUNO = "You’re now viewing Bruno Berg, and this page was for Bea Berg. Nothing was changed or charged."


@pytest.fixture
def practice(transactional_db: None) -> Practice:
    return cast.alder()


def in_two_tabs(browsing: Browsing, url: str) -> tuple[Page, Page]:
    first = browsing.window(url, width=390)
    return first, first.context.new_page()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()


def expect_heading(page: Page, words: str) -> None:
    expect(page.get_by_role("heading", name=words, level=1)).to_be_visible()


def open_link(page: Page, person: Client) -> None:
    page.goto(f"/portal/{person.practice.slug}/link/{cast.token_of(cast.invited(person))}/")


# The entrance.


def test_each_links_page_signs_in_its_own_mailbox(
    browsing: Browsing, live_server: LiveServer, practice: Practice
) -> None:
    first, second = in_two_tabs(browsing, live_server.url)
    open_link(first, cast.ana(practice))
    open_link(second, cast.carol(practice))
    press(first, "Sign in as a…a@mail.example")
    expect_heading(first, "Hello, Ana")
    press(second, "Sign in as c…l@mail.example")
    expect_heading(second, "Hello, Carol")
    # The first tab still shows Ana's portal.
    press(first, "Sign out")
    expect_heading(first, "This page is out of date")
    expect(first.get_by_text("c…l@mail.example")).to_be_visible()
    second.reload()
    expect_heading(second, "Hello, Carol")


def test_links_of_two_practices_both_work(browsing: Browsing, live_server: LiveServer, practice: Practice) -> None:
    first, second = in_two_tabs(browsing, live_server.url)
    open_link(first, cast.ana(practice))
    open_link(second, cast.dora(cast.birch()))
    press(first, "Sign in as a…a@mail.example")
    expect_heading(first, "Hello, Ana")
    press(second, "Sign in as d…a@mail.example")
    expect_heading(second, "Hello, Dora")


def test_a_new_link_goes_to_the_mailbox_on_the_page(
    browsing: Browsing, live_server: LiveServer, practice: Practice
) -> None:
    first, second = in_two_tabs(browsing, live_server.url)
    for page, person in ((first, cast.ana(practice)), (second, cast.carol(practice))):
        token = cast.token_of(cast.invited(person))
        elsewhere = browsing.window(live_server.url)
        elsewhere.goto(f"{PORTAL}link/{token}/")
        press(elsewhere, "Sign in as")
        page.goto(f"{PORTAL}link/{token}/")
        expect_heading(page, "This link was already used")
    press(first, "Send me a new link")
    expect_heading(first, "Check your email")
    assert SignInRequest.objects.get().address == "ana@mail.example"
    # The page for the code shows her masked address, and sends new links to it.
    press(second, "Send me a new link")
    expect_heading(second, "Check your email")
    press(first, "Send it again")
    expect(first.get_by_text("a…a@mail.example")).to_be_visible()
    assert SignInRequest.objects.latest("id").address == "ana@mail.example"


def test_each_code_page_accepts_the_code_of_its_address(
    browsing: Browsing, live_server: LiveServer, practice: Practice
) -> None:
    first, second = in_two_tabs(browsing, live_server.url)
    codes = []
    for page, person in ((first, cast.ana(practice)), (second, cast.carol(practice))):
        cast.with_access(person)
        page.goto(f"{PORTAL}?other-email")
        page.get_by_label("Enter your email").fill(f"{person.first_name.lower()}@mail.example")
        press(page, "Continue")
        expect_heading(page, "Check your email")
        assert request_worker.process_next()
        codes.append(sign_in_links.code_of(cast.handed_over(SignInRequest.objects.latest("id"))))
    first.get_by_label("Code").fill(codes[1])
    press(first, "Sign in")
    expect(first.get_by_text("That code doesn’t match.").first).to_be_visible()
    press(first, "Send it again")
    expect_heading(first, "Check your email")
    assert SignInRequest.objects.latest("id").address == "ana@mail.example"
    first.get_by_label("Code").fill(codes[0])
    press(first, "Sign in")
    expect_heading(first, "Hello, Ana")
    press(second, "Send it again")
    expect_heading(second, "This page is out of date")


def test_a_signed_out_page_keeps_its_mailbox(browsing: Browsing, live_server: LiveServer, practice: Practice) -> None:
    first, second = in_two_tabs(browsing, live_server.url)
    for page, person in ((first, cast.ana(practice)), (second, cast.carol(practice))):
        open_link(page, person)
        press(page, "Sign in as")
        expect_heading(page, f"Hello, {person.first_name}")
        PortalSession.objects.update(seen_at=clock.now() - timedelta(minutes=31))
        page.goto(PORTAL)
        expect_heading(page, "You were signed out")
    press(first, "Send me a new link")
    expect_heading(first, "This page is out of date")
    assert not SignInRequest.objects.exists()
    press(second, "Send me a new link")
    expect_heading(second, "Check your email")
    assert SignInRequest.objects.get().address == "carol@mail.example"


# The portal of a mailbox with two clients.


@pytest.fixture
def bea(till: Till) -> Client:
    return cast.bea(till.practice)


@pytest.fixture
def family(browsing: Browsing, live_server: LiveServer, till: Till, bea: Client) -> Iterator[tuple[Page, Page]]:
    """Two tabs of Bruno's browser with Bea chosen; both owe 150.00, and a saved card has paid 10.00."""
    bruno = cast.bruno(till.practice)
    cast.with_access(bea)
    signed_in = cast.in_the_portal(Browser(), bruno)
    for person in (bea, bruno):
        let_pay(person)
    attempt = till.start(bea, cast.bill(bea, 1_000), save=True)
    till.type_card(attempt)
    polling.poll(attempt)
    for person in (bea, bruno):
        cast.bill(person, 15_000)
    first, second = in_two_tabs(browsing, live_server.url)
    carry(first, live_server.url, signed_in, settings.CLIENT_COOKIE_NAME)
    first.goto(f"{PORTAL}home/")
    press(first, "Bea Berg")
    expect_heading(first, "portal for Bea Berg")
    yield first, second
    expect_charged(till, [1_000])


def switch(second: Page) -> None:
    second.goto(f"{PORTAL}home/")
    press(second, "Bruno Berg")
    expect_heading(second, "portal for Bruno Berg")


def expect_refused(first: Page) -> None:
    expect_heading(first, "This page is out of date")
    expect(first.get_by_text(NOW_BRUNO)).to_be_visible()


def bill_of(person: Client) -> Invoice:
    return person.invoices.get(total_minor=15_000)


@pytest.mark.parametrize(
    ("what", "card"),
    # The other two pairs post the same forms, which tests/web/portal/test_subjects.py posts from every page.
    [("balance", "saved"), ("one invoice", "new")]
    + ([("balance", "new"), ("one invoice", "saved")] if databases.is_whole() else []),
)
def test_a_pay_page_of_bea_does_not_pay_for_bruno(family: tuple[Page, Page], bea: Client, what: str, card: str) -> None:
    first, second = family
    before = PaymentAttempt.objects.count()
    page = f"{PORTAL}billing/payment/" if what == "balance" else f"{PORTAL}billing/{bill_of(bea).ref}/payment/"
    first.goto(page)
    switch(second)
    if card == "new":
        first.get_by_label("New card").check()
    press(first, "Pay $150.00" if card == "saved" else "Continue to Stripe")
    expect_refused(first)
    assert PaymentAttempt.objects.count() == before
    press(first, "Switch to Bea Berg")
    expect_heading(first, f"Pay invoice {bill_of(bea).number}")


def test_beas_page_does_not_change_brunos_settings(family: tuple[Page, Page]) -> None:
    first, second = family
    third = first.context.new_page()
    first.goto(f"{PORTAL}billing/")
    third.goto(f"{PORTAL}profile/")
    switch(second)
    press(first, "Remove Visa ending 4242")
    expect_refused(first)
    third.get_by_label("Español").check()
    press(third, "Save language")
    expect_refused(third)
    assert SavedCard.objects.active().count() == 1
    assert PortalSession.objects.get().account.language == ""


def test_a_payment_for_bea_is_restarted_for_bea(family: tuple[Page, Page], till: Till, bea: Client) -> None:
    first, second = family
    attempt = till.start(bea, bill_of(bea))
    first.goto(f"{PORTAL}payments/{attempt.ref}/")
    switch(second)
    press(first, "Start again")
    expect_refused(first)
    # Opened now, the link works only after switching.
    second.goto(f"{PORTAL}payments/{attempt.ref}/")
    expect(second.get_by_text("This payment is for Bea Berg. You’re now viewing Bruno Berg.")).to_be_visible()
    expect(second.get_by_role("link", name="Continue at Stripe")).to_have_count(0)
    press(second, "Switch to Bea Berg")
    press(second, "Start again")
    expect_heading(second, f"Pay invoice {bill_of(bea).number}")


def test_beas_links_lead_to_beas_pages(family: tuple[Page, Page], bea: Client) -> None:
    first, second = family
    for page, link in (("billing/", "Pay Now: full balance"), ("billing/", f"Pay Now: invoice {bill_of(bea).number}")):
        first.goto(PORTAL + page)
        switch(second)
        first.get_by_role("link", name=link).click()
        expect_heading(first, "This is for someone else")
        press(first, "Switch to Bea Berg")
        expect_heading(first, f"Pay invoice {bill_of(bea).number}")


def test_chooser_and_sessions_act_on_the_mailbox(
    family: tuple[Page, Page], browsing: Browsing, live_server: LiveServer
) -> None:
    first, second = family
    cast.in_the_portal(Browser(), Client.objects.get(first_name="Bruno"))
    first.goto(f"{PORTAL}profile/")
    switch(second)
    press(first, "Sign out everywhere else")
    expect_heading(first, "Profile")
    assert PortalSession.objects.filter(ended_at=None).count() == 1
    press(first, "Bea Berg")
    expect_heading(first, "portal for Bea Berg")
    press(second, "Bruno Berg")
    expect_heading(second, "portal for Bruno Berg")
    first.get_by_role("banner").get_by_role("button", name="Sign out").click()
    expect_heading(first, "You are signed out")
    press(second, "Bea Berg")
    expect(second.get_by_label("Enter your email")).to_be_visible()


def test_a_grown_balance_is_shown_again(family: tuple[Page, Page], bea: Client) -> None:
    first, _second = family
    first.goto(f"{PORTAL}billing/payment/")
    cast.bill(bea, 15_000)
    press(first, "Pay $150.00")
    expect(first.get_by_text("The amount has changed since you opened this page.").first).to_be_visible()
    expect(first.get_by_role("button", name="Pay $300.00")).to_be_visible()
