"""`Settings` > `Online Payments`: the owner enters keys, sees what Stripe says, and what is missing."""

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
from sandbox.stripe.serving import SandboxStripe
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


def words(browser: Browser, address: str = PAYMENTS) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200
    return plain(answer.content)


def save(browser: Browser, key: str = "sk_test_demo", secret: str = "") -> tuple[int, str]:
    answer = browser.post(KEYS, {"secret_key": key, "webhook_secret": secret}, follow=True)
    assert key not in answer.content.decode() or not key
    return answer.status_code, plain(answer.content)


def test_before_anything_is_set_up_it_says_how(owner: Browser) -> None:
    page = words(owner)
    for sentence in ("Not set up", "Let clients pay by card in the portal", "press Reveal beside the secret key"):
        assert sentence in page


def test_a_test_key_makes_it_ready_in_test_mode_which_every_page_says(owner: Browser, practice: Practice) -> None:
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
    assert "Test mode: no real money" in words(owner, "/office/clients/")
    portal = cast.in_the_portal(Browser(), cast.ana(practice))
    assert "Test mode: no real money" in words(portal, "/portal/alder-street/home/")


def test_a_live_key_shows_no_banner(owner: Browser) -> None:
    page = save(owner, "sk_live_demo")[1]
    assert "Live, real money" in page
    assert "Test mode" not in page


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("", "This is needed."),
        ("pk_test_demo", "A secret key begins with sk_live_ or sk_test_."),
        ("sk_test_unknown", "Stripe does not know this key."),
        ("rk_test_demo", "may not read the account"),
        ("sk_test_" + "x" * 300, "too long to be one"),
    ],
)
def test_a_key_that_does_not_work_is_said_beside_its_field_and_not_kept(
    owner: Browser, key: str, sentence: str
) -> None:
    status, page = save(owner, key)
    assert (status, sentence in page) == (422, True)
    assert "Nothing has been saved yet. What is secret has to be typed again." in page
    assert not StripeKey.objects.exists()


def test_with_stripe_away_the_page_says_try_again(owner: Browser, sandbox: SandboxStripe) -> None:
    sandbox.fault("503")
    status, page = save(owner)
    assert (status, "Stripe cannot be reached at the moment. Nothing was saved." in page) == (422, True)


@pytest.mark.parametrize(
    ("key", "sentences"),
    [
        ("sk_test_demo_restricted", ("Stripe does not let this account charge yet", "Open Stripe")),
        ("sk_test_demo_eur", ("The account’s currency is not USD", "is kept in EUR")),
    ],
)
def test_what_stops_is_said_with_the_way_to_mend_it(owner: Browser, key: str, sentences: tuple[str, ...]) -> None:
    answer = owner.post(KEYS, {"secret_key": key}, follow=True).content
    page, (why, *_more) = plain(answer), sentences
    told = (f"The key was saved, but clients can’t pay yet. {why}.", "Needs attention", "Stops here:")
    for sentence in (*told, "Not reached yet: Clients can pay", *sentences):
        assert sentence in page
    assert 'class="notice" data-tone="good"' not in answer.decode()
    assert f"Clients can’t pay: {why}." in plain(owner.post(f"{PAYMENTS}check/", follow=True).content)


def test_an_account_that_may_charge_again_is_found_by_checking_again(owner: Browser, sandbox: SandboxStripe) -> None:
    save(owner, "sk_test_demo_restricted")
    sandbox.open_account("sk_test_demo_restricted")
    page = plain(owner.post(f"{PAYMENTS}check/", follow=True).content)
    assert "Stripe was asked again: clients can pay." in page
    assert "Needs attention" not in page
    owner.post(f"{KEYS}removal/")
    assert "asked again" not in plain(owner.post(f"{PAYMENTS}check/", follow=True).content)


def test_a_revoked_key_is_found_by_checking_again(owner: Browser, sandbox: SandboxStripe) -> None:
    save(owner)
    sandbox.revoke("sk_test_demo")
    page = plain(owner.post(f"{PAYMENTS}check/", follow=True).content)
    assert "Stripe was asked again. Clients can’t pay: Stripe no longer accepts this key." in page
    assert "Enter the new key" in page
    sandbox.fault("500")
    assert "Stripe cannot be reached" in plain(owner.post(f"{PAYMENTS}check/", follow=True).content)


def test_a_key_unreadable_here_is_said(owner: Browser) -> None:
    save(owner)
    StripeKey.objects.update(box=b"of another installation")
    page = plain(owner.post(f"{PAYMENTS}check/", follow=True).content)
    assert "FIELD_KEYS have changed" in page


def test_a_key_that_lost_its_permissions_is_said(owner: Browser, practice: Practice) -> None:
    api_keys.save_unchecked(practice, Keys("rk_test_demo"), by=cast.DESK)
    assert "This key may not do enough" in plain(owner.post(f"{PAYMENTS}check/", follow=True).content)


def test_the_key_is_removed_in_one_press(owner: Browser, practice: Practice) -> None:
    save(owner)
    page = plain(owner.post(f"{KEYS}removal/", follow=True).content)
    assert "The key was removed. Clients can no longer pay by card." in page
    assert "Not set up" in page
    practice.refresh_from_db()
    assert not practice.takes_cards


def test_the_webhook_is_shown_with_its_address_and_whether_it_was_heard(owner: Browser, practice: Practice) -> None:
    save(owner, secret="whsec_alder")
    page = words(owner)
    assert "http://localhost:8000/hooks/stripe/alder-street/" in page
    assert "Not heard yet: payments show within a minute, because we ask." in page
    inbound_events.store(
        practice, source="stripe", event_id="evt_1", kind="charge.succeeded", object_kind="charge", object_id="ch_1",
        livemode=False, happened_at=clock.now(),
    )  # fmt: skip
    assert "Stripe last told us something just now." in words(owner)


def test_on_this_machine_it_says_why_no_webhook_can_be_created(owner: Browser) -> None:
    save(owner)
    page = words(owner)
    assert "Create it for me" not in page
    assert "reachable from the internet by https" in page
    assert "reachable from the internet" in plain(owner.post(f"{PAYMENTS}webhook/", follow=True).content)


def test_a_webhook_is_created_at_stripe_in_one_press(owner: Browser, settings: Settings) -> None:
    settings.PUBLIC_BASE_URL = "https://portal.alder.example"
    save(owner)
    assert "Create it for me" in words(owner)
    page = plain(owner.post(f"{PAYMENTS}webhook/", follow=True).content)
    assert "The webhook was created at Stripe." in page
    assert "Create it for me" not in page


def test_a_webhook_deleted_at_stripe_is_shown_and_created_again(
    owner: Browser, settings: Settings, sandbox: SandboxStripe
) -> None:
    settings.PUBLIC_BASE_URL = "https://portal.example.com"
    save(owner)
    owner.post("/office/settings/payments/webhook/")
    sandbox.delete_endpoint(OnlinePayments.objects.get().webhook_id)
    page = owner.post("/office/settings/payments/check/", follow=True).text
    assert "Stripe no longer has the webhook" in page
    assert "Missing at Stripe" in page
    assert "Create it for me" in page
    owner.post("/office/settings/payments/webhook/")
    assert "Missing at Stripe" not in words(owner)


def test_a_secret_made_by_hand_is_saved_and_never_shown(owner: Browser) -> None:
    save(owner)
    answer = owner.post(f"{PAYMENTS}webhook/secret/", {SECRET: "whsec_by_hand"}, follow=True)
    assert "The webhook’s secret was saved." in plain(answer.content)
    assert "whsec_by_hand" not in answer.content.decode()
    for typed in ("", "sk_test_demo"):
        assert owner.post(f"{PAYMENTS}webhook/secret/", {SECRET: typed}).status_code == 422


@pytest.mark.parametrize("path", ["", "keys/", "keys/removal/", "check/", "webhook/", "webhook/secret/"])
def test_whoever_has_not_shown_lately_who_they_are_is_asked_first(
    owner: Browser, path: str, stopped_clock: time_machine.Traveller
) -> None:
    stopped_clock.shift(timedelta(minutes=11))
    ask = owner.post if path else owner.get
    answer = ask(f"{PAYMENTS}{path}", {"secret_key": "sk_test_demo"})
    assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/office/prove/")
    assert not StripeKey.objects.exists()


def test_the_page_takes_a_fixed_number_of_queries(
    owner: Browser, practice: Practice, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    save(owner)
    words(owner)
    # Session, colleague, practice, mails that need a look, storms; the keys, the last word from Stripe.
    with django_assert_num_queries(13):
        words(owner)


def test_cards_saved_under_another_key_are_told(owner: Browser, practice: Practice) -> None:
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
    assert "stays with the Stripe account" not in words(owner)
    save(owner, "sk_live_demo")
    assert "1 saved card stays with the Stripe account or mode in which it was saved" in words(owner)


# The tick on a client's tab.


def box(browser: Browser, practice: Practice) -> tuple[str, str]:
    """The box itself, and the tab's words."""
    ana = cast.ana(practice)
    page = browser.get(f"/office/clients/{ana.ref}/edit/portal/").content.decode()
    found = re.search(r'<input[^>]*name="pay_by_card"[^>]*>', page)
    assert found is not None
    return found[0], plain(page.encode())


def test_the_tick_for_cards_says_what_is_missing_and_links_there(owner: Browser, practice: Practice) -> None:
    drawn, page = box(owner, practice)
    assert "disabled" in drawn
    assert re.search(r"Online Payments is not set up ?\. Settings, Online Payments", page)


def test_the_tick_for_cards_says_when_something_is_wrong(owner: Browser, practice: Practice) -> None:
    save(owner, "sk_test_demo_restricted")
    drawn, page = box(owner, practice)
    assert "disabled" in drawn
    assert "Online Payments needs attention" in page


def test_staff_who_cannot_mend_it_are_told_who_can(office: Browser, practice: Practice) -> None:
    assert "An owner of the practice can do it under Settings." in box(office, practice)[1]


def test_the_tick_for_cards_works_once_cards_are_taken(office: Browser, practice: Practice) -> None:
    api_keys.save_unchecked(practice, Keys("sk_live_demo"), by=cast.DESK)
    practice.refresh_from_db()
    ana = cast.ana(practice)
    cast.with_access(ana)
    address = f"/office/clients/{ana.ref}/edit/portal/"
    page = office.get(address).content.decode()
    assert "Works only together with Access billing documents." in page
    form = {
        "enabled": "on", "address": ana.email_addresses.get().ref, "access_billing_documents": "on",
        "pay_by_card": "on", "version": str(PortalAccess.objects.get().version), "action": "save",
    }  # fmt: skip
    assert office.post(address, form).status_code == 302
    assert PortalAccess.objects.get(client=ana).pay_by_card


def test_a_new_client_can_be_given_the_tick_at_once(office: Browser, practice: Practice) -> None:
    assert re.search(r'<input[^>]*name="pay_by_card"[^>]*disabled', office.get("/office/clients/new/").content.decode())
    api_keys.save_unchecked(practice, Keys("sk_live_demo"), by=cast.DESK)
    drawn = re.search(r'<input[^>]*name="pay_by_card"[^>]*>', office.get("/office/clients/new/").content.decode())
    assert drawn is not None
    assert "disabled" not in drawn[0]
