"""Inviting a client and sending the invitation again, with every press counted."""

import re

import pytest
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from portico.domain.practices.models import Practice
from portico.plumbing.models import OutgoingEmail
from tests import cast
from tests.browser.clients.test_clients import at_the_desk
from tests.support.browser.chromium import Browsing
from tests.support.browser.press_counter import Presses

pytestmark = [
    pytest.mark.browser,
    pytest.mark.sqlite,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def practice(transactional_db: None) -> Practice:
    return cast.alder()


def test_a_new_client_is_invited_in_five_presses(
    browsing: Browsing, live_server: LiveServer, practice: Practice
) -> None:
    desk, presses = at_the_desk(browsing, live_server, practice), Presses()
    desk.goto("/office/clients/")
    presses.press(desk.get_by_role("link", name="Create Client").first)
    desk.get_by_label("First name").fill("Nia")
    desk.get_by_role("textbox", name="Email", exact=True).fill("nia@mail.example")
    presses.press(desk.get_by_label("Email ok"))
    presses.press(desk.get_by_label("Client Portal Access"))
    presses.press(desk.get_by_label("Send the invitation"))
    presses.press(desk.get_by_role("button", name="Save Client"))
    expect(desk.get_by_test_id("portal-state")).to_have_attribute("data-state", "invited")
    assert OutgoingEmail.objects.get().to_address == "nia@mail.example"
    assert presses.count == 5


@pytest.mark.parametrize("javascript", [True, False], ids=["with script", "without script"])
def test_an_invitation_is_resent_in_two_presses(
    browsing: Browsing, live_server: LiveServer, practice: Practice, *, javascript: bool
) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    desk = at_the_desk(browsing, live_server, practice, javascript=javascript)
    desk.goto(f"/office/clients/{ana.ref}/edit/portal/")
    presses = Presses()
    presses.press(desk.locator("#banner").get_by_text("Resend email invitation"), in_view=True)
    presses.press(desk.get_by_role("button", name="Send Email"), in_view=True)
    expect(desk.get_by_text("The invitation is on its way to ana@mail.example.")).to_be_visible()
    assert (presses.count, OutgoingEmail.objects.count()) == (2, 2)


def test_an_invitation_is_resent_from_the_overview(
    browsing: Browsing, live_server: LiveServer, practice: Practice
) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    desk, presses = at_the_desk(browsing, live_server, practice), Presses()
    desk.goto(f"/office/clients/{ana.ref}/")
    presses.press(desk.get_by_role("link", name="Resend email invitation"), in_view=True)
    expect(desk).to_have_url(re.compile("/edit/portal/"))
    presses.press(desk.get_by_role("button", name="Send Email"), in_view=True)
    expect(desk.get_by_text("The invitation is on its way to ana@mail.example.")).to_be_visible()
    assert presses.count == 2
