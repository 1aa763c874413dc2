"""Re-authentication before sensitive actions."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client as Browser
from django.urls import include, path
from django.views.decorators.http import require_http_methods
from pytest_django.fixtures import Settings

from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import Practice, StaffSavedForm
from portico.plumbing.models import AuditEntry
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office.sign_in import reauthentication
from tests import cast

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

PAGE = "/office/matters/"
BUTTON = "/office/button/"


@office_page()
@reauthentication.recently_verified
@require_http_methods(["GET", "HEAD", "POST"])
def page_that_matters(request: OfficeRequest) -> HttpResponse:
    return HttpResponse("opened")


@office_page()
@require_http_methods(["GET", "HEAD", "POST"])
def button_that_matters(request: OfficeRequest) -> HttpResponse:
    if request.method == "POST" and (asked := reauthentication.reauthentication_needed(request)) is not None:
        return asked
    return HttpResponse("pressed")


urlpatterns = [
    path("office/matters/", page_that_matters, name="matters"),
    path("office/button/", button_that_matters, name="button"),
    path("", include("portico.urls")),
]


def query_of(answer: "Answer") -> dict[str, list[str]]:
    assert answer.status_code == 302
    address = urlsplit(answer["Location"])
    assert address.path == "/office/prove/"
    return parse_qs(address.query)


def prove(office: Browser, answer: "Answer", password: str = cast.PASSWORD) -> "Answer":
    return office.post(answer["Location"], {"password": password})


@pytest.fixture
def later(office: Browser, stopped_clock: time_machine.Traveller) -> Callable[[], None]:
    """Returns a function that moves the clock by ten minutes and a second."""
    return lambda: stopped_clock.shift(timedelta(minutes=10, seconds=1))


def test_not_asked_within_ten_minutes_of_signing_in(office: Browser, stopped_clock: time_machine.Traveller) -> None:
    stopped_clock.shift(timedelta(minutes=10))
    assert office.get(PAGE).content == b"opened"


def test_asked_after_ten_minutes_and_led_back(office: Browser, later: Callable[[], None]) -> None:
    later()
    asked = office.get(f"{PAGE}?tab=2")
    assert query_of(asked) == {"next": [f"{PAGE}?tab=2"]}
    assert "Confirm it’s you" in office.get(asked["Location"]).content.decode()
    assert prove(office, asked)["Location"] == f"{PAGE}?tab=2"
    assert office.get(PAGE).content == b"opened"


def test_verification_is_valid_for_ten_minutes(office: Browser, later: Callable[[], None]) -> None:
    later()
    prove(office, office.get(PAGE))
    later()
    assert query_of(office.get(PAGE)) == {"next": [PAGE]}


def test_password_is_not_a_second_factor(office: Browser, later: Callable[[], None], settings: Settings) -> None:
    later()
    prove(office, office.get(PAGE))
    assert office.get(PAGE).content == b"opened"
    settings.SECOND_FACTOR_REQUIRED = True
    assert office.get(PAGE)["Location"].startswith("/office/sign-in/second-step/")


def test_wrong_password_verifies_nothing(office: Browser, later: Callable[[], None]) -> None:
    later()
    asked = office.get(PAGE)
    answer = prove(office, asked, "not the password")
    assert answer.status_code == 422
    assert "That password is incorrect." in answer.content.decode()
    assert office.get(PAGE).status_code == 302
    assert AuditEntry.objects.filter(action=AuditAction.STAFF_SIGN_IN_REFUSED).count() == 1


def test_sixth_attempt_in_five_minutes_is_refused(office: Browser, later: Callable[[], None]) -> None:
    later()
    asked = office.get(PAGE)
    for _ in range(5):
        prove(office, asked, "not the password")
    answer = prove(office, asked)
    assert answer.status_code == 429
    assert "Too many attempts. Wait five minutes" in answer.content.decode()
    assert office.get(PAGE).status_code == 302


def test_page_with_a_sensitive_button_can_be_viewed(office: Browser, later: Callable[[], None]) -> None:
    later()
    assert office.get(BUTTON).content == b"pressed"


def test_posted_form_is_shown_again(office: Browser, later: Callable[[], None]) -> None:
    later()
    asked = office.post(BUTTON, {"reason": "asked for it twice"}, headers={"Referer": f"http://testserver{BUTTON}"})
    kept = StaffSavedForm.objects.get()
    assert query_of(asked) == {"next": [BUTTON], "kept": [kept.ref]}
    page = office.get(prove(office, asked)["Location"]).content.decode()
    assert f'action="{BUTTON}"' in page
    assert "asked for it twice" in page
    assert office.post(BUTTON, {"reason": "asked for it twice"}).content == b"pressed"


def test_button_without_fields_must_be_pressed_again(office: Browser, later: Callable[[], None]) -> None:
    later()
    asked = office.post(BUTTON, headers={"Referer": f"http://testserver{BUTTON}?all=1"})
    assert query_of(asked) == {"next": [f"{BUTTON}?all=1"], "again": ["1"]}
    prove(office, asked)
    assert "Now try again." in office.get("/office/help/").content.decode()


@pytest.mark.parametrize("stood_on", ["https://evil.example/office/", "//evil.example/", "", "/portal/alder-street/"])
def test_return_url_stays_in_the_office(office: Browser, later: Callable[[], None], stood_on: str) -> None:
    later()
    asked = office.post(BUTTON, headers={"Referer": stood_on})
    assert query_of(asked)["next"] in (["/office/clients/"], ["/office/"])


def test_htmx_request_redirects_the_whole_page(office: Browser, later: Callable[[], None]) -> None:
    later()
    assert office.post(BUTTON, headers={"HX-Request": "true"})["HX-Redirect"].startswith("/office/prove/?")


def test_verification_is_per_session(office: Browser, practice: Practice, later: Callable[[], None]) -> None:
    hal = cast.signed_in(Browser(), cast.hal(practice))
    later()
    prove(hal, hal.get(PAGE))
    assert office.get(PAGE).status_code == 302
