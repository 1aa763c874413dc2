"""`Settings` > `Online Payments`: keys, webhook, setup steps, and the checkbox for cards on a client's tab."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from portico.domain.access.models import PortalAccess
from portico.domain.billing.models import SavedCard, StripeCustomer
from portico.domain.practices.models import OnlinePayments, Practice, StripeKey
from portico.domain.practices.stripe_setup import api_keys
from portico.domain.practices.stripe_setup.api_keys import Keys
from portico.plumbing import clock, inbound_events
from sandbox.stripe.server import SandboxStripe
from tests import cast
from tests.web.page_text import plain

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

PAYMENTS = "/office/settings/payments/"
KEYS = f"{PAYMENTS}keys/"
SECRET = "by-hand-webhook_secret"


@pytest.fixture(autouse=True)
def stripe(sandbox: SandboxStripe, settings: Settings) -> SandboxStripe:
    settings.STRIPE_API_BASE = sandbox.url
    return sandbox


@pytest.fixture
def owner(client: Browser, practice: Practice) -> Browser:
    return cast.signed_in_with_factor(client, cast.elm(practice))


def visible_text(browser: Browser, address: str = PAYMENTS) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200
    return plain(answer.content)


def save(browser: Browser, key: str = "sk_test_demo", secret: str = "") -> tuple[int, str]:
    answer = browser.post(KEYS, {"secret_key": key, "webhook_secret": secret}, follow=True)
    assert key not in answer.content.decode() or not key
    return answer.status_code, plain(answer.content)


def test_an_empty_page_explains_the_setup(owner: Browser) -> None:
    page = visible_text(owner)
    for sentence in ("Not set up", "Let clients pay by card in the portal", "click Reveal next to the secret key"):
        assert sentence in page


def test_a_test_key_shows_test_mode_on_every_page(owner: Browser, practice: Practice) -> None:
    status, page = save(owner)
    assert status == 200
    for sentence in (
        "The key was saved and checked with Stripe.",
        "Test mode",
        "Clients can pay",
        "Test, no real money",
    ):
        assert sentence in page
    assert "Secret key ending demo" in page
    assert "United States, US dollar (USD), test mode" in page
    assert "Test mode: no real money" in visible_text(owner, "/office/clients/")
    portal = cast.in_the_portal(Browser(), cast.ana(practice))
    assert "Test mode: no real money" in visible_text(portal, "/portal/alder-street/home/")


def test_a_live_key_shows_no_banner(owner: Browser) -> None:
    page = save(owner, "sk_live_demo")[1]
    assert "Live, real money" in page
    assert "Test mode" not in page


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("", "Enter a secret key."),
        ("pk_test_demo", "Enter a secret key. It begins with sk_live_ or sk_test_."),
        ("sk_test_unknown", "Stripe doesn’t recognize this key."),
        ("rk_test_demo", "isn’t allowed to read the Stripe account"),
        ("sk_test_" + "x" * 300, "This is too long."),
    ],
)
def test_a_rejected_key_is_explained_and_not_stored(owner: Browser, key: str, sentence: str) -> None:
    status, page = save(owner, key)
    assert (status, sentence in page) == (422, True)
    assert "Nothing has been saved yet. Enter passwords and keys again." in page
    assert not StripeKey.objects.exists()


def test_the_page_says_when_stripe_is_unreachable(owner: Browser, sandbox: SandboxStripe) -> None:
    sandbox.fault("503")
    status, page = save(owner)
    assert (status, "Stripe can’t be reached right now. Nothing was saved." in page) == (422, True)


@pytest.mark.parametrize(
    ("key", "sentences"),
    [
        ("sk_test_demo_restricted", ("Charges are not enabled for this Stripe account", "Open Stripe")),
        ("sk_test_demo_eur", ("The account’s currency is not USD", "uses EUR")),
    ],
)
def test_a_broken_step_shows_how_to_fix_it(owner: Browser, key: str, sentences: tuple[str, ...]) -> None:
    answer = owner.post(KEYS, {"secret_key": key}, follow=True).content
    page, (problem, *_rest) = plain(answer), sentences
    expected = (f"The key was saved, but clients can’t pay yet. {problem}.", "Needs attention", "Failed:")
    for sentence in (*expected, "Not checked yet: Clients can pay", *sentences):
        assert sentence in page
    assert 'class="notice" data-tone="good"' not in answer.decode()
    assert f"Clients can’t pay: {problem}." in plain(owner.post(f"{PAYMENTS}check/", follow=True).content)


def test_checking_again_finds_a_reopened_account(owner: Browser, sandbox: SandboxStripe) -> None:
    save(owner, "sk_test_demo_restricted")
    sandbox.open_account("sk_test_demo_restricted")
    page = plain(owner.post(f"{PAYMENTS}check/", follow=True).content)
    assert "Checked with Stripe. Clients can pay." in page
    assert "Needs attention" not in page
    owner.post(f"{KEYS}removal/")
    assert "Checked with Stripe" not in plain(owner.post(f"{PAYMENTS}check/", follow=True).content)


def test_checking_again_finds_a_revoked_key(owner: Browser, sandbox: SandboxStripe) -> None:
    save(owner)
    sandbox.revoke("sk_test_demo")
    page = plain(owner.post(f"{PAYMENTS}check/", follow=True).content)
    assert "Checked with Stripe. Clients can’t pay: Stripe no longer accepts this key." in page
    assert "Enter the new key" in page
    sandbox.fault("500")
    assert "Stripe can’t be reached" in plain(owner.post(f"{PAYMENTS}check/", follow=True).content)


def test_checking_again_finds_an_unreadable_key(owner: Browser) -> None:
    save(owner)
    StripeKey.objects.update(encrypted_secret=b"of another installation")
    page = plain(owner.post(f"{PAYMENTS}check/", follow=True).content)
    assert "FIELD_KEYS has changed" in page


def test_checking_again_finds_missing_permissions(owner: Browser, practice: Practice) -> None:
    api_keys.save_unchecked(practice, Keys("rk_test_demo"), by=cast.DESK)
    assert "This key lacks permissions" in plain(owner.post(f"{PAYMENTS}check/", follow=True).content)


def test_the_key_can_be_removed(owner: Browser, practice: Practice) -> None:
    save(owner)
    page = plain(owner.post(f"{KEYS}removal/", follow=True).content)
    assert "Stripe was disconnected. Clients can no longer pay by card." in page
    assert "Not set up" in page
    practice.refresh_from_db()
    assert not practice.takes_cards


def test_the_webhooks_url_and_last_event_are_shown(owner: Browser, practice: Practice) -> None:
    save(owner, secret="whsec_alder")
    page = visible_text(owner)
    assert "http://localhost:8000/hooks/stripe/alder-street/" in page
    assert "No events yet. Payments appear within a minute, because Portico checks with Stripe." in page
    inbound_events.store(
        practice, source="stripe", event_id="evt_1", kind="charge.succeeded", object_kind="charge", object_id="ch_1",
        livemode=False, happened_at=clock.now(),
    )  # fmt: skip
    assert "Last event from Stripe: just now." in visible_text(owner)


def test_a_local_address_cannot_have_a_webhook(owner: Browser) -> None:
    save(owner)
    page = visible_text(owner)
    assert "Create webhook" not in page
    assert "reached from the internet" in page
    assert "reached from the internet" in plain(owner.post(f"{PAYMENTS}webhook/", follow=True).content)


def test_a_webhook_can_be_created_at_stripe(owner: Browser, settings: Settings) -> None:
    settings.PUBLIC_BASE_URL = "https://portal.alder.example"
    save(owner)
    assert "Create webhook" in visible_text(owner)
    page = plain(owner.post(f"{PAYMENTS}webhook/", follow=True).content)
    assert "The webhook was created in Stripe." in page
    assert "Create webhook" not in page


def test_a_deleted_webhook_can_be_created_again(owner: Browser, settings: Settings, sandbox: SandboxStripe) -> None:
    settings.PUBLIC_BASE_URL = "https://portal.example.com"
    save(owner)
    owner.post("/office/settings/payments/webhook/")
    sandbox.delete_endpoint(OnlinePayments.objects.get().webhook_id)
    page = owner.post("/office/settings/payments/check/", follow=True).text
    assert "The webhook for this address no longer exists in Stripe" in page
    assert "Missing in Stripe" in page
    assert "Create webhook" in page
    owner.post("/office/settings/payments/webhook/")
    assert "Missing in Stripe" not in visible_text(owner)


def test_a_typed_secret_is_saved_and_never_shown(owner: Browser) -> None:
    save(owner)
    answer = owner.post(f"{PAYMENTS}webhook/secret/", {SECRET: "whsec_by_hand"}, follow=True)
    assert "The webhook signing secret was saved." in plain(answer.content)
    assert "whsec_by_hand" not in answer.content.decode()
    for typed in ("", "sk_test_demo"):
        assert owner.post(f"{PAYMENTS}webhook/secret/", {SECRET: typed}).status_code == 422


@pytest.mark.parametrize("path", ["", "keys/", "keys/removal/", "check/", "webhook/", "webhook/secret/"])
def test_every_page_needs_recent_authentication(
    owner: Browser, path: str, stopped_clock: time_machine.Traveller
) -> None:
    stopped_clock.shift(timedelta(minutes=11))
    send = owner.post if path else owner.get
    answer = send(f"{PAYMENTS}{path}", {"secret_key": "sk_test_demo"})
    assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/office/prove/")
    assert not StripeKey.objects.exists()


def test_the_page_takes_a_fixed_number_of_queries(
    owner: Browser, practice: Practice, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    save(owner)
    visible_text(owner)
    # Session with colleague and practice, the menu; the keys, the last event from Stripe.
    with django_assert_num_queries(9):
        visible_text(owner)


def test_cards_saved_under_another_key_are_counted(owner: Browser, practice: Practice) -> None:
    save(owner)
    person = cast.ana(practice)
    account = cast.with_access(person).account
    assert account is not None
    customer = StripeCustomer.objects.create(
        practice=practice, account=account, stripe_account_id="acct_demo", livemode=False, customer_id="cus_1"
    )
    SavedCard.objects.create(
        practice=practice,
        account=account,
        customer=customer,
        payment_method_id="pm_1",
        brand="visa",
        last4="4242",
        expires_month=12,
        expires_year=2030,
        consent_text="Save Card",
        consented_at=clock.now(),
    )
    StripeCustomer.objects.update(stripe_account_id=StripeKey.objects.get().account_id)
    assert "can’t be charged with this key" not in visible_text(owner)
    save(owner, "sk_live_demo")
    assert "1 saved card can’t be charged with this key" in visible_text(owner)


# The checkbox on a client's tab.


def card_checkbox(browser: Browser, practice: Practice) -> tuple[str, str]:
    """Returns the checkbox's HTML and the tab's text."""
    ana = cast.ana(practice)
    page = browser.get(f"/office/clients/{ana.ref}/edit/portal/").content.decode()
    found = re.search(r'<input[^>]*name="pay_by_card"[^>]*>', page)
    assert found is not None
    return found[0], plain(page.encode())


def test_the_card_checkbox_links_to_the_setup(owner: Browser, practice: Practice) -> None:
    checkbox, page = card_checkbox(owner, practice)
    assert "disabled" in checkbox
    assert re.search(r"Online Payments is not set up ?\. Settings, Online Payments", page)


def test_the_card_checkbox_shows_a_problem(owner: Browser, practice: Practice) -> None:
    save(owner, "sk_test_demo_restricted")
    checkbox, page = card_checkbox(owner, practice)
    assert "disabled" in checkbox
    assert "Online Payments needs attention" in page


def test_other_staff_are_told_to_ask_an_owner(office: Browser, practice: Practice) -> None:
    assert "An owner of the practice can set it up under Settings." in card_checkbox(office, practice)[1]


def test_the_card_checkbox_works_once_set_up(office: Browser, practice: Practice) -> None:
    api_keys.save_unchecked(practice, Keys("sk_live_demo"), by=cast.DESK)
    practice.refresh_from_db()
    ana = cast.ana(practice)
    cast.with_access(ana)
    address = f"/office/clients/{ana.ref}/edit/portal/"
    page = office.get(address).content.decode()
    assert "Requires Access billing documents." in page
    form = {
        "enabled": "on", "address": ana.email_addresses.get().ref, "access_billing_documents": "on",
        "pay_by_card": "on", "version": str(PortalAccess.objects.get().version), "action": "save",
    }  # fmt: skip
    assert office.post(address, form).status_code == 302
    assert PortalAccess.objects.get(client=ana).pay_by_card


def test_a_new_client_can_be_allowed_cards_at_once(office: Browser, practice: Practice) -> None:
    assert re.search(r'<input[^>]*name="pay_by_card"[^>]*disabled', office.get("/office/clients/new/").content.decode())
    api_keys.save_unchecked(practice, Keys("sk_live_demo"), by=cast.DESK)
    checkbox = re.search(r'<input[^>]*name="pay_by_card"[^>]*>', office.get("/office/clients/new/").content.decode())
    assert checkbox is not None
    assert "disabled" not in checkbox[0]
