"""The month's end in a real browser: everyone who is late is reminded in three presses."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client as Browser
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from portico.plumbing import clock
from portico.plumbing.models import OutgoingEmail
from tests import cast
from tests.support.browser.chromium import Browsing, carry
from tests.support.browser.press_counter import Presses

pytestmark = [
    pytest.mark.browser,
    pytest.mark.postgresql,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]


@pytest.mark.parametrize("javascript", [True, False])
def test_all_who_are_late_are_reminded_in_four_presses(
    browsing: Browsing, live_server: LiveServer, *, javascript: bool
) -> None:
    practice = cast.alder()
    for person in (cast.ana(practice), cast.carol(practice)):
        cast.with_access(person)
        cast.bill(person, due_on=clock.today(practice.time_zone) - timedelta(days=10))
    office = browsing.window(live_server.url, javascript=javascript)
    carry(office, live_server.url, cast.signed_in(Browser(), cast.fay(practice)), settings.SESSION_COOKIE_NAME)
    office.goto("/office/clients/")
    presses = Presses()
    presses.press(office.get_by_role("link", name="Invoices").first)
    presses.press(office.get_by_role("link", name="Balances"))
    # A link without JavaScript.
    presses.press(office.get_by_role("button" if javascript else "link", name="Select all"), in_view=True)
    # Without JavaScript the button can't count the checked ones.
    send = "Send reminder to 2 clients" if javascript else "Send reminder to the checked clients"
    presses.press(office.get_by_role("button", name=send), in_view=True)
    expect(office.get_by_text("2 reminders are on their way.")).to_be_visible()
    assert presses.count == 4
    assert OutgoingEmail.objects.filter(kind="reminder").count() == 2
