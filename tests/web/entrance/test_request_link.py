"""The entrance: the same response for every address, and a safe redirect after signing in."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from html import unescape
from urllib.parse import quote

import pytest
import time_machine
from django.conf import settings
from django.db import connection, transaction
from django.http import HttpResponseBase
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from portico.domain.access import access_grants, client_changes
from portico.domain.access.models import PortalSession, RequestOutcome, SignInRequest
from portico.domain.access.sign_in import portal_sessions, sign_in_links
from portico.domain.access.sign_in.requests import request_worker
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing.mail import mail_stops
from portico.plumbing.models import OutgoingEmail, StopKind
from tests import cast
from tests.support.portal_client import Browser

pytestmark = pytest.mark.django_db
DOOR = "/portal/alder-street/"
CODE, AGAIN = f"{DOOR}code/", f"{DOOR}again/"
KELVIN = "\u212aana@mail.example"


def text(answer: HttpResponseBase) -> str:
    """Returns the text of a page, without line break opportunities in addresses."""
    content: bytes = answer.content  # type: ignore[attr-defined]  # None of them streams.
    return content.decode().replace("<wbr>", "")


def masked(page: str, address: str) -> str:
    """Returns the page without the CSRF token and the address."""
    page = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page)
    return page.replace(address, "ADDRESS")


@pytest.fixture
def ana(practice: Practice) -> Client:
    person = cast.ana(practice)
    cast.with_access(person)
    return person


def test_request_creates_one_row_and_redirects(client: Browser, ana: Client) -> None:
    answer = client.post(DOOR, {"email": " ana@mail.example "})
    assert (answer.status_code, answer["Location"]) == (302, CODE)
    cookie = answer.cookies[settings.ASKING_COOKIE_NAME]
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"], cookie["path"]) == (True, "Lax", "", "/")
    asked = SignInRequest.objects.get()
    assert (asked.address, asked.outcome) == ("ana@mail.example", RequestOutcome.WAITING)
    assert OutgoingEmail.objects.count() == 0
    page = text(client.get(CODE))
    for words in (
        *("Check your email", "ana@mail.example", "Is it the right address?", "spam or junk folder"),
        *("Add us to your contacts", settings.EMAIL_FROM, "Ask your clinician if your portal access is on"),
        *("(212) 555-0177", "I have a PIN"),
    ):
        assert words in page


def test_page_names_practice_and_languages(client: Browser, practice: Practice) -> None:
    page = text(client.get(DOOR))
    for words in ("Enter your email", "There is no password.", "Alder Street Therapy", "English", "Español"):
        assert words in page


def _without_access(person: Client) -> None:
    access_grants.save_access(person, replace(cast.entry_for(person), enabled=False), version=None, by=cast.DESK)


def _archived(person: Client) -> None:
    client_changes.archive(person, by=cast.DESK)


def _stopped(person: Client) -> None:
    email = cast.invited(person).email
    with transaction.atomic():
        mail_stops.lock(email.practice_id, mail_stops.key_of(email))
        mail_stops.stop(email, StopKind.REFUSED, "There is no such mailbox.")


def _nothing(_person: Client) -> None:
    return None


ALIKE: list[tuple[str, Callable[[Client], None]]] = [
    ("ana@mail.example", _nothing),
    ("unknown@mail.example", _nothing),
    ("ana@ma\u0131l.example", _nothing),
    ("anа@mail.example", _nothing),
    ("ana@mail.example", _without_access),
    ("ana@mail.example", _archived),
    ("ana@mail.example", _stopped),
    ("nia@mail.example", _nothing),
    ("dora@mail.example", _nothing),
]


@pytest.mark.parametrize(("address", "change"), ALIKE)
def test_response_is_the_same_for_every_address(
    client: Browser, practice: Practice, ana: Client, address: str, change: Callable[[Client], None]
) -> None:
    cast.with_access(cast.client(practice, "Nia", address="nia@mail.example", email_ok=False))
    cast.with_access(cast.dora(cast.birch()))
    change(ana)
    assert story(client, address) == story(Browser(), "stranger@else.example")


def story(browser: Browser, address: str) -> list[tuple[int, dict[str, str], list[str], str]]:
    """Returns every response: to the request, of the next page, and, after the worker has run, to a wrong code."""
    answers = [browser.post(DOOR, {"email": address}), browser.get(CODE)]
    request_worker.process_next()
    answers += [browser.post(CODE, {"code": "222222"}), browser.post(AGAIN, {"by": "ask"}), browser.get(CODE)]
    steps = []
    for answer in answers:
        headers = {name: value for name, value in answer.items() if name != "Content-Length"}
        steps.append((answer.status_code, headers, sorted(answer.cookies), masked(text(answer), address)))
    return steps


def test_response_is_the_same_above_the_limit(client: Browser, ana: Client) -> None:
    answers = [client.post(DOOR, {"email": "ana@mail.example"}) for _ in range(7)]
    assert {(answer.status_code, answer["Location"], answer.content) for answer in answers} == {(302, CODE, b"")}
    assert SignInRequest.objects.filter(is_beyond_limit=True).count() == 2


def test_every_address_takes_the_same_queries(client: Browser, ana: Client) -> None:
    counts = []
    for address in ("ana@mail.example", "unknown@mail.example"):
        with CaptureQueriesContext(connection) as queries:
            client.post(DOOR, {"email": address})
        counts.append([query["sql"].split()[0] for query in queries.captured_queries])
    assert counts[0] == counts[1]


def test_viewing_takes_one_query(
    client: Browser, practice: Practice, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        client.get(DOOR)


@pytest.mark.parametrize(
    "typed", ["", " ", "ana", "ana@", "a@x.example, b@x.example", KELVIN, "a" * 300 + "@x.example"]
)
def test_malformed_address_stays_in_the_form(client: Browser, practice: Practice, typed: str) -> None:
    answer = client.post(DOOR, {"email": typed})
    page = text(answer)
    assert answer.status_code == 422
    assert "Enter one email address" in page
    assert f'value="{typed.strip()}"' in page or not typed.strip()
    assert SignInRequest.objects.count() == 0


@pytest.mark.parametrize("known", ["ana@mail.example", "unknown@mail.example"])
def test_two_addresses_in_one_request_are_refused(client: Browser, ana: Client, known: str) -> None:
    for fields in ({"email": [known, "b@x.example"]}, {"email[]": [known]}, {"email[0]": known}):
        answer = client.post(DOOR, fields)
        assert answer.status_code == 422
        assert "Enter one email address" in text(answer)
    assert client.post(DOOR, f'{{"email": ["{known}"]}}', content_type="application/json").status_code == 422
    assert SignInRequest.objects.count() == 0


@pytest.mark.parametrize("typed", ["a\0b@x.example", "a\ud800b@x.example"])
def test_unstorable_input_is_refused(client: Browser, practice: Practice, typed: str) -> None:
    body = b"email=" + typed.encode("utf-8", "surrogatepass")
    answer = client.post(DOOR, body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code in {400, 422}
    assert SignInRequest.objects.count() == 0


def test_too_many_requests_from_one_network_get_429(client: Browser, practice: Practice) -> None:
    for number in range(30):
        assert client.post(DOOR, {"email": f"n{number}@x.example"}).status_code == 302
    answer = client.post(DOOR, {"email": "ana@mail.example"}, HTTP_X_FORWARDED_FOR="198.51.100.9")
    assert (answer.status_code, answer["Retry-After"]) == (429, "600")
    page = text(answer)
    # 12:20 in New York, and ten minutes.
    assert "You can try again at 12:30 PM." in page
    assert "Emails we have already sent still work." in page
    assert SignInRequest.objects.count() == 30
    assert client.get(DOOR).status_code == 200


def test_forged_host_is_refused(client: Browser, ana: Client) -> None:
    assert client.post(DOOR, {"email": "ana@mail.example"}, HTTP_HOST="evil.example").status_code == 400
    client.post(
        DOOR, {"email": "ana@mail.example"}, HTTP_X_FORWARDED_HOST="evil.example", HTTP_X_FORWARDED_PROTO="https"
    )
    request_worker.process_next()
    link = cast.mailed(ana.practice, "ana@mail.example")
    assert sign_in_links.url_of(link).startswith(f"{settings.PUBLIC_BASE_URL}/portal/alder-street/link/")


def test_form_without_csrf_token_requests_nothing(practice: Practice) -> None:
    browser = Browser(enforce_csrf_checks=True)
    browser.get(DOOR)
    assert browser.post(DOOR, {"email": "ana@mail.example"}).status_code == 403
    assert SignInRequest.objects.count() == 0


@pytest.mark.parametrize(
    ("place", "kept"),
    [
        (f"{DOOR}profile/", f"{DOOR}profile/"),
        ("https://evil.example/portal/alder-street/profile/", ""),
        ("//evil.example/portal/alder-street/profile/", ""),
        ("/\\evil.example", ""),
        ("/portal/birch-lane/profile/", ""),
        ("/office/clients/", ""),
        (f"{DOOR}sign-out/", ""),
        (f"{DOOR}link/x/", ""),
        (f"{DOOR}nowhere/", ""),
        (f"{DOOR}profile/?{'x' * 400}", ""),
        ("javascript:alert(1)", ""),
    ],
)
def test_next_accepts_pages_of_this_portal_only(client: Browser, practice: Practice, place: str, kept: str) -> None:
    cast.birch()
    client.post(DOOR, {"email": "ana@mail.example", "next": place})
    assert SignInRequest.objects.get().goes_to == kept
    assert ('name="next"' in text(client.get(DOOR, {"next": place}))) == bool(kept)


def test_signing_in_leads_to_the_requested_page(client: Browser, ana: Client) -> None:
    door = client.get(f"{DOOR}profile/")["Location"]
    assert f'value="{DOOR}profile/"' in text(client.get(door))
    client.post(DOOR, {"email": "ana@mail.example", "next": f"{DOOR}profile/"})
    request_worker.process_next()
    link = cast.handed_over(SignInRequest.objects.get())
    client.get(sign_in_links.url_of(link).removeprefix(settings.PUBLIC_BASE_URL))
    assert client.post(f"{DOOR}link/")["Location"] == f"{DOOR}profile/"


def test_timed_out_session_is_offered_a_new_link(
    client: Browser, ana: Client, stopped_clock: time_machine.Traveller
) -> None:
    cast.in_the_portal(client, ana)
    stopped_clock.shift(timedelta(minutes=31))
    door = client.get(f"{DOOR}profile/")["Location"]
    page = text(client.get(door))
    assert "You were signed out" in page
    assert "30 minutes" in page
    assert "a…a@mail.example" in page
    assert "ana@mail.example" not in page
    client.post(AGAIN, {"by": "session", "next": f"{DOOR}profile/"})
    asked = SignInRequest.objects.get()
    assert (asked.address, asked.is_typed, asked.goes_to) == ("ana@mail.example", False, f"{DOOR}profile/")
    assert "ana@mail.example" not in text(client.get(CODE))
    assert "Enter your email" in text(client.get(f"{DOOR}?other-email"))


def test_other_address_keeps_the_requested_page(
    client: Browser, ana: Client, stopped_clock: time_machine.Traveller
) -> None:
    onward = f"{DOOR}?other-email&amp;next={quote(f'{DOOR}profile/?of=me', safe='')}"
    client.post(DOOR, {"email": "anna@mail.example", "next": f"{DOOR}profile/?of=me"})
    assert text(client.get(CODE)).count(f'href="{onward}"') == 2
    assert f'value="{DOOR}profile/?of=me"' in text(client.get(unescape(onward)))
    cast.in_the_portal(client, ana)
    stopped_clock.shift(timedelta(minutes=31))
    assert f'href="{onward}"' in text(client.get(client.get(f"{DOOR}profile/?of=me")["Location"]))


def test_other_practice_does_not_offer_a_new_link(
    client: Browser, ana: Client, stopped_clock: time_machine.Traveller
) -> None:
    elsewhere = cast.birch().portal_path
    cast.in_the_portal(client, ana)
    stopped_clock.shift(timedelta(minutes=31))
    assert "You were signed out" not in text(client.get(elsewhere))
    assert client.post(f"{elsewhere}again/", {"by": "session"})["Location"] == elsewhere
    assert SignInRequest.objects.count() == 0


def test_ended_session_is_not_offered_a_new_link(client: Browser, ana: Client) -> None:
    cast.in_the_portal(client, ana)
    portal_sessions.end(PortalSession.objects.get(), by=cast.DESK)
    assert "You were signed out" not in text(client.get(DOOR))
    assert client.post(AGAIN, {"by": "session"})["Location"] == DOOR
    assert SignInRequest.objects.count() == 0


def test_new_link_needs_an_address_of_this_browser(client: Browser, practice: Practice) -> None:
    for by in ("ask", "link", "session", "", "office"):
        assert client.post(AGAIN, {"by": by, "email": "ana@mail.example"})["Location"] == DOOR
    assert SignInRequest.objects.count() == 0


def test_expired_link_page_requests_a_new_one(
    client: Browser, ana: Client, stopped_clock: time_machine.Traveller
) -> None:
    client.post(DOOR, {"email": "ana@mail.example", "next": f"{DOOR}profile/"})
    request_worker.process_next()
    old = cast.handed_over(SignInRequest.objects.get())
    stopped_clock.shift(timedelta(hours=24))
    fresh = Browser()
    page = fresh.get(sign_in_links.url_of(old).removeprefix(settings.PUBLIC_BASE_URL), follow=True)
    assert page.status_code == 410
    assert "Send me a new link" in text(page)
    assert fresh.post(AGAIN, {"by": "link"})["Location"] == CODE
    newer = SignInRequest.objects.latest("id")
    assert (newer.address, newer.is_typed, newer.goes_to) == ("ana@mail.example", False, f"{DOOR}profile/")
    assert "a…a@mail.example" in text(fresh.get(CODE))
    request_worker.process_next()
    fresh.get(sign_in_links.url_of(cast.handed_over(newer)).removeprefix(settings.PUBLIC_BASE_URL))
    assert fresh.post(f"{DOOR}link/")["Location"] == f"{DOOR}profile/"


def test_chosen_language_is_kept(client: Browser, ana: Client) -> None:
    page = client.get(f"{DOOR}?language=es")
    assert '<html lang="es">' in text(page)
    assert "Escriba su correo electrónico" in text(page)
    assert client.cookies[settings.LANGUAGE_COOKIE_NAME].value == "es"
    assert "Escriba una sola dirección" in text(client.post(DOOR, {"email": ""}))
    assert '<html lang="es">' in text(client.get("/portal/unknown/"))
    cast.in_the_portal(client, ana)
    assert "Hola" in text(client.get(f"{DOOR}home/"))
    assert PortalSession.objects.get().account.language == "es"


@pytest.mark.parametrize("language", ["xx", "", "en'", "../es"])
def test_unknown_language_is_ignored(client: Browser, practice: Practice, language: str) -> None:
    page = client.get(DOOR, {"language": language}, HTTP_ACCEPT_LANGUAGE="es-MX,es;q=0.9")
    assert '<html lang="es">' in text(page)
    assert settings.LANGUAGE_COOKIE_NAME not in page.cookies
