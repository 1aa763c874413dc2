"""Sign-in links: opening one changes nothing, its button signs in once."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.conf import settings
from django.contrib.staticfiles import finders
from django.db import connection
from django.test import Client as PlainBrowser
from django.test.utils import CaptureQueriesContext

from portico.domain.access import access_grants
from portico.domain.access.access_grants import AccessInput
from portico.domain.access.models import PortalSession, SignInLink
from portico.domain.access.sign_in import sign_in_links, sign_in_pins
from portico.domain.audit_actions import AuditAction
from portico.domain.clients import client_numbers
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing.models import AuditEntry, EmailEvent
from portico.web import client_mismatch
from portico.web.entrance.opened_links import OpenedLink
from tests import cast
from tests.support.portal_client import Browser

pytestmark = pytest.mark.django_db
LINK = "/portal/alder-street/link/"


@pytest.fixture
def ana(practice: Practice) -> Client:
    return cast.ana(practice)


@pytest.fixture
def token(ana: Client) -> str:
    return cast.token_of(cast.invited(ana))


def test_opening_a_link_removes_the_token_from_the_url(client: Browser, token: str) -> None:
    answer = client.get(f"{LINK}{token}/")
    assert answer.status_code == 302
    assert answer["Location"] == LINK
    assert answer["Referrer-Policy"] == "no-referrer"
    assert set(answer.cookies) == {settings.LINK_COOKIE_NAME}  # Opening a link signs no one in.
    cookie = answer.cookies[settings.LINK_COOKIE_NAME]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")


def test_the_page_has_one_button_that_names_the_masked_address(client: Browser, token: str) -> None:
    answer = client.get(f"{LINK}{token}/", follow=True)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "Your portal is ready" in page
    assert page.count("<button") == 1
    assert "Sign in as" in page
    assert "a…a@mail.example" in page
    assert "ana@mail.example" not in page
    assert token not in page


def test_opening_a_link_ten_times_records_one_event(client: Browser, token: str) -> None:
    for _ in range(10):
        client.head(f"{LINK}{token}/")
    assert not EmailEvent.objects.filter(kind="fetched").exists()
    for _ in range(10):
        client.get(f"{LINK}{token}/", follow=True)
    assert EmailEvent.objects.filter(kind="fetched").count() == 1
    assert SignInLink.objects.get().used_at is None
    assert PortalSession.objects.count() == 0


def test_no_script_can_submit_the_form(client: Browser, token: str) -> None:
    """Scanners run scripts: a button pressed by a script would redeem the link before its recipient does."""
    page = client.get(f"{LINK}{token}/", follow=True).content.decode()
    scripts = re.findall(r'<script src="/static/([^"]+)" defer></script>', page)
    assert len(scripts) == page.count("<script") == 1
    found = finders.find(scripts[0])
    assert isinstance(found, str)
    assert not re.search(r"submit\(|requestSubmit|click\(|fetch\(|sendBeacon", Path(found).read_text())
    assert "http-equiv" not in page


def test_link_works_in_another_browser(practice: Practice, ana: Client) -> None:
    """A mail app opens links in its own browser, without the cookies of the requesting one."""
    cast.with_access(ana)
    link = sign_in_links.url_of(cast.mailed(practice, "ana@mail.example", browser="the one that asked"))
    inside_an_app = Browser(HTTP_USER_AGENT="Mozilla/5.0 (iPhone) GSA/300.0 Mobile/15E148")
    page = inside_an_app.get(link, follow=True).content.decode()
    assert "Sign in to Alder Street Therapy</h1>" in page
    assert "Your portal is ready" not in page
    assert inside_an_app.post(LINK)["Location"] == "/portal/alder-street/home/"


def test_button_signs_in_with_a_new_session(client: Browser, token: str) -> None:
    client.get(f"{LINK}{token}/")
    answer = client.post(LINK, follow=True)
    assert "Hello, Ana" in answer.content.decode()
    session = PortalSession.objects.get()
    key = client.cookies[settings.CLIENT_COOKIE_NAME].value
    assert key not in {session.key_hash, session.ref}
    assert client.cookies[settings.LINK_COOKIE_NAME].value == ""
    entry = AuditEntry.objects.get(action=AuditAction.CLIENT_SIGNED_IN)
    assert (entry.client_id, entry.actor_name) == (session.account.accesses.get().client_id, "Ana Abreu")


def test_page_redirects_home_after_signing_in(client: Browser, token: str) -> None:
    client.get(f"{LINK}{token}/")
    client.post(LINK)
    assert client.get(LINK)["Location"] == "/portal/alder-street/home/"


def test_a_link_signs_in_once_and_then_says_so(client: Browser, token: str) -> None:
    client.get(f"{LINK}{token}/")
    client.post(LINK)
    scanner = Browser()
    answer = scanner.get(f"{LINK}{token}/", follow=True)
    assert answer.status_code == 410
    assert "already used" in answer.content.decode()
    assert scanner.post(LINK).status_code == 410
    assert PortalSession.objects.count() == 1


def test_an_expired_link_says_so(client: Browser, token: str, stopped_clock: time_machine.Traveller) -> None:
    stopped_clock.shift(timedelta(hours=24, seconds=1))
    answer = client.get(f"{LINK}{token}/", follow=True)
    assert answer.status_code == 410
    assert "expired" in answer.content.decode()
    assert client.post(LINK).status_code == 410


def test_a_link_of_a_changed_fact_shows_the_expired_page(client: Browser, token: str, ana: Client) -> None:
    off = AccessInput(enabled=False, address=None, access_billing_documents=True, pay_by_card=False)
    access_grants.save_access(ana, off, version=None, by=cast.DESK)
    answer = client.get(f"{LINK}{token}/", follow=True)
    assert answer.status_code == 410
    assert "expired" in answer.content.decode()


@pytest.mark.parametrize("stranger", ["x", "x" * 43, "a" * 5000, "%00", "%ED%A0%80", "../../office"])
def test_unknown_link_shows_a_friendly_page(client: Browser, practice: Practice, stranger: str) -> None:
    answer = client.get(f"{LINK}{stranger}/", follow=True)
    assert answer.status_code in {400, 404, 410}
    if answer.status_code == 410:
        page = answer.content.decode()
        assert "expired" in page
        assert "Enter your email" in page
        assert "Send me a new link" in page
    assert PortalSession.objects.count() == 0


def test_link_is_not_redeemed_at_another_practice(client: Browser, token: str) -> None:
    cast.birch()
    answer = client.get(f"/portal/birch-lane/link/{token}/", follow=True)
    assert answer.status_code == 410
    assert "ana" not in answer.content.decode().lower()
    assert client.post("/portal/birch-lane/link/").status_code == 410
    assert SignInLink.objects.get().used_at is None
    assert client.get(f"{LINK}{token}/", follow=True).status_code == 200


def test_someone_else_signed_in_here_is_named_and_signed_out_first(
    client: Browser, practice: Practice, token: str
) -> None:
    carol = cast.carol(practice)
    cast.in_the_portal(client, carol)
    page = client.get(f"{LINK}{token}/", follow=True).content.decode()
    assert "Someone else is signed in here" in page
    assert "c…l@mail.example" in page
    client.post(LINK)
    assert PortalSession.objects.filter(ended_at=None).count() == 1
    assert "Hello, Ana" in client.get("/portal/alder-street/home/").content.decode()


def test_client_number_of_someone_signed_in_by_pin_is_not_shown(
    client: Browser, practice: Practice, token: str
) -> None:
    nia = cast.client(practice, "Nia")
    cast.with_access(nia)
    sign_in_pins.generate(nia, form_key="k" * 43, by=cast.DESK)
    shown = sign_in_pins.digits(nia, "k" * 43, to=cast.DESK)
    assert shown is not None
    number = client_numbers.digits_of(nia)
    client.post("/portal/alder-street/pin/", {"email": number, "pin": shown[1]})
    live = client.get(f"{LINK}{token}/", follow=True).content.decode()
    assert "This browser is signed in with a PIN, without an email address. This link is for" in " ".join(live.split())
    outdated = client.post(LINK, {client_mismatch.FIELD: "another"})
    mismatch = client.post("/portal/alder-street/profile/", {"language": "es", client_mismatch.FIELD: "another"})
    for answer in (outdated, mismatch):
        assert answer.status_code == 409
        assert "You’re now signed in with a PIN." in answer.content.decode()
    for page in (live, outdated.content.decode(), mismatch.content.decode()):
        assert number[:1] + "…" not in page
        assert number not in page


def test_form_without_csrf_token_redeems_nothing(token: str) -> None:
    browser = Browser(enforce_csrf_checks=True)
    browser.get(f"{LINK}{token}/", follow=True)
    assert browser.post(LINK).status_code == 403
    assert PortalSession.objects.count() == 0


def test_page_is_in_the_clients_language(client: Browser, practice: Practice) -> None:
    person = cast.client(practice, "Lucía", address="lucia@mail.example", language="es")
    page = client.get(f"{LINK}{cast.token_of(cast.invited(person))}/", follow=True).content.decode()
    assert '<html lang="es">' in page
    assert "Su portal está listo" in page


# Queries of opening the link, its page, and its button: looking up a link is one query, recording a dead one another.
DEAD_LINKS = {
    "used": (4, 2, 3),
    "expired": (4, 2, 3),
    "expired and never opened": (7, 2, 3),
    "of another practice": (2, 2, 3),
    "unknown": (2, 2, 3),
}


@pytest.mark.parametrize("kind", DEAD_LINKS)
def test_recording_a_dead_link_costs_one_query(
    practice: Practice, stopped_clock: time_machine.Traveller, kind: str
) -> None:
    token = "x" * 43 if kind == "unknown" else dead_token(practice, kind, stopped_clock)
    browser = PlainBrowser()
    with CaptureQueriesContext(connection) as opening:
        browser.get(f"{LINK}{token}/")
    with CaptureQueriesContext(connection) as page:
        browser.get(LINK)
    with CaptureQueriesContext(connection) as button:
        assert browser.post(LINK, {client_mismatch.FIELD: OpenedLink("alder-street", token).name}).status_code == 410
    assert (len(opening), len(page), len(button)) == DEAD_LINKS[kind]


def dead_token(practice: Practice, kind: str, stopped_clock: time_machine.Traveller) -> str:
    person = cast.dora(cast.birch()) if kind == "of another practice" else cast.bruno(practice)
    if person.practice == practice:
        cast.with_access(cast.bea(practice))
    token = cast.token_of(cast.invited(person))
    visitor = Browser()
    if kind in {"used", "expired"}:
        visitor.get(f"{LINK}{token}/")
    if kind == "used":
        visitor.post(LINK)
    stopped_clock.shift(timedelta(hours=25))
    return token
