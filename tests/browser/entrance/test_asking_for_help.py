"""A client who cannot sign in asks for help; staff see why, fix it, and close the request."""

import pytest
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from portico.domain.practices.models import Practice
from tests import cast
from tests.browser.clients.test_clients import at_the_desk
from tests.support.browser.chromium import Browsing, axe

pytestmark = [
    pytest.mark.browser,
    pytest.mark.sqlite,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def practice(transactional_db: None) -> Practice:
    return cast.alder()


@pytest.mark.parametrize("javascript", [True, False], ids=["with script", "without script"])
def test_staff_see_why_a_client_who_asks_cannot_sign_in(
    browsing: Browsing, live_server: LiveServer, practice: Practice, *, javascript: bool
) -> None:
    cast.with_access(
        cast.client(practice, "Nia", "North", address="nia@mail.example", email_ok=False, phone="+12125550134")
    )
    desk = at_the_desk(browsing, live_server, practice, javascript=javascript)
    phone = browsing.window(live_server.url, javascript=javascript, width=320)
    phone.goto("/portal/alder-street/")
    phone.get_by_label("Enter your email").fill("nia@mail.example")
    phone.get_by_role("button", name="Continue").click()
    phone.get_by_role("link", name="Still not in? Ask for help").click()
    expect(phone.get_by_test_id("emergency")).to_contain_text("In an emergency, call 911")
    expect(phone.get_by_label("Email you tried to sign in with")).to_have_value("nia@mail.example")
    phone.get_by_role("button", name="Send request").click()
    expect(phone.get_by_text("Enter your name.")).to_be_visible()
    phone.get_by_label("Your name").fill("Nia North")
    phone.get_by_label("Phone or email").fill("212-555-0134")
    phone.get_by_label("What do you need help with?").fill("No email comes.")
    phone.get_by_role("button", name="Send request").click()
    expect(phone.get_by_role("heading", name="Your request was sent")).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")

    desk.goto("/office/clients/")
    menu = desk.get_by_role("navigation", name="Office")
    expect(menu.get_by_role("link", name="Help requests")).to_contain_text("1")
    menu.get_by_role("link", name="Help requests").click()
    request = desk.get_by_role("article", name="Nia North")
    expect(request).to_contain_text("No email comes.")
    expect(request.get_by_test_id("first-broken-step")).to_have_text("nia@mail.example has no Email ok.")
    expect(request.get_by_role("link", name="Call (212) 555-0134")).to_have_attribute("href", "tel:+12125550134")
    if javascript:
        assert axe(desk) == []
    request.get_by_label("Note").fill("Called, recorded consent")
    request.get_by_role("button", name="Done").click()
    expect(desk.get_by_role("article")).to_have_count(0)
    expect(desk.get_by_role("row", name="Nia North")).to_contain_text("Called, recorded consent")
    expect(menu.get_by_role("link", name="Help requests")).not_to_contain_text("1")
