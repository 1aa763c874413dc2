"""Every office page tells of a storm at the entrance while it lasts, the Emails page afterwards too."""

from datetime import timedelta
from html import unescape

import pytest
from django.test import Client as Browser
from time_machine import Traveller

from portico.domain.access.models import Burst, BurstKind
from portico.domain.access.sign_in import bursts
from portico.domain.practices.models import Practice
from tests import cast

PAGES = ["/office/clients/", "/office/emails/", "/office/help/"]


def page(browser: Browser, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def storm(practice: Practice, number: int, from_one_place: int) -> None:
    Burst.objects.create(practice=practice, kind=BurstKind.ASKS, number=number, from_one_place=from_one_place)


@pytest.mark.parametrize("address", PAGES)
def test_every_office_page_tells_of_many_asks(office: Browser, practice: Practice, address: str) -> None:
    assert 'data-testid="burst"' not in page(office, address)
    storm(practice, 40, 30)
    assert "40 requests for sign-in links in the last hour, most from one place" in page(office, address)


def test_asks_from_many_places_are_not_told_as_from_one(office: Browser, practice: Practice) -> None:
    storm(practice, 40, 20)
    shown = page(office, PAGES[0])
    assert "40 requests for sign-in links in the last hour" in shown
    assert "from one place" not in shown


def test_the_office_tells_of_the_hourly_limit_and_of_wrong_pins(office: Browser, practice: Practice) -> None:
    bursts.record_mail_cap(practice)
    bursts.record_wrong_pins(practice)
    shown = page(office, PAGES[0])
    assert "This hour’s limit of sign-in emails is reached" in shown
    assert "Unusually many wrong PINs within an hour" in shown


def test_another_practices_storm_is_not_told_here(office: Browser) -> None:
    bursts.record_mail_cap(cast.birch())
    assert 'data-testid="burst"' not in page(office, PAGES[0])


def test_a_storm_that_is_over_is_told_on_the_emails_page_alone(
    office: Browser, practice: Practice, stopped_clock: Traveller
) -> None:
    for note in (bursts.record_mail_cap, bursts.record_wrong_pins):
        note(practice)
    storm(practice, 40, 40)
    Burst.objects.update(over_at=Burst.objects.latest("pk").began_at + timedelta(hours=1))
    assert 'data-testid="burst"' not in page(office, PAGES[0])
    shown = page(office, "/office/emails/")
    assert 'data-testid="burst"' not in shown
    for said in ("requests for sign-in links, today", "sign-in emails was reached, today", "wrong PINs, today"):
        assert said in shown


def test_the_portals_entrance_tells_nobody(client: Browser, practice: Practice) -> None:
    storm(practice, 40, 40)
    assert "requests for sign-in links" not in client.get("/portal/alder-street/").text
