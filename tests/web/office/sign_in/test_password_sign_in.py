"""Staff sign-in and sign-out."""

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
import time_machine
from django.conf import settings
from django.test import Client as Browser

from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import Practice, StaffMember, StaffSession
from portico.domain.practices.staff import password_attempts
from portico.plumbing import clock
from portico.plumbing.models import AuditEntry
from tests import cast

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

pytestmark = pytest.mark.django_db

DOOR = "/office/sign-in/"


@pytest.fixture
def fay(practice: Practice) -> StaffMember:
    return cast.fay(practice)


def try_door(browser: Browser, email: str, password: str = cast.PASSWORD, *, query: str = "") -> "Answer":
    return browser.post(f"{DOOR}{query}", {"email": email, "password": password})


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


def test_fay_signs_in_with_email_and_password(client: Browser, fay: StaffMember) -> None:
    response = try_door(client, fay.email)
    assert (response.status_code, response["Location"]) == (302, "/office/clients/")
    assert actions() == [AuditAction.STAFF_SIGNED_IN]
    assert StaffSession.objects.get().staff == fay


def test_the_fields_have_the_names_people_look_for(client: Browser, fay: StaffMember) -> None:
    page = client.get(DOOR).content.decode()
    assert '<label for="id_email">Email</label>' in page
    assert '<label for="id_password">Password</label>' in page
    assert fay.practice.name in page


def test_the_demo_offers_its_accounts(client: Browser, fay: StaffMember, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Demo accounts" not in client.get(DOOR).text
    person = {"name": fay.name, "email": fay.email, "role": "front desk", "password": cast.PASSWORD}
    guide = {"staff": [person], "links": {"Mailbox": "http://localhost:8001/"}}
    monkeypatch.setattr(settings, "DEMO_GUIDE", guide)
    page = client.get(DOOR).text
    assert f'name="email" value="{fay.email}"' in page
    assert f'name="password" value="{cast.PASSWORD}"' in page
    assert 'href="http://localhost:8001/"' in page


def test_capitals_and_blanks_around_the_address_do_not_matter(client: Browser, fay: StaffMember) -> None:
    assert try_door(client, f" {fay.email.upper()} ").status_code == 302


def test_several_practices_are_not_named(client: Browser, fay: StaffMember) -> None:
    cast.birch()
    assert fay.practice.name not in client.get(DOOR).content.decode()


def test_a_wrong_password_keeps_the_address_and_not_the_password(client: Browser, fay: StaffMember) -> None:
    response = try_door(client, fay.email, "not the password")
    page = response.content.decode()
    assert response.status_code == 422
    assert "That email and password don’t match." in page
    assert f'value="{fay.email}"' in page
    assert "not the password" not in page
    assert actions() == [AuditAction.STAFF_SIGN_IN_REFUSED]


def test_former_staff_get_the_response_of_a_stranger(client: Browser, practice: Practice) -> None:
    gus = cast.gus(practice)
    left, unknown = try_door(client, gus.email), try_door(client, "gas@alder-street.example")
    assert left.status_code == unknown.status_code == 422
    assert "don’t match" in left.content.decode()
    assert "don’t match" in unknown.content.decode()
    assert not StaffSession.objects.exists()


def test_sixth_attempt_in_five_minutes_is_refused(
    client: Browser, fay: StaffMember, stopped_clock: time_machine.Traveller
) -> None:
    for number in range(5):
        somewhere = Browser(REMOTE_ADDR=f"192.0.2.{number}")
        spelled = fay.email.upper() if number % 2 else fay.email
        assert try_door(somewhere, spelled, "wrong wrong wrong").status_code == 422
    response = try_door(client, fay.email)
    assert response.status_code == 429
    assert "Too many attempts" in response.content.decode()
    assert actions()[-1] == AuditAction.STAFF_SIGN_IN_BEYOND_LIMIT
    stopped_clock.shift(timedelta(minutes=4, seconds=59))
    assert try_door(client, fay.email).status_code == 429
    stopped_clock.shift(timedelta(seconds=1))
    assert try_door(client, fay.email).status_code == 302


def test_fifty_attempts_per_network_in_ten_minutes(fay: StaffMember, stopped_clock: time_machine.Traveller) -> None:
    for number in range(50):
        password_attempts.reserve_attempt(f"unknown{number}@alder-street.example", ip="192.0.2.1")
    assert try_door(Browser(REMOTE_ADDR="192.0.2.1"), fay.email).status_code == 429
    assert try_door(Browser(REMOTE_ADDR="192.0.2.2"), fay.email).status_code == 302
    stopped_clock.shift(timedelta(minutes=10))
    assert try_door(Browser(REMOTE_ADDR="192.0.2.1"), fay.email).status_code == 302


def test_successful_sign_ins_are_not_limited(client: Browser, fay: StaffMember) -> None:
    for _ in range(12):
        assert try_door(Browser(), fay.email).status_code == 302


def test_attempts_with_an_unknown_address_are_counted(client: Browser, fay: StaffMember) -> None:
    statuses = [try_door(client, "unknown@alder-street.example").status_code for _ in range(6)]
    assert statuses == [422] * 5 + [429]
    assert not AuditEntry.objects.exists()


def test_signing_in_gets_a_new_session_id(client: Browser, fay: StaffMember) -> None:
    client.cookies[settings.SESSION_COOKIE_NAME] = "x" * 32
    try_door(client, fay.email)
    assert client.cookies[settings.SESSION_COOKIE_NAME].value != "x" * 32


def test_session_cookie_ends_with_the_browser(client: Browser, fay: StaffMember) -> None:
    try_door(client, fay.email)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert not cookie["max-age"]
    assert not cookie["domain"]


def test_signed_in_staff_are_redirected(office: Browser) -> None:
    assert office.get(f"{DOOR}?next=/office/emails/")["Location"] == "/office/emails/"


def test_signing_in_leads_to_the_page_that_was_asked_for(client: Browser, fay: StaffMember) -> None:
    asked = client.get("/office/emails/?state=failed")
    response = client.post(asked["Location"], {"email": fay.email, "password": cast.PASSWORD})
    assert response["Location"] == "/office/emails/?state=failed"


@pytest.mark.parametrize(
    "next_page",
    [
        "https://evil.example/office/",
        "//evil.example/office/",
        "/\\evil.example",
        "/office/../portal/alder-street/",
        "/office/no-such-page/",
        "/office/sign-out/",
        "/portal/alder-street/",
        "javascript:alert(1)",
        "/office/\n//evil.example",
        "office/clients/",
        "",
    ],
)
def test_signing_in_redirects_to_the_office_only(client: Browser, fay: StaffMember, next_page: str) -> None:
    response = try_door(client, fay.email, query=f"?next={quote(next_page)}")
    assert response["Location"] == "/office/clients/"


def test_signing_out_ends_the_session_and_clears_the_browser(office: Browser) -> None:
    response = office.post("/office/sign-out/")
    assert response["Clear-Site-Data"] == '"cache", "storage"'
    assert response.cookies[settings.SESSION_COOKIE_NAME]["max-age"] == 0
    assert settings.CLIENT_COOKIE_NAME not in response.cookies  # A client in the same browser stays signed in.
    assert not StaffSession.objects.exists()
    assert actions() == [AuditAction.STAFF_SIGNED_OUT]
    assert office.get("/office/clients/").status_code == 302


def test_sign_out_needs_a_post(office: Browser) -> None:
    assert office.get("/office/sign-out/").status_code == 405
    assert StaffSession.objects.exists()


def test_signing_out_twice_is_accepted(office: Browser) -> None:
    office.post("/office/sign-out/")
    assert office.post("/office/sign-out/").status_code == 302


def test_session_ends_after_15_idle_minutes(office: Browser, stopped_clock: time_machine.Traveller) -> None:
    stopped_clock.shift(timedelta(minutes=15, seconds=1))
    page = office.get("/office/emails/", follow=True).content.decode()
    assert "Your session ended" in page
    assert "You were signed out after 15 minutes" in page


def test_session_ends_after_12_hours(office: Browser, stopped_clock: time_machine.Traveller) -> None:
    StaffSession.objects.update(created_at=clock.now() - timedelta(hours=12))
    page = office.get("/office/emails/", follow=True).content.decode()
    assert "Your session reached its time limit" in page


def test_background_refresh_does_not_extend_the_session(office: Browser, stopped_clock: time_machine.Traveller) -> None:
    for _ in range(16):
        stopped_clock.shift(timedelta(minutes=1))
        answer = office.get("/office/emails/", headers={"X-Portico-Background": "1"})
    assert answer.status_code == 302


def test_former_staff_are_signed_out_at_once(office: Browser, practice: Practice) -> None:
    StaffMember.objects.update(deactivated_at="2026-11-01T00:00:00Z")
    assert office.get("/office/emails/")["Location"].startswith(DOOR)


@pytest.mark.parametrize("typed", ["x" * 50_000, "{{7*7}}", "<script>alert(1)</script>", "a\0b", "\u202e", "\ud800"])
def test_any_input_gets_a_page(client: Browser, fay: StaffMember, typed: str) -> None:
    body = {"email": typed, "password": typed}
    if "\ud800" in typed:
        response = client.post(
            DOOR, "email=%ED%A0%80&password=%ED%A0%80", content_type="application/x-www-form-urlencoded"
        )
    else:
        response = client.post(DOOR, body)
    # Malformed UTF-8 cannot be shown again.
    assert response.status_code == (400 if "\ud800" in typed else 422)
    assert "<script>alert" not in response.content.decode()


def test_htmx_request_redirects_the_whole_page(client: Browser, practice: Practice) -> None:
    response = client.get("/office/clients/", headers={"HX-Request": "true"})
    assert response["HX-Redirect"].startswith(DOOR)
