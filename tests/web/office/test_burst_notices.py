"""Notices of bursts of sign-in requests: on every office page while ongoing, on the Emails page afterwards."""

from datetime import timedelta
from html import unescape

import pytest
from django.test import Client as Browser
from time_machine import Traveller

from portico.domain.access.models import Burst, BurstKind
from portico.domain.access.sign_in.requests import bursts
from portico.domain.practices.models import Practice
from tests import cast

PAGES = ["/office/clients/", "/office/emails/", "/office/help/"]


def page(browser: Browser, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def burst(practice: Practice, number: int, from_one_network: int) -> None:
    Burst.objects.create(practice=practice, kind=BurstKind.REQUESTS, number=number, from_one_network=from_one_network)


@pytest.mark.parametrize("address", PAGES)
def test_every_office_page_shows_a_request_burst(office: Browser, practice: Practice, address: str) -> None:
    assert 'data-testid="burst"' not in page(office, address)
    burst(practice, 40, 30)
    assert "40 requests for sign-in links in the last hour, mostly from one network" in page(office, address)


def test_a_distributed_burst_names_no_single_place(office: Browser, practice: Practice) -> None:
    burst(practice, 40, 20)
    shown = page(office, PAGES[0])
    assert "40 requests for sign-in links in the last hour" in shown
    assert "from one network" not in shown


def test_the_office_shows_mail_cap_and_wrong_pins(office: Browser, practice: Practice) -> None:
    bursts.record_mail_cap(practice)
    bursts.record_wrong_pins(practice)
    shown = page(office, PAGES[0])
    assert "Hourly limit of sign-in emails reached" in shown
    assert "Unusually many wrong PINs in an hour" in shown


def test_another_practices_burst_is_not_shown(office: Browser) -> None:
    bursts.record_mail_cap(cast.birch())
    assert 'data-testid="burst"' not in page(office, PAGES[0])


def test_a_past_burst_is_only_on_the_emails_page(office: Browser, practice: Practice, stopped_clock: Traveller) -> None:
    for record in (bursts.record_mail_cap, bursts.record_wrong_pins):
        record(practice)
    burst(practice, 40, 40)
    Burst.objects.update(over_at=Burst.objects.latest("pk").began_at + timedelta(hours=1))
    assert 'data-testid="burst"' not in page(office, PAGES[0])
    shown = page(office, "/office/emails/")
    assert 'data-testid="burst"' not in shown
    for text in ("requests for sign-in links, today", "sign-in emails was reached, today", "wrong PINs, today"):
        assert text in shown


def test_the_portals_entrance_shows_no_burst(client: Browser, practice: Practice) -> None:
    burst(practice, 40, 40)
    assert "requests for sign-in links" not in client.get("/portal/alder-street/").text
