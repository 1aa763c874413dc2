"""Pages about clients in a real browser, with and without JavaScript."""

import pytest
from django.conf import settings
from django.test import Client as Browser
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from tests import cast
from tests.support.browser.chromium import Browsing

pytestmark = [
    pytest.mark.browser,
    pytest.mark.postgresql,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def practice(transactional_db: None) -> Practice:
    return cast.alder()


def at_the_desk(
    browsing: Browsing, live_server: LiveServer, practice: Practice, *, javascript: bool = True, width: int = 1280
) -> Page:
    """Fay's page, signed in."""
    session = cast.signed_in(Browser(), cast.fay(practice)).cookies[settings.SESSION_COOKIE_NAME].value
    page = browsing.window(live_server.url, javascript=javascript, width=width)
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
    return page


def test_search_as_you_type_keeps_the_cursor(browsing: Browsing, live_server: LiveServer, practice: Practice) -> None:
    cast.ana(practice)
    cast.carol(practice)
    page = at_the_desk(browsing, live_server, practice)
    page.goto("/office/clients/")

    page.get_by_role("searchbox").press_sequentially("car")

    expect(page.get_by_test_id("client-row")).to_have_count(1)
    expect(page.get_by_role("link", name="Carol Cole")).to_be_visible()
    expect(page.locator("#announced")).to_have_text("1 of 1 client found")
    expect(page.get_by_role("searchbox")).to_be_focused()
    assert page.url.endswith("?q=car")

    page.get_by_role("searchbox").fill("")
    expect(page.get_by_test_id("client-row")).to_have_count(2)


def test_without_script_enter_searches(browsing: Browsing, live_server: LiveServer, practice: Practice) -> None:
    cast.ana(practice)
    cast.carol(practice)
    page = at_the_desk(browsing, live_server, practice, javascript=False, width=320)
    page.goto("/office/clients/")

    page.get_by_role("searchbox").fill("car")
    page.get_by_role("searchbox").press("Enter")

    expect(page.get_by_test_id("client-row")).to_have_count(1)


@pytest.mark.parametrize("javascript", [True, False])
def test_enter_in_a_field_saves_the_form(
    browsing: Browsing, live_server: LiveServer, practice: Practice, *, javascript: bool
) -> None:
    ana = cast.ana(practice)
    page = at_the_desk(browsing, live_server, practice, javascript=javascript)
    page.goto(f"/office/clients/{ana.ref}/edit/info/")

    page.get_by_label("First name").fill("Anna")
    page.get_by_label("First name").press("Enter")

    expect(page.get_by_text("Client Info was saved.")).to_be_visible()
    expect(page.get_by_role("textbox", name="Email")).to_have_value("ana@mail.example")
    assert Client.objects.get().first_name == "Anna"


def test_addresses_are_edited_without_script(browsing: Browsing, live_server: LiveServer, practice: Practice) -> None:
    ana = cast.ana(practice)
    page = at_the_desk(browsing, live_server, practice, javascript=False, width=320)
    page.goto(f"/office/clients/{ana.ref}/edit/info/")

    page.get_by_role("button", name="Add another address").click()
    page.get_by_role("textbox", name="Email").nth(1).fill("ana@gmial.com")
    page.get_by_role("button", name="Remove ana@mail.example").click()
    expect(page.get_by_role("textbox", name="Email")).to_have_count(1)
    page.get_by_role("button", name="ana@gmail.com", exact=True).click()
    page.get_by_role("button", name="Save Client").click()

    expect(page.get_by_text("Client Info was saved.")).to_be_visible()
    assert [row.address for row in ana.email_addresses.open()] == ["ana@gmail.com"]


def test_a_client_is_created_and_invited_without_script(
    browsing: Browsing, live_server: LiveServer, practice: Practice
) -> None:
    page = at_the_desk(browsing, live_server, practice, javascript=False, width=320)
    page.goto("/office/clients/new/")

    page.get_by_label("First name").fill("Ana")
    page.get_by_role("textbox", name="Email").fill("ana@mail.example")
    page.get_by_label("Email ok").check()
    page.get_by_label("Client Portal Access").check()
    page.get_by_label("Send the invitation now").check()
    page.get_by_role("button", name="Save Client").click()

    expect(page.get_by_text("The invitation is on its way to ana@mail.example.")).to_be_visible()
    expect(page.get_by_test_id("portal-state")).to_have_attribute("data-state", "invited")


def test_archiving_is_confirmed_without_script(browsing: Browsing, live_server: LiveServer, practice: Practice) -> None:
    ana = cast.ana(practice)
    page = at_the_desk(browsing, live_server, practice, javascript=False)
    page.goto(f"/office/clients/{ana.ref}/")

    expect(page.get_by_role("button", name="Archive Client")).to_be_hidden()
    page.get_by_text("Archive this client").click()
    page.get_by_role("button", name="Archive Client").click()

    expect(page.get_by_role("button", name="Restore Client")).to_be_visible()
