"""Changes of a client's address, and the effect on links sent to the old one."""

import re

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from portico.domain.access.models import Invitation
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing.models import OutgoingEmail
from tests import cast
from tests.browser.clients.test_clients import at_the_desk
from tests.support.browser.chromium import Browsing

pytestmark = [
    pytest.mark.browser,
    pytest.mark.postgresql,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]
PORTAL = "/portal/alder-street/"


@pytest.fixture
def practice(transactional_db: None) -> Practice:
    return cast.alder()


def link() -> str:
    """Returns the link in the newest invitation."""
    return f"{PORTAL}link/{cast.token_of(Invitation.objects.latest('id'))}/"


def press(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("button", name=re.compile("^Sign in as")).click()


def tab(person: Client) -> str:
    return f"/office/clients/{person.ref}/edit/portal/"


@pytest.mark.parametrize("javascript", [True, False], ids=["with script", "without script"])
def test_a_corrected_address_voids_the_old_link(
    browsing: Browsing, live_server: LiveServer, practice: Practice, *, javascript: bool
) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    old = link()
    desk = at_the_desk(browsing, live_server, practice, javascript=javascript)
    desk.goto(f"/office/clients/{ana.ref}/edit/info/")
    desk.get_by_role("textbox", name="Email", exact=True).fill("ana.abreu@mail.example")
    if javascript:
        expect(desk.get_by_label("Email ok")).not_to_be_checked()
        desk.get_by_label("Email ok").check()
    desk.get_by_role("button", name="Save Client").click()
    if not javascript:
        expect(desk.get_by_text("Email ok was cleared for the new address.")).to_be_visible()
        desk.goto(f"/office/clients/{ana.ref}/edit/info/")
        desk.get_by_label("Email ok").check()
        desk.get_by_role("button", name="Save Client").click()
        desk.goto(tab(ana))

    expect(desk).to_have_url(re.compile("/edit/portal/"))
    if javascript:
        expect(desk.get_by_text(re.compile("nothing has been sent yet", re.I))).to_be_visible()
    expect(desk.get_by_label("Email", exact=True)).to_have_value(re.compile("."))
    assert OutgoingEmail.objects.count() == 1
    desk.get_by_role("button", name="Send Email").click()
    expect(desk.get_by_text("The invitation is on its way to ana.abreu@mail.example.")).to_be_visible()

    phone = browsing.window(live_server.url, javascript=javascript, width=320)
    phone.goto(old)
    expect(phone.get_by_role("heading", name="This link has expired")).to_be_visible()
    expect(phone.get_by_role("button", name=re.compile("^Sign in as"))).to_have_count(0)
    press(phone, link())
    expect(phone.get_by_role("heading", name="Hello, Ana")).to_be_visible()


@pytest.mark.parametrize("javascript", [True, False], ids=["with script", "without script"])
def test_an_invitation_is_sent_again_after_signing_in(
    browsing: Browsing, live_server: LiveServer, practice: Practice, *, javascript: bool
) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    phone = browsing.window(live_server.url, javascript=javascript, width=320)
    press(phone, link())
    desk = at_the_desk(browsing, live_server, practice, javascript=javascript)
    desk.goto(tab(ana))
    desk.get_by_text("Resend email invitation").click()
    desk.get_by_role("button", name="Send Email").click()
    expect(desk.get_by_text("The invitation is on its way to ana@mail.example.")).to_be_visible()
    phone.goto(f"{PORTAL}home/")
    expect(phone.get_by_role("heading", name="Hello, Ana")).to_be_visible()
    laptop = browsing.window(live_server.url, javascript=javascript)
    press(laptop, link())
    expect(laptop.get_by_role("heading", name="Hello, Ana")).to_be_visible()


def test_choosing_another_address_ends_the_first(
    browsing: Browsing, live_server: LiveServer, practice: Practice
) -> None:
    ana = cast.ana(practice)
    phone = browsing.window(live_server.url, width=320)
    cast.invited(ana)
    press(phone, link())
    desk = at_the_desk(browsing, live_server, practice)
    desk.goto(f"/office/clients/{ana.ref}/edit/info/")
    desk.get_by_role("button", name="Add another address").click()
    desk.get_by_role("textbox", name="Email", exact=True).last.fill("ana@work.example")
    desk.get_by_label("Email ok").last.check()
    desk.get_by_role("button", name="Save Client").click()
    phone.reload()
    expect(phone.get_by_role("heading", name="Hello, Ana")).to_be_visible()

    desk.goto(tab(ana))
    desk.get_by_label("Email", exact=True).select_option(label="ana@work.example (Home)")
    desk.get_by_role("button", name="Save access").click()
    expect(desk.get_by_role("heading", name="Invitation email")).to_be_visible()
    expect(desk.get_by_text("Ana has not signed in with the new address yet")).to_be_visible()
    phone.reload()
    expect(phone.get_by_label("Enter your email")).to_be_visible()
