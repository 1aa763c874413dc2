"""`I have a PIN`: the page and its uniform responses."""

import re
import unicodedata
from datetime import timedelta
from html import unescape

import pytest
from django.conf import settings
from django.http import HttpResponse
from time_machine import Traveller

from portico.domain.access.models import PortalSession, SignInRequest
from portico.domain.access.sign_in import sign_in_pins
from portico.domain.audit_actions import AuditAction
from portico.domain.clients import client_numbers
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import tokens
from portico.plumbing.models import AuditEntry
from tests import cast
from tests.support.portal_client import Browser

PAGE = "/portal/alder-street/pin/"
pytestmark = pytest.mark.django_db


@pytest.fixture
def ana(practice: Practice) -> Client:
    ana = cast.ana(practice)
    cast.with_access(ana)
    return ana


def given(person: Client) -> str:
    form_key = tokens.new_token()
    sign_in_pins.generate(person, form_key=form_key, by=cast.DESK)
    shown = sign_in_pins.digits(person, form_key, to=cast.DESK)
    assert shown is not None
    return shown[1]


def answer(browser: Browser, email: str, pin: str, *, ip: str = "192.0.2.1") -> tuple[int, str]:
    """Returns status and page without the CSRF token, which differs in each response."""
    response = browser.post(PAGE, {"email": email, "pin": pin}, REMOTE_ADDR=ip)
    masked = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", response.content.decode())
    return response.status_code, masked.replace(email, "(typed)")


def test_the_page_says_that_there_is_no_password(client: Browser, practice: Practice) -> None:
    page = unescape(client.get(PAGE).content.decode())
    assert "There is no password." in page
    assert re.search(r'<label for="id_email">Enter your email', page)
    assert re.search(r'<label for="id_pin">PIN', page)


@pytest.mark.parametrize("zero", ["\uff10", "\u0660", "\u0966"], ids=["full width", "Arabic", "Devanagari"])
def test_digits_of_every_keyboard_are_accepted(client: Browser, ana: Client, zero: str) -> None:
    pin = given(ana).translate({ord("0") + digit: ord(zero) + digit for digit in range(10)})

    response = client.post(PAGE, {"email": "ana@mail.example", "pin": pin})

    assert response.headers["Location"] == "/portal/alder-street/home/"


@pytest.mark.parametrize("spelled", ["{0}{1}", "{0} {1}", " {0}-{1} ", "{0}\u2013{1}", "{0}.{1}", "{0}\xa0{1}"])
def test_a_pin_read_out_by_phone_signs_in(client: Browser, ana: Client, spelled: str) -> None:
    pin = given(ana)
    response = client.post(PAGE, {"email": " ANA@mail.example ", "pin": spelled.format(pin[:4], pin[4:])})
    assert response.headers["Location"] == "/portal/alder-street/home/"
    assert b"Hello, Ana" in client.get(response.headers["Location"]).content


def test_all_refusals_have_the_same_response(ana: Client, practice: Practice) -> None:
    cast.with_access(cast.carol(practice))
    void = given(ana)
    pin = given(ana)
    wrong = f"{(int(pin) + 1) % 10**8:08}"
    answers = [
        answer(Browser(), "stranger@mail.example", pin),
        answer(Browser(), "carol@mail.example", pin),
        answer(Browser(), "ana@mail.example", wrong),
        answer(Browser(), "ana@mail.example", void),
    ]
    used = [answer(Browser(), "ana@mail.example", wrong, ip="198.51.100.1") for _ in range(8)]
    beyond = answer(Browser(), "ana@mail.example", pin, ip="198.51.100.1")
    assert AuditEntry.objects.filter(action=AuditAction.PIN_BEYOND_LIMIT).exists()
    assert len({*answers, *used, beyond}) == 1
    assert answers[0][0] == 422


@pytest.mark.parametrize(("known", "unknown"), [("(212) 555-0134", "(212) 555-0166"), ("number", "000-0001")])
def test_known_and_unknown_numbers_have_the_same_response(ana: Client, known: str, unknown: str) -> None:
    pin = given(ana)
    known = client_numbers.number_of(ana) if known == "number" else known
    wrong = f"{(int(pin) + 1) % 10**8:08}"
    refused = {answer(Browser(), each, wrong) for each in (known, unknown, "stranger@mail.example")}
    assert len(refused) == 1
    assert answer(Browser(), known, pin)[0] == 302


def test_all_refusals_have_the_same_headers(ana: Client) -> None:
    given(ana)
    known = Browser().post(PAGE, {"email": "ana@mail.example", "pin": "00000000"})
    unknown = Browser().post(PAGE, {"email": "stranger@mail.example", "pin": "00000000"})
    alike = [
        {name: value for name, value in each.headers.items() if name != "Content-Length"} for each in (known, unknown)
    ]
    assert alike[0] == alike[1]
    assert set(known.cookies) == set(unknown.cookies)


def told(response: HttpResponse) -> dict[str, str]:
    """Returns the headers without Content-Length, which depends on the input."""
    return {name: value for name, value in response.headers.items() if name != "Content-Length"}


def test_21st_attempt_from_one_network_is_429(client: Browser, ana: Client) -> None:
    for number in range(20):
        answer(client, f"unknown{number}@mail.example", "00000000")
    statuses = {answer(client, who, "00000000")[0] for who in ("ana@mail.example", "unknown@mail.example")}
    assert statuses == {429}
    assert answer(client, "ana@mail.example", given(ana), ip="198.51.100.9")[0] == 302


def test_exhausted_pin_limit_does_not_block_links(client: Browser, ana: Client) -> None:
    for _ in range(11):
        answer(client, "ana@mail.example", "00000000")
    assert cast.in_the_portal(client, ana).get("/portal/alder-street/home/").status_code == 200


@pytest.mark.parametrize(
    "email",
    ["", "ana", "ana@mail.example, carol@mail.example", "ana@mail.example;b@x.example", "a@b", "\u212aay@x.example"],
)
def test_malformed_address_stays_with_an_error(client: Browser, ana: Client, email: str) -> None:
    response = client.post(PAGE, {"email": email, "pin": "12345678"})
    page = unescape(response.content.decode())
    assert response.status_code == 422
    assert "Enter one email address" in page
    assert f'value="{unicodedata.normalize("NFC", email)}"' in unicodedata.normalize("NFC", page) or not email
    assert not AuditEntry.objects.filter(action__in=(AuditAction.PIN_REFUSED, AuditAction.PIN_BEYOND_LIMIT)).exists()


def test_two_addresses_in_one_request_are_refused(client: Browser, ana: Client) -> None:
    pin = given(ana)
    response = client.post(PAGE, {"email": ["ana@mail.example", "carol@mail.example"], "pin": pin})
    assert response.status_code == 422
    assert "Enter one email address" in unescape(response.content.decode())


@pytest.mark.parametrize("pin", ["", "1234567", "123456789", "1234567a", "1234567²", "[]"])
def test_malformed_pin_counts_as_no_attempt(client: Browser, ana: Client, pin: str) -> None:
    given(ana)
    response = client.post(PAGE, {"email": "ana@mail.example", "pin": pin})
    assert response.status_code == 422
    assert "Enter the 8 digits of your PIN" in unescape(response.content.decode())
    assert ana.pins.get().attempts == 0


def test_address_stays_and_the_page_is_not_cached(client: Browser, ana: Client) -> None:
    response = client.post(PAGE, {"email": "Ana@Mail.example", "pin": "00000000"})
    assert 'value="Ana@Mail.example"' in response.content.decode()
    assert "no-store" in response.headers["Cache-Control"]


def test_pin_ends_the_browsers_earlier_session(client: Browser, ana: Client, practice: Practice) -> None:
    browser = cast.in_the_portal(client, cast.carol(practice))
    before = browser.cookies[settings.CLIENT_COOKIE_NAME].value
    browser.post(PAGE, {"email": "ana@mail.example", "pin": given(ana)})
    assert browser.cookies[settings.CLIENT_COOKIE_NAME].value != before
    assert PortalSession.objects.get(key_hash=tokens.digest(before)).ended_at is not None


def test_a_pin_session_of_a_shared_mailbox_offers_no_choice(client: Browser, practice: Practice) -> None:
    bruno, bea = cast.bruno(practice), cast.bea(practice)
    cast.with_access(bruno)
    cast.with_access(bea)
    client.post(PAGE, {"email": "bruno@mail.example", "pin": given(bea)})
    assert client.get("/portal/alder-street/who/").status_code == 302
    assert client.post("/portal/alder-street/who/", {"client": bruno.ref}).status_code == 404
    page = client.get("/portal/alder-street/home/").content.decode()
    assert "Hello, Bea" in page
    assert "Bruno" not in page


def test_a_timed_out_client_without_email_is_offered_a_pin(
    client: Browser, practice: Practice, stopped_clock: Traveller
) -> None:
    nia = cast.client(practice, "Nia")
    cast.with_access(nia)
    client.post(PAGE, {"email": client_numbers.number_of(nia), "pin": given(nia)})
    stopped_clock.shift(timedelta(minutes=31))
    door = client.get("/portal/alder-street/home/")["Location"]
    page = client.get(door).content.decode()
    assert "You were signed out" in page
    assert "I have a PIN" in page
    assert "Send me a new link" not in page
    session = PortalSession.objects.get()
    answer = client.post("/portal/alder-street/again/", {"by": "session", "subject": session.ref})
    assert answer.status_code < 500
    assert not SignInRequest.objects.exists()
