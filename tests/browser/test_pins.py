"""PINs by phone for a client who gets no mail, and a family that switches between clients."""

import re

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from portico.domain.access.models import Pin
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from tests import cast
from tests.browser.test_clients import at_the_desk
from tests.support.browser import Browsing, axe

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


def tab(person: Client) -> str:
    return f"/office/clients/{person.ref}/edit/portal/"


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def read_out(desk: Page, person: Client) -> str:
    """Presses `Generate PIN` as staff, and returns the eight digits."""
    desk.goto(tab(person))
    desk.get_by_role("button", name="Generate PIN").click()
    pin = desk.get_by_test_id("pin").inner_text()
    desk.get_by_role("link", name="Done").click()
    expect(desk.get_by_text(re.compile("The last one, made by Fay"))).to_be_visible()
    return pin


def type_in(phone: Page, address: str, pin: str) -> None:
    phone.goto(f"{PORTAL}pin/")
    phone.get_by_label("Enter your email").fill(address)
    phone.get_by_label("PIN", exact=True).fill(pin)
    phone.get_by_role("button", name="Sign in").click()


@pytest.mark.parametrize("javascript", [True, False], ids=["with script", "without script"])
def test_a_pin_by_phone_signs_in_without_mail(
    browsing: Browsing, live_server: LiveServer, practice: Practice, *, javascript: bool
) -> None:
    nia = cast.client(practice, "Nia", "North", address="nia@mail.example", email_ok=False)
    cast.with_access(nia)
    desk = at_the_desk(browsing, live_server, practice, javascript=javascript)
    phone = browsing.window(live_server.url, javascript=javascript, width=320)
    pin = read_out(desk, nia)
    assert re.fullmatch(r"\d{4} \d{4}", pin)

    type_in(phone, "nia@mail.example", "0000 0000")
    expect(phone.get_by_text(re.compile("That email and PIN don’t match"))).to_be_visible()
    expect(phone.get_by_label("Enter your email")).to_have_value("nia@mail.example")
    expect(phone.get_by_label("PIN", exact=True)).to_have_value("")
    phone.get_by_label("PIN", exact=True).fill(pin)
    phone.get_by_role("button", name="Sign in").click()
    expect(phone.get_by_role("heading", name="Hello, Nia")).to_be_visible()

    desk.reload()
    expect(desk.get_by_test_id("session-row")).to_have_count(1)
    desk.get_by_role("button", name="Sign Nia out everywhere").click()
    expect(desk.get_by_test_id("session-row")).to_have_count(0)
    phone.goto(f"{PORTAL}home/")
    expect(phone.get_by_label("Enter your email")).to_be_visible()


def test_the_back_button_does_not_show_the_pin(browsing: Browsing, live_server: LiveServer, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    desk = at_the_desk(browsing, live_server, practice)
    desk.goto(tab(ana))
    desk.get_by_role("button", name="Generate PIN").dblclick()
    expect(desk.get_by_test_id("pin")).to_be_visible()
    assert Pin.objects.count() == 1
    desk.get_by_role("link", name="Done").click()
    desk.go_back()
    expect(desk.get_by_test_id("pin")).to_have_count(0)


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_pin_pages_fit_a_phone_and_are_accessible(
    browsing: Browsing, live_server: LiveServer, practice: Practice, colours: str
) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    desk = at_the_desk(browsing, live_server, practice, width=320)
    desk.emulate_media(color_scheme="dark" if colours == "dark" else "light")
    desk.goto(tab(ana))
    assert (axe(desk), fits(desk)) == ([], True)
    desk.get_by_role("button", name="Generate PIN").click()
    expect(desk.get_by_test_id("pin")).to_be_visible()
    assert (axe(desk), fits(desk)) == ([], True)
    phone = browsing.window(live_server.url, width=320, colours="dark" if colours == "dark" else "light")
    type_in(phone, "ana@mail.example", "0000 0000")
    assert (axe(phone), fits(phone)) == ([], True)


@pytest.mark.parametrize("javascript", [True, False], ids=["with script", "without script"])
def test_a_parent_switches_clients_on_any_page(
    browsing: Browsing, live_server: LiveServer, practice: Practice, *, javascript: bool
) -> None:
    bruno, bea = cast.bruno(practice), cast.bea(practice)
    bo = cast.client(practice, "Bo", "Berg", address="bruno@mail.example")
    for child in (bea, bo):
        cast.with_access(child)
    phone = browsing.window(live_server.url, javascript=javascript, width=320)
    phone.goto(f"{PORTAL}link/{cast.token_of(cast.invited(bruno))}/")
    phone.get_by_role("button", name=re.compile("^Sign in as")).click()
    expect(phone.get_by_role("heading", name="Who is this for?")).to_be_visible()
    phone.get_by_role("button", name="Bea Berg").click()
    expect(phone.get_by_role("heading", name="Hello, Bea")).to_be_visible()
    phone.get_by_role("link", name="Profile").first.click()
    expect(phone.get_by_role("heading", name="Profile", level=1)).to_be_visible()
    assert fits(phone)
    phone.get_by_role("button", name="Bo Berg").click()
    expect(phone.get_by_role("heading", name="Hello, Bo")).to_be_visible()
    assert fits(phone)


def test_a_pin_shows_only_its_client(browsing: Browsing, live_server: LiveServer, practice: Practice) -> None:
    bruno, bea = cast.bruno(practice), cast.bea(practice)
    cast.with_access(bruno)
    cast.with_access(bea)
    pin = read_out(at_the_desk(browsing, live_server, practice), bea)
    phone = browsing.window(live_server.url, width=320)
    type_in(phone, "bruno@mail.example", pin)
    expect(phone.get_by_role("heading", name="Hello, Bea")).to_be_visible()
    expect(phone.get_by_text("Bruno")).to_have_count(0)
