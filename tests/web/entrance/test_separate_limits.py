"""Links, codes and PINs have separate rate limits."""

import pytest
from django.conf import settings

from portico.domain.access.models import SignInRequest
from portico.domain.access.sign_in import sign_in_links, sign_in_pins
from portico.domain.access.sign_in.requests import request_worker
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import tokens
from portico.plumbing.models import RateLimitCount
from tests import cast
from tests.support.portal_client import Browser

pytestmark = pytest.mark.django_db
DOOR = "/portal/alder-street/"
ANA = "ana@mail.example"
HOME = f"{DOOR}home/"


@pytest.fixture
def ana(practice: Practice) -> Client:
    person = cast.ana(practice)
    cast.with_access(person)
    return person


def asked_too_often_for_the_address(browser: Browser) -> None:
    for number in range(11):
        browser.post(DOOR, {"email": ANA}, REMOTE_ADDR=f"198.51.100.{number}")


def asked_too_often_from_the_network(browser: Browser) -> None:
    for number in range(31):
        last = browser.post(DOOR, {"email": f"unknown{number}@mail.example"})
    assert last.status_code == 429


def typed_too_many_codes(browser: Browser) -> None:
    for _ in range(12):
        browser.post(f"{DOOR}code/", {"code": "222222"})


def typed_too_many_pins(browser: Browser) -> None:
    for _ in range(21):
        last = browser.post(f"{DOOR}pin/", {"email": ANA, "pin": "00000000"})
    assert last.status_code == 429


def by_link(person: Client) -> str:
    browser = Browser()
    link = sign_in_links.url_of(cast.handed_over(SignInRequest.objects.earliest("id")))
    browser.get(link.removeprefix(settings.PUBLIC_BASE_URL))
    return browser.post(f"{DOOR}link/").headers.get("Location", "")


def by_code(person: Client) -> str:
    browser = Browser()
    browser.post(DOOR, {"email": ANA}, REMOTE_ADDR="192.0.2.200")
    while request_worker.process_next():
        pass
    code = sign_in_links.code_of(cast.handed_over(SignInRequest.objects.latest("id")))
    return browser.post(f"{DOOR}code/", {"code": code}).headers.get("Location", "")


def by_pin(person: Client) -> str:
    form_key = tokens.new_token()
    sign_in_pins.generate(person, form_key=form_key, by=cast.DESK)
    shown = sign_in_pins.digits(person, form_key, to=cast.DESK)
    assert shown is not None
    return Browser().post(f"{DOOR}pin/", {"email": ANA, "pin": shown[1]}).headers.get("Location", "")


@pytest.mark.parametrize(
    ("storm", "ways"),
    [
        (asked_too_often_for_the_address, (by_link, by_pin)),
        (asked_too_often_from_the_network, (by_link, by_code, by_pin)),
        (typed_too_many_codes, (by_link, by_pin)),
        (typed_too_many_pins, (by_link, by_code)),
    ],
)
def test_exhausted_limit_does_not_affect_other_methods(
    client: Browser, ana: Client, storm: object, ways: tuple[object, ...]
) -> None:
    assert callable(storm)
    client.post(DOOR, {"email": ANA}, REMOTE_ADDR="192.0.2.100")
    request_worker.process_next()
    storm(client)
    for way in ways:
        assert callable(way)
        assert way(ana) == HOME


def test_invitations_count_against_no_limit(ana: Client, practice: Practice) -> None:
    for _ in range(12):
        cast.invited(ana)
    assert not RateLimitCount.objects.exists()
    asks = [cast.asked(practice, ANA) for _ in range(5)]
    assert not any(ask.is_beyond_limit for ask in asks)
    assert ana.invitations.count() == 12
