"""From the mail about a bill to its payment on a phone, counting presses."""

import pytest
from playwright.sync_api import Locator, Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from portico.domain.billing import bill_mails
from portico.domain.billing.models import Invoice
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.mail import outbox
from portico.plumbing.models import OutgoingEmail
from tests import cast
from tests.support.browser.card_pages import GOOD, expect_paid
from tests.support.browser.chromium import Browsing
from tests.support.card_payments import Till, let_pay

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def practice(transactional_db: None) -> Practice:
    return cast.alder()


def read_mail(page: Page, bill: Invoice) -> None:
    """Shows the mail about the bill as the worker sends it."""
    mails = OutgoingEmail.objects.select_related("practice").filter(kind=bill_mails.NEW_BILL)
    mail = mails.get(content__invoice=bill.ref)
    OutgoingEmail.objects.filter(pk=mail.pk).update(handing_over_at=clock.now())
    composer = outbox.composer_of(mail.kind)
    page.goto("about:blank")
    page.set_content(composer.compose(mail, composer.link(mail)).html)


def press(*buttons: Locator) -> int:
    """Presses the buttons, each on the page to which the one before leads; returns their number."""
    for button in buttons:
        button.click()
    return len(buttons)


@pytest.mark.parametrize("javascript", [True, False])
def test_a_bill_is_paid_from_its_mail(
    browsing: Browsing, live_server: LiveServer, settings: Settings, till: Till, *, javascript: bool
) -> None:
    settings.PUBLIC_BASE_URL = live_server.url
    ana = let_pay(cast.ana(till.practice))
    page = browsing.window(live_server.url, width=390, javascript=javascript)
    see_bill = page.get_by_role("link", name="See your bill")
    sign_in = page.get_by_role("button", name="Sign in as")

    first = cast.bill(ana)
    read_mail(page, first)
    presses = press(see_bill, sign_in)
    expect(page.get_by_role("heading", name=f"Invoice {first.number}")).to_be_visible()
    presses += press(page.get_by_role("link", name=f"Pay Now: invoice {first.number}"))
    page.get_by_label("Save Card").check()
    presses += press(page.get_by_role("button", name="Continue to Stripe"))
    expect(page.get_by_label("Card number")).to_be_visible()
    assert presses == 4
    page.get_by_label("Card number").fill(GOOD)
    page.get_by_label("Expires (MM/YY)").fill("12/34")
    page.get_by_label("Security code").fill("123")
    presses += press(page.get_by_role("button", name="Pay $140.00"))
    expect_paid(page, first, till, [14_000])
    assert presses == 5

    second = cast.bill(ana, 5_000)
    read_mail(page, second)
    presses = press(see_bill, sign_in, page.get_by_role("button", name="Pay $50.00 with Visa ending 4242"))
    expect_paid(page, second, till, [14_000, 5_000])
    assert presses == 3
    assert browsing.complaints == []
