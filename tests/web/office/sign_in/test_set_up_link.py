"""Set-up and reset links, with which staff choose a password."""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine
from django.conf import settings
from django.test import Client as Browser

from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import Practice, SetUpLink, StaffMember, StaffSession
from portico.domain.practices.staff import set_up_links
from portico.plumbing.actors import Actor
from portico.plumbing.models import AuditEntry
from portico.web.office.sign_in.set_up_link import COOKIE_NAME
from tests import cast
from tests.web.tabs import Tab

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

pytestmark = pytest.mark.django_db

PAGE = "/office/set-up/"
GOOD = "four green boats at dawn"


@pytest.fixture
def elm(practice: Practice) -> StaffMember:
    member = cast.elm(practice)
    member.set_unusable_password()
    member.save()
    return member


@pytest.fixture
def token(elm: StaffMember) -> str:
    return set_up_links.create_link(elm, by=Actor.operator())


def choose(browser: Browser, password: str) -> "Answer":
    page = Tab(browser, PAGE)
    return browser.post(PAGE, {**(page.form().fields if page.forms else {}), "password": password})


def test_token_is_removed_from_the_url(client: Browser, token: str) -> None:
    response = client.get(f"{PAGE}{token}/")
    assert response["Location"] == PAGE
    assert response["Referrer-Policy"] == "no-referrer"
    cookie = response.cookies[COOKIE_NAME]
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", 3600)


def test_a_scanner_changes_nothing(client: Browser, token: str) -> None:
    response = client.head(f"{PAGE}{token}/")
    assert not response.cookies
    for _ in range(10):
        client.get(f"{PAGE}{token}/", follow=True)
    assert SetUpLink.objects.get().used_at is None
    assert not StaffSession.objects.exists()


def test_the_page_names_practice_and_address(client: Browser, elm: StaffMember, token: str) -> None:
    page = client.get(f"{PAGE}{token}/", follow=True).content.decode()
    assert "Set up your account" in page
    assert "Alder Street Therapy" in page
    assert elm.email in page
    assert "until Nov 26, 12:20 PM" in page


def test_form_sets_no_password_for_a_colleague(
    client: Browser, elm: StaffMember, token: str, practice: Practice
) -> None:
    elms = Tab(client, f"{PAGE}{token}/")
    fay = cast.fay(practice)
    fays = Tab(client, f"{PAGE}{set_up_links.create_link(fay, by=Actor.operator())}/")
    answer = elms.press(password=GOOD)
    assert answer.status == 409
    assert "You opened another link in this browser. No password was changed." in answer.text
    for member in (elm, fay):
        before = member.password
        member.refresh_from_db()
        assert member.password == before
    fays.press(password=GOOD)
    fay.refresh_from_db()
    assert fay.check_password(GOOD)


def test_choosing_a_password_signs_in_and_lands_on_clients(client: Browser, elm: StaffMember, token: str) -> None:
    client.get(f"{PAGE}{token}/")
    response = choose(client, GOOD)
    assert response["Location"] == "/office/clients/"
    assert StaffSession.objects.get().staff == elm
    assert client.cookies[COOKIE_NAME].value == ""
    elm.refresh_from_db()
    assert elm.check_password(GOOD)
    actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions == [AuditAction.SET_UP_LINK_MADE, AuditAction.PASSWORD_CHOSEN, AuditAction.STAFF_SIGNED_IN]


def test_the_link_works_once(client: Browser, token: str) -> None:
    client.get(f"{PAGE}{token}/")
    choose(client, GOOD)
    other = Browser()
    response = other.get(f"{PAGE}{token}/", follow=True)
    assert response.status_code == 410
    assert "This link no longer works" in response.content.decode()
    assert choose(other, "another long password").status_code == 410


@pytest.mark.parametrize("weak", ["quiet river", "password1234", "x" * 2000, "", "naomi elm alder"])
def test_a_weak_password_is_refused_on_its_field(client: Browser, elm: StaffMember, token: str, weak: str) -> None:
    client.get(f"{PAGE}{token}/")
    response = choose(client, "elm@alder-street.example" if weak == "naomi elm alder" else weak)
    page = response.content.decode()
    assert response.status_code == 422
    assert 'class="complaint" id="id_password_error"' in page
    assert elm.email in page
    assert SetUpLink.objects.get().used_at is None


@pytest.mark.parametrize("plain", ["quiet rivers", "849103756218"])
def test_any_twelve_characters_are_accepted(client: Browser, elm: StaffMember, token: str, plain: str) -> None:
    client.get(f"{PAGE}{token}/")
    assert choose(client, plain).status_code == 302
    elm.refresh_from_db()
    assert elm.check_password(plain)


def test_link_expires_after_72_hours(client: Browser, token: str, stopped_clock: time_machine.Traveller) -> None:
    client.get(f"{PAGE}{token}/")
    stopped_clock.shift(timedelta(hours=71, minutes=59))
    assert client.get(PAGE).status_code == 200
    stopped_clock.shift(timedelta(minutes=1))
    client.cookies[COOKIE_NAME] = token
    assert client.get(PAGE).status_code == 410


@pytest.mark.parametrize("token", ["x", "A" * 43, "é" * 60, "%00"])
def test_unknown_link_is_410(client: Browser, practice: Practice, token: str) -> None:
    assert client.get(f"{PAGE}{token}/", follow=True).status_code in {400, 410}


def test_without_a_link_is_410(client: Browser, practice: Practice) -> None:
    assert client.get(PAGE).status_code == 410


def test_a_new_session_replaces_the_one_in_this_browser(office: Browser, elm: StaffMember, token: str) -> None:
    before = office.cookies[settings.SESSION_COOKIE_NAME].value
    office.get(f"{PAGE}{token}/")
    choose(office, GOOD)
    assert office.cookies[settings.SESSION_COOKIE_NAME].value != before
    assert StaffSession.objects.get().staff == elm
