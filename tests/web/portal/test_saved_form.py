"""A form posted after the session had ended is restored after signing in, for the same mailbox only."""

import re
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portico.domain.access import access_grants, client_changes, revocation
from portico.domain.access.access_grants import AccessInput
from portico.domain.access.models import PortalSavedForm, PortalSession, SignInRequest
from portico.domain.access.sign_in import saved_forms, sign_in_links, sign_in_pins
from portico.domain.access.sign_in.requests import request_worker
from portico.domain.billing.card_payments import saved_cards
from portico.domain.billing.models import Invoice, PaymentAttempt, SavedCard
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import form_recovery, tokens
from portico.plumbing.form_recovery import PostedField
from portico.plumbing.models import OutgoingEmail
from portico.web.route_list import all_routes
from tests import cast
from tests.support.card_payments import let_pay
from tests.support.payment_outcomes import ready_to_pay
from tests.support.portal_client import Browser

pytestmark = pytest.mark.django_db

PORTAL = "/portal/alder-street/"
BALANCE, PROFILE = f"{PORTAL}billing/payment/", f"{PORTAL}profile/"
TO_PAY = "You were signed out, and nothing has been paid yet."
TO_SAVE = "You were signed out, and nothing has been saved yet."
NEW_CARD = {"with": "new", "save_card": "on", "pay": "new", "amount": "14000"}


@pytest.fixture
def bill(practice: Practice) -> Invoice:
    return cast.bill(cast.ana(practice))


@pytest.fixture
def ana(client: Browser, bill: Invoice) -> Browser:
    """The browser of Ana, who may pay and has a saved card."""
    cast.in_the_portal(client, bill.client)
    ready_to_pay(bill.client)
    return client


@pytest.fixture
def pay_page(bill: Invoice) -> str:
    return f"{PORTAL}billing/{bill.ref}/payment/"


def place_after(browser: Browser, address: str, typed: dict[str, str]) -> str:
    """Posts the form and returns the `next` parameter of the redirect to the entrance."""
    door = browser.post(address, typed)["Location"]
    return parse_qs(urlsplit(door).query)["next"][0]


def pressed_too_late(
    browser: Browser, stopped_clock: time_machine.Traveller, address: str, typed: dict[str, str] | None = None
) -> str:
    stopped_clock.shift(timedelta(minutes=31))
    return place_after(browser, address, NEW_CARD if typed is None else typed)


def by_link(browser: Browser, place: str, address: str = "ana@mail.example") -> str:
    """Signs in with a link and returns the redirect."""
    browser.post(PORTAL, {"email": address, "next": place})
    assert request_worker.process_next()
    link = sign_in_links.url_of(cast.handed_over(SignInRequest.objects.latest("id")))
    browser.get(link.removeprefix(settings.PUBLIC_BASE_URL))
    return browser.post(f"{PORTAL}link/")["Location"]


def by_code(browser: Browser, place: str) -> str:
    browser.post(f"{PORTAL}again/", {"by": "session", "next": place})
    assert request_worker.process_next()
    code = sign_in_links.code_of(cast.handed_over(SignInRequest.objects.latest("id")))
    return browser.post(f"{PORTAL}code/", {"code": code})["Location"]


def by_pin(browser: Browser, place: str) -> str:
    """Signs in on the page for the PIN, linked from the entrance."""
    door = browser.get(PORTAL, {"next": place}).content.decode()
    way = re.search(r'href="(/portal/alder-street/pin/[^"]*)"', door)
    assert way is not None
    known = re.search(r'name="next" value="([^"]*)"', browser.get(way[1]).content.decode())
    assert known is not None
    person, form_key = Client.objects.get(), tokens.new_token()
    sign_in_pins.generate(person, form_key=form_key, by=cast.DESK)
    shown = sign_in_pins.digits(person, form_key, to=cast.DESK)
    assert shown is not None
    typed = {"email": "ana@mail.example", "pin": shown[1], "next": known[1]}
    return browser.post(f"{PORTAL}pin/", typed)["Location"]


def page(browser: Browser, place: str) -> str:
    answer = browser.get(place)
    assert answer.status_code == 200
    return answer.content.decode()


def is_new_card_chosen(shown: str) -> bool:
    return 'data-card="new" checked' in shown


@pytest.mark.parametrize("sign_in", [by_link, by_code, by_pin])
def test_every_sign_in_method_restores_the_form(
    ana: Browser, pay_page: str, stopped_clock: time_machine.Traveller, sign_in: Callable[[Browser, str], str]
) -> None:
    assert not is_new_card_chosen(page(ana, pay_page))
    place = pressed_too_late(ana, stopped_clock, pay_page)
    assert place == f"{pay_page}?kept={PortalSavedForm.objects.get().ref}"
    assert sign_in(ana, place) == place
    shown = page(ana, place)
    assert TO_PAY in shown
    assert is_new_card_chosen(shown)
    assert 'id="errors"' not in shown
    assert not PaymentAttempt.objects.exists()


def test_checkbox_is_restored(ana: Browser, stopped_clock: time_machine.Traveller) -> None:
    ticked = re.compile(r'name="save_card"[^>]* checked')
    place = by_link(ana, pressed_too_late(ana, stopped_clock, BALANCE))
    assert ticked.search(page(ana, place))
    place = by_link(ana, pressed_too_late(ana, stopped_clock, BALANCE, {"with": "new", "pay": "new"}))
    assert not ticked.search(page(ana, place))


def test_a_new_email_is_restored(ana: Browser, stopped_clock: time_machine.Traveller) -> None:
    typed = {"email": "ana@new.example", "form_key": "k" * 43}
    shown = page(ana, by_link(ana, pressed_too_late(ana, stopped_clock, f"{PORTAL}profile/email/", typed)))
    assert 'value="ana@new.example"' in shown
    assert "You were signed out, and nothing has been sent yet." in shown
    assert not OutgoingEmail.objects.filter(kind="address_change").exists()


def test_entrance_mentions_the_form_without_its_content(
    ana: Browser, pay_page: str, stopped_clock: time_machine.Traveller
) -> None:
    pressed_too_late(ana, stopped_clock, pay_page)
    door = ana.post(pay_page, NEW_CARD, follow=True).content.decode()
    assert "You were signed out" in door
    assert "We’ve kept what you chose." in door
    assert "save_card" not in door
    assert "We’ve kept what you chose." not in ana.get(pay_page, follow=True).content.decode()


def test_form_is_saved_after_the_maximum_age(
    ana: Browser, pay_page: str, stopped_clock: time_machine.Traveller
) -> None:
    stopped_clock.shift(timedelta(hours=12))
    PortalSession.objects.update(seen_at=PortalSession.objects.get().created_at + timedelta(hours=11, minutes=50))
    assert "?kept=" in place_after(ana, pay_page, NEW_CARD)


def test_restored_form_shows_the_current_amount(
    ana: Browser, bill: Invoice, pay_page: str, stopped_clock: time_machine.Traveller
) -> None:
    place = pressed_too_late(ana, stopped_clock, pay_page)
    cast.cash(bill.client, 4_000, invoice=bill)
    shown = page(ana, by_link(ana, place))
    assert TO_PAY in shown
    assert 'name="amount" value="10000"' in shown
    assert "$100.00" in shown
    assert "$140.00" not in shown


def test_removed_card_is_not_restored(
    ana: Browser, bill: Invoice, pay_page: str, stopped_clock: time_machine.Traveller
) -> None:
    saved = SavedCard.objects.get()
    place = pressed_too_late(ana, stopped_clock, pay_page, {"with": saved.ref, "pay": "saved", "amount": "14000"})
    saved_cards.remove(saved, bill.client, by=cast.DESK)
    shown = page(ana, by_link(ana, place))
    assert is_new_card_chosen(shown)
    assert "This card is no longer saved. Choose another one. Nothing was charged." in shown
    assert 'id="errors"' not in shown


def test_chosen_card_is_restored(ana: Browser, pay_page: str, stopped_clock: time_machine.Traveller) -> None:
    saved = SavedCard.objects.get()
    place = pressed_too_late(ana, stopped_clock, pay_page, {"with": saved.ref, "pay": "saved", "amount": "14000"})
    shown = page(ana, by_link(ana, place))
    assert re.search(rf'value="{saved.ref}"\s+data-card="saved"\s+checked', shown)
    assert TO_PAY in shown


def test_chosen_language_is_restored_unsaved(ana: Browser, stopped_clock: time_machine.Traveller) -> None:
    place = by_link(ana, pressed_too_late(ana, stopped_clock, PROFILE, {"language": "es"}))
    shown = page(ana, place)
    assert place.startswith(f"{PROFILE}?kept=")
    assert TO_SAVE in shown
    assert 'value="es" checked' in shown
    assert '<html lang="en">' in shown
    assert '<html lang="es">' in ana.post(place, {"language": "es"}, follow=True).content.decode()


def test_unknown_language_is_not_restored(ana: Browser, stopped_clock: time_machine.Traveller) -> None:
    shown = page(ana, by_link(ana, pressed_too_late(ana, stopped_clock, PROFILE, {"language": "fr"})))
    assert 'value="en" checked' in shown
    assert TO_SAVE not in shown


def test_submitting_the_form_removes_the_notice(ana: Browser, stopped_clock: time_machine.Traveller) -> None:
    place = by_link(ana, pressed_too_late(ana, stopped_clock, PROFILE, {"language": "es"}))
    ana.post(place, {"language": "en"})
    shown = page(ana, place)
    assert TO_SAVE not in shown
    assert 'value="en" checked' in shown
    assert not PortalSavedForm.objects.exists()


def carols(practice: Practice) -> Browser:
    """The browser of Carol, another client with an invoice and a card."""
    carol = cast.carol(practice)
    cast.bill(carol)
    browser = cast.in_the_portal(Browser(), carol)
    ready_to_pay(carol)
    return browser


def test_carol_does_not_see_anas_form(ana: Browser, practice: Practice, stopped_clock: time_machine.Traveller) -> None:
    place = pressed_too_late(ana, stopped_clock, BALANCE)
    shown = page(carols(practice), place)
    assert TO_PAY not in shown
    assert not is_new_card_chosen(shown)


def test_other_mailbox_does_not_see_the_form(
    ana: Browser, bill: Invoice, stopped_clock: time_machine.Traveller
) -> None:
    pressed_too_late(ana, stopped_clock, BALANCE)
    kept = PortalSavedForm.objects.get()
    other = cast.with_access(cast.carol(bill.practice)).account
    assert other is not None
    assert saved_forms.find(kept.account, kept.ref, path=BALANCE, client=bill.client) == kept
    assert saved_forms.find(other, kept.ref, path=BALANCE, client=bill.client) is None
    saved_forms.delete(other, kept.ref)
    assert PortalSavedForm.objects.exists()


def test_other_practice_does_not_show_the_form(ana: Browser, stopped_clock: time_machine.Traveller) -> None:
    there = cast.client(cast.birch(), "Ana", "Elsewhere", address="ana@mail.example")
    place = pressed_too_late(ana, stopped_clock, PROFILE, {"language": "es"})
    browser = cast.in_the_portal(Browser(), there)
    elsewhere = place.replace("alder-street", "birch-lane")
    assert TO_SAVE not in page(browser, elsewhere)
    # Nor on the same path.
    PortalSavedForm.objects.update(path=elsewhere.partition("?")[0])
    assert TO_SAVE not in page(browser, elsewhere)


def test_other_page_does_not_show_the_form(ana: Browser, pay_page: str, stopped_clock: time_machine.Traveller) -> None:
    place = by_link(ana, pressed_too_late(ana, stopped_clock, pay_page))
    assert TO_PAY not in page(ana, place.replace(pay_page, BALANCE))
    assert TO_PAY in page(ana, place)


def test_form_expires_after_an_hour(ana: Browser, pay_page: str, stopped_clock: time_machine.Traveller) -> None:
    place = pressed_too_late(ana, stopped_clock, pay_page)
    stopped_clock.shift(timedelta(minutes=59))
    by_link(ana, place)
    assert TO_PAY in page(ana, place)
    assert saved_forms.delete_expired() == 0
    stopped_clock.shift(timedelta(minutes=1))
    shown = page(ana, place)
    assert TO_PAY not in shown
    assert not is_new_card_chosen(shown)
    assert saved_forms.delete_expired() == 1


@pytest.mark.parametrize("ref", ["", "nonsense", "x" * 5000, "<b>"])
def test_unknown_ref_shows_the_usual_page(ana: Browser, pay_page: str, ref: str) -> None:
    assert TO_PAY not in page(ana, f"{pay_page}?kept={ref}")


def test_undecryptable_form_shows_the_usual_page(
    ana: Browser, pay_page: str, stopped_clock: time_machine.Traveller
) -> None:
    place = by_link(ana, pressed_too_late(ana, stopped_clock, pay_page))
    PortalSavedForm.objects.update(contents=b"\x01no box of ours")
    assert TO_PAY not in page(ana, place)


def test_found_or_not_takes_the_same_queries(
    ana: Browser, practice: Practice, stopped_clock: time_machine.Traveller
) -> None:
    counts = []
    place = by_link(ana, pressed_too_late(ana, stopped_clock, BALANCE))
    carol = carols(practice)
    for browser, address in ((ana, BALANCE), (ana, place), (ana, f"{BALANCE}?kept=nonsense"), (carol, place)):
        with CaptureQueriesContext(connection) as asked:
            page(browser, address)
        counts.append(len(asked))
    assert counts == [counts[0], *[counts[0] + 1] * 3]


def signed_out(browser: Browser, _: Client) -> None:
    cookies = {name: morsel.value for name, morsel in browser.cookies.items()}
    browser.post(f"{PORTAL}sign-out/")
    for name, value in cookies.items():
        browser.cookies[name] = value


def ended_by_staff(_: Browser, person: Client) -> None:
    revocation.end_session(person, PortalSession.objects.get(), by=cast.DESK)


def ended_with_everything(_: Browser, person: Client) -> None:
    revocation.revoke_all(person, by=cast.DESK)


def access_turned_off(_: Browser, person: Client) -> None:
    off = AccessInput(enabled=False, address=None, access_billing_documents=True, pay_by_card=False)
    access_grants.save_access(person, off, version=None, by=cast.DESK)


def archived(_: Browser, person: Client) -> None:
    client_changes.archive(person, by=cast.DESK)


BY_STAFF = [ended_by_staff, ended_with_everything, access_turned_off, archived]


@pytest.mark.parametrize("end", [signed_out, *BY_STAFF])
def test_ended_session_saves_nothing(
    ana: Browser, bill: Invoice, stopped_clock: time_machine.Traveller, end: Callable[[Browser, Client], None]
) -> None:
    end(ana, bill.client)
    assert pressed_too_late(ana, stopped_clock, BALANCE) == BALANCE
    assert not PortalSavedForm.objects.exists()


@pytest.mark.parametrize("end", BY_STAFF)
def test_session_ended_after_timeout_saves_nothing(
    ana: Browser, bill: Invoice, stopped_clock: time_machine.Traveller, end: Callable[[Browser, Client], None]
) -> None:
    stopped_clock.shift(timedelta(minutes=31))
    end(ana, bill.client)
    assert place_after(ana, BALANCE, NEW_CARD) == BALANCE
    assert not PortalSavedForm.objects.exists()


def test_live_session_saves_nothing(ana: Browser) -> None:
    assert ana.post(PROFILE, {"language": "fr"}).status_code == 422
    assert not PortalSavedForm.objects.exists()


def test_visitor_without_session_saves_nothing(practice: Practice) -> None:
    assert place_after(Browser(), PROFILE, {"language": "es"}) == PROFILE
    assert not PortalSavedForm.objects.exists()


def test_form_is_encrypted_in_the_database(ana: Browser, pay_page: str, stopped_clock: time_machine.Traveller) -> None:
    pressed_too_late(ana, stopped_clock, pay_page, {"with": "a-card-of-mine"})
    kept = PortalSavedForm.objects.get()
    assert b"a-card-of-mine" not in bytes(kept.contents)
    assert form_recovery.fields_of(kept) == [PostedField("with", "a-card-of-mine")]


def test_tokens_secrets_and_files_are_not_saved(
    ana: Browser, pay_page: str, stopped_clock: time_machine.Traveller
) -> None:
    stopped_clock.shift(timedelta(minutes=31))
    secrets = dict.fromkeys(("csrfmiddlewaretoken", "password", "pin", "api-key", "new_password2"), "hunter2")
    ana.post(pay_page, secrets | {"file": SimpleUploadedFile("scan.png", b"a picture")})
    assert not PortalSavedForm.objects.exists()
    ana.post(pay_page, NEW_CARD | secrets)
    assert form_recovery.fields_of(PortalSavedForm.objects.get()) == [PostedField(*each) for each in NEW_CARD.items()]


def test_form_without_csrf_token_is_not_saved(
    ana: Browser, pay_page: str, stopped_clock: time_machine.Traveller
) -> None:
    stopped_clock.shift(timedelta(minutes=31))
    strict = Browser(enforce_csrf_checks=True)
    strict.cookies = ana.cookies
    assert strict.post(pay_page, NEW_CARD, headers={"Origin": "https://evil.example"}).status_code == 403
    assert not PortalSavedForm.objects.exists()


def test_stolen_cookie_saves_and_shows_nothing(
    ana: Browser, practice: Practice, stopped_clock: time_machine.Traveller
) -> None:
    carols_place = pressed_too_late(carols(practice), stopped_clock, BALANCE)
    key = settings.CLIENT_COOKIE_NAME
    stranger = Browser()
    stranger.cookies[key] = ana.cookies[key].value
    places = [place_after(stranger, BALANCE, {"with": f"card {number}"}) for number in range(6)]
    assert PortalSavedForm.objects.count() == form_recovery.MAX_FORMS_PER_PERSON + 1
    assert PortalSavedForm.objects.filter(ref=carols_place.partition("=")[2]).exists()
    assert not PortalSavedForm.objects.filter(ref=places[0].partition("=")[2]).exists()
    assert place_after(stranger, BALANCE, {f"field {number}": "x" * 90_000 for number in range(3)}) == BALANCE
    assert stranger.get(places[-1])["Location"].startswith(f"{PORTAL}?next=")


def test_form_is_restored_for_its_client_only(
    client: Browser, practice: Practice, stopped_clock: time_machine.Traveller
) -> None:
    bea, bruno = cast.bea(practice), cast.bruno(practice)
    cast.with_access(bea)
    cast.in_the_portal(client, bruno)
    for person in (bea, bruno):
        cast.bill(person)
    ready_to_pay(bea)
    let_pay(bruno)
    client.post(f"{PORTAL}who/", {"client": bea.ref})
    place = pressed_too_late(client, stopped_clock, BALANCE)
    assert by_link(client, place, "bruno@mail.example") == place
    chooser = client.get(place)["Location"]
    assert chooser.startswith(f"{PORTAL}who/?next=")
    assert client.post(chooser, {"client": bea.ref})["Location"] == place
    assert TO_PAY in page(client, place)
    client.post(f"{PORTAL}who/", {"client": bruno.ref})
    assert TO_PAY not in page(client, place)


def test_form_without_chosen_client_is_not_saved(
    client: Browser, practice: Practice, stopped_clock: time_machine.Traveller
) -> None:
    cast.with_access(cast.bea(practice))
    cast.in_the_portal(client, cast.bruno(practice))
    assert pressed_too_late(client, stopped_clock, PROFILE, {"language": "es"}) == PROFILE
    assert not PortalSavedForm.objects.exists()


def test_every_form_with_input_posts_to_its_own_page() -> None:
    """The exceptions are forms without input on URLs that only take POST: nothing is lost if they are late."""
    buttons = {route.name for route in all_routes() if route.audience == "portal" and route.methods == ("POST",)}
    ends = {f"portal:{name}" for name in ("sessions_ending", "session_end", "sign_out")}
    assert buttons == ends | {"portal:payment_again", "portal:card_removing", "portal:upload_removing"}
