"""`Pay Now` in a real browser: on the sandbox's Checkout page, then with the saved card."""

from typing import Protocol

import pytest
from playwright.sync_api import Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from portico.domain.billing.models import Invoice, PaymentAttempt, SavedCard
from portico.domain.practices.models import Practice
from tests import cast
from tests.support.browser.card_pages import (
    ASKS_BANK,
    DECLINED,
    GOOD,
    HOME,
    be_declined_from_now_on,
    client_window,
    expect_charged,
    expect_paid,
    pay_now,
    save_a_card,
    type_card,
    type_new_card,
)
from tests.support.browser.chromium import Browsing
from tests.support.card_payments import Till

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


class Open(Protocol):
    """Opens Ana's browser window."""

    def __call__(self, *, javascript: bool = True) -> Page: ...


@pytest.fixture
def practice(transactional_db: None) -> Practice:
    return cast.alder()


@pytest.fixture
def bills(till: Till) -> list[Invoice]:
    """Three bills of Ana's."""
    ana = cast.ana(till.practice)
    return [cast.bill(ana), cast.bill(ana, 5_000), cast.bill(ana, 7_500)]


@pytest.fixture
def window(browsing: Browsing, live_server: LiveServer, settings: Settings, bills: list[Invoice]) -> Open:
    """Stripe and the bank redirect to the URL where the portal is served."""
    settings.PUBLIC_BASE_URL = live_server.url
    return lambda *, javascript=True: client_window(browsing, live_server.url, bills[0], javascript=javascript)


@pytest.mark.parametrize("javascript", [True, False])
def test_a_card_is_saved_and_pays_the_next_invoice(
    window: Open, browsing: Browsing, till: Till, bills: list[Invoice], *, javascript: bool
) -> None:
    first, second, _ = bills
    page = window(javascript=javascript)
    save_a_card(page, first)
    expect_paid(page, first, till, [14_000])
    expect(page.get_by_test_id("receipt")).to_contain_text("Visa ending 4242")
    assert SavedCard.objects.get().last4 == "4242"

    page.get_by_role("link", name="Back to Billing & Payments").click()
    expect(page.get_by_test_id("balance")).to_have_text("$125.00")
    pay_now(page, second)
    page.get_by_role("button", name="Pay $50.00").click()
    expect_paid(page, second, till, [14_000, 5_000])
    # No console message: the content security policy allows the form to redirect to Stripe (see `browsing`).
    assert browsing.complaints == []


@pytest.mark.postgresql
def test_a_balance_is_paid_and_the_card_removed(window: Open, till: Till, bills: list[Invoice]) -> None:
    page = window()
    save_a_card(page, cast.bill(bills[0].client, 1_000))
    page.get_by_role("link", name="Back to Billing & Payments").click()
    expect(page.get_by_text("3 invoices to pay")).to_be_visible()
    page.get_by_role("link", name="Pay Now: full balance, $265.00").click()
    expect(page.get_by_role("heading", name="Pay the full balance")).to_be_visible()
    page.get_by_role("button", name="Pay $265.00").click()
    expect(page.get_by_text("$265.00 for 3 invoices.")).to_be_visible()
    expect_charged(till, [1_000, 26_500])

    page.get_by_role("link", name="Back to Billing & Payments").click()
    expect(page.get_by_test_id("balance")).to_have_text("$0.00")
    expect(page.get_by_role("link", name="Pay Now")).to_have_count(0)
    rows = page.get_by_test_id("invoice-row")
    assert [row.get_attribute("data-status") for row in rows.all()] == ["paid"] * 4
    page.get_by_role("button", name="Remove Visa ending 4242").click()
    expect(page.get_by_text("The card was removed.")).to_be_visible()
    expect(page.get_by_test_id("saved-card")).to_have_count(0)
    assert not SavedCard.objects.active().exists()


@pytest.mark.postgresql
def test_a_bank_refuses_then_confirms_a_saved_card(window: Open, till: Till, bills: list[Invoice]) -> None:
    first, second, _ = bills
    page = window()
    save_a_card(page, first, ASKS_BANK)
    page.get_by_role("button", name="Accept").click()
    expect_paid(page, first, till, [14_000])

    pay_now(page, second)
    page.get_by_role("button", name="Pay $50.00").click()
    page.get_by_role("link", name="Continue to your bank").click()
    page.get_by_role("button", name="Refuse").click()
    expect(page.get_by_role("heading", name="The card was declined")).to_be_visible()
    expect(page.get_by_text("Your bank did not confirm that it was you.")).to_be_visible()
    expect_charged(till, [14_000])

    page.get_by_role("link", name="Try this card again").click()
    page.get_by_role("button", name="Pay $50.00").click()
    page.get_by_role("link", name="Continue to your bank").click()
    page.get_by_role("button", name="Accept").click()
    expect_paid(page, second, till, [14_000, 5_000])


@pytest.mark.postgresql
@pytest.mark.parametrize("javascript", [True, False])
def test_a_declined_card_can_be_followed_by_another(
    window: Open, till: Till, bills: list[Invoice], *, javascript: bool
) -> None:
    first, second, _ = bills
    page = window(javascript=javascript)
    pay_now(page, first)
    page.get_by_label("Save Card").check()
    page.get_by_role("button", name="Continue to Stripe").click()
    type_card(page, DECLINED)
    expect(page.get_by_role("alert")).to_have_text("Your card was declined.")
    type_card(page, GOOD)
    expect_paid(page, first, till, [14_000])

    be_declined_from_now_on(till)
    pay_now(page, second)
    page.get_by_role("button", name="Pay $50.00").click()
    expect(page.get_by_role("heading", name="The card was declined")).to_be_visible()
    expect(page.get_by_text("$50.00 is still due.")).to_be_visible()
    page.get_by_role("link", name="Use another card").click()
    type_new_card(page, GOOD)
    expect_paid(page, second, till, [14_000, 5_000])


@pytest.mark.postgresql
def test_an_unfinished_checkout_continues_from_the_portal(window: Open, till: Till, bills: list[Invoice]) -> None:
    page = window()
    pay_now(page, bills[0])
    page.get_by_role("button", name="Continue to Stripe").click()
    page.get_by_role("link", name="Back", exact=True).click()
    expect(page.get_by_role("heading", name="You started a payment")).to_be_visible()
    page.get_by_role("link", name="Continue at Stripe").click()
    type_card(page, GOOD)
    expect_paid(page, bills[0], till, [14_000])
    assert PaymentAttempt.objects.count() == 1


@pytest.mark.postgresql
def test_paying_in_spanish_without_javascript(window: Open, till: Till, bills: list[Invoice]) -> None:
    page = window(javascript=False)
    page.goto("/portal/alder-street/help/")
    page.get_by_role("link", name="Español").click()
    page.goto(HOME)
    page.get_by_role("link", name="Facturas y pagos", exact=True).click()
    page.get_by_role("link", name=f"Pagar ahora: factura {bills[0].number}").click()
    page.get_by_label("Guardar tarjeta").check()
    page.get_by_role("button", name="Continuar a Stripe").click()
    type_card(page, GOOD)
    expect(page.get_by_role("heading", name="Pagada")).to_be_visible()
    expect(page.get_by_test_id("receipt")).to_contain_text("Visa terminada en 4242")

    page.get_by_role("link", name="Volver a Facturas y pagos").click()
    page.get_by_role("link", name="Pagar ahora: saldo completo").click()
    page.get_by_role("button", name="Pagar").click()
    expect(page.get_by_role("heading", name="Pagada")).to_be_visible()
    expect_charged(till, [14_000, 12_500])

    page.get_by_role("link", name="Volver a Facturas y pagos").click()
    page.get_by_role("button", name="Quitar Visa terminada en 4242").click()
    expect(page.get_by_text("Se quitó la tarjeta.")).to_be_visible()
