"""A session that ends while the payment page is open: the choices are restored after signing in."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from portico.domain.access.models import PortalSession, SignInRequest
from portico.domain.access.sign_in import sign_in_links
from portico.domain.access.sign_in.requests import request_worker
from portico.domain.billing.models import Invoice
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from tests import cast
from tests.support.browser.card_pages import GOOD, client_window, expect_charged, type_card
from tests.support.browser.chromium import Browsing
from tests.support.card_payments import Till

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]

WORDS = {
    "en": (
        *("Save Card", "Continue to Stripe", "You were signed out", "We’ve kept what you chose.", "Send me a new link"),
        *("Sign in as", "nothing has been paid yet"),
    ),
    "es": (
        *("Guardar tarjeta", "Continuar a Stripe", "Se cerró su sesión", "Conservamos lo que eligió."),
        *("Envíenme un enlace nuevo", "Iniciar sesión como", "todavía no se ha pagado nada"),
    ),
}


@pytest.fixture
def practice(transactional_db: None) -> Practice:
    return cast.alder()


@pytest.fixture
def bill(till: Till) -> Invoice:
    return cast.bill(cast.ana(till.practice))


def leave_idle() -> None:
    """Lets the session exceed its idle limit."""
    PortalSession.objects.update(seen_at=clock.now() - timedelta(minutes=31))


def expect_no_scrolling_sideways(page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


@pytest.mark.parametrize(("language", "javascript"), [("en", True), ("es", False)])
def test_the_form_is_restored_after_a_timeout_and_pays(
    browsing: Browsing,
    live_server: LiveServer,
    settings: Settings,
    till: Till,
    bill: Invoice,
    *,
    language: str,
    javascript: bool,
) -> None:
    save, pay, signed_out, kept, new_link, enter, nothing_paid = WORDS[language]
    settings.PUBLIC_BASE_URL = live_server.url
    page = client_window(browsing, live_server.url, bill, javascript=javascript)
    page.goto(f"/portal/alder-street/help/?language={language}")
    page.goto(f"/portal/alder-street/billing/{bill.ref}/payment/")
    page.get_by_label(save).check()
    leave_idle()
    page.get_by_role("button", name=pay).click()
    expect(page.get_by_role("heading", name=signed_out)).to_be_visible()
    expect(page.get_by_text(kept)).to_be_visible()
    expect_no_scrolling_sideways(page)
    expect_charged(till, [])

    page.get_by_role("button", name=new_link).click()
    assert request_worker.process_next()
    page.goto(sign_in_links.url_of(cast.handed_over(SignInRequest.objects.get())))
    page.get_by_role("button", name=enter).click()
    expect(page.get_by_role("status")).to_contain_text(nothing_paid)
    expect(page.get_by_label(save)).to_be_checked()
    expect_no_scrolling_sideways(page)

    page.get_by_role("button", name=pay).click()
    type_card(page, GOOD)
    expect(page.get_by_test_id("receipt")).to_contain_text("Visa")
    bill.refresh_from_db()
    assert bill.is_paid
    expect_charged(till, [14_000])
