"""Settings of a practice in a real browser: name, hue, logo, and the text of invitations."""

import pytest
from django.conf import settings
from django.test import Client as Browser
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from portico.domain.practices.models import Practice, StaffMember
from tests import cast
from tests.support.browser.chromium import COLOUR_RULES, Browsing, axe
from tests.support.pictures import picture

pytestmark = [
    pytest.mark.browser,
    pytest.mark.postgresql,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]
PRACTICE, EMAILS = "/office/settings/practice/", "/office/settings/emails/"
DOOR = "/portal/alder-street/"


@pytest.fixture
def practice(transactional_db: None) -> Practice:
    return cast.alder()


def window_of(
    member: StaffMember, browsing: Browsing, live_server: LiveServer, *, javascript: bool = True, width: int = 1280
) -> Page:
    session = cast.signed_in(Browser(), member).cookies[settings.SESSION_COOKIE_NAME].value
    page = browsing.window(live_server.url, javascript=javascript, width=width)
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
    return page


def hue_of(page: Page) -> str:
    hue: str = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--brand-hue').trim()")
    return hue


def test_an_owner_changes_the_portals_appearance(
    browsing: Browsing, live_server: LiveServer, practice: Practice
) -> None:
    ana = cast.ana(practice)
    page = window_of(cast.elm(practice), browsing, live_server)
    page.goto(PRACTICE)
    page.get_by_label("Practice name").fill("Alder & Birch")
    page.get_by_label("Plum").check()
    # The page itself is the preview, before anything is saved.
    expect(page.locator('#sample link[href="/look/hue-330.css"]')).to_have_count(1)
    page.get_by_role("button", name="Save practice").click()
    expect(page.get_by_text("The practice settings were saved.")).to_be_visible()
    page.get_by_label("Choose a logo").set_input_files(
        {"name": "logo.jpg", "mimeType": "image/jpeg", "buffer": picture("JPEG")}
    )
    page.get_by_role("button", name="Save logo").click()
    expect(page.get_by_text("The logo was saved.")).to_be_visible()

    page.get_by_role("navigation", name="Settings").get_by_role("link", name="Emails").click()
    page.get_by_label("Subject").first.fill("Come in, [first name]")
    expect(page.locator("#preview-en")).to_contain_text("Come in, Jordan")
    page.get_by_role("button", name="Save emails").last.click()
    expect(page.get_by_text("The email settings were saved.")).to_be_visible()
    page.goto(f"/office/clients/{ana.ref}/edit/portal/")
    expect(page.get_by_label("Subject")).to_have_value("Come in, [first name]")

    visitor = browsing.window(live_server.url)
    visitor.goto(DOOR)
    # The name is also in the header that only the printed page shows.
    expect(visitor.locator("p:visible", has_text="Alder & Birch").first).to_be_visible()
    assert hue_of(visitor) == "330"
    assert visitor.locator("img.logo").evaluate("image => image.naturalWidth") == 300
    assert browsing.complaints == []


def test_previews_work_without_script(browsing: Browsing, live_server: LiveServer, practice: Practice) -> None:
    page = window_of(cast.elm(practice), browsing, live_server, javascript=False, width=320)
    page.goto(PRACTICE)
    page.get_by_label("Custom", exact=True).check()
    page.get_by_label("Custom hue").fill("77")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator('link[href="/look/hue-77.css"]')).to_have_count(1)
    expect(page.get_by_label("Custom hue")).to_have_value("77")
    page.goto(EMAILS)
    page.get_by_label("Subject").first.fill("Come in, [first name]")
    page.get_by_role("button", name="Preview").first.click()
    expect(page.locator("#preview-en")).to_contain_text("Come in, Jordan")


def test_the_front_desk_has_no_access(browsing: Browsing, live_server: LiveServer, practice: Practice) -> None:
    page = window_of(cast.fay(practice), browsing, live_server)
    page.goto("/office/clients/")
    expect(page.get_by_role("link", name="Settings")).to_have_count(0)
    for address in (PRACTICE, EMAILS):
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 403


@pytest.mark.parametrize("hue", [0, 100, 195, 300])
def test_every_hue_has_enough_contrast(
    browsing: Browsing, live_server: LiveServer, practice: Practice, hue: int
) -> None:
    Practice.objects.update(hue=hue)
    for colors in ("light", "dark"):
        page = browsing.window(live_server.url, colors="dark" if colors == "dark" else "light")
        page.goto(DOOR)
        assert hue_of(page) == str(hue)
        assert axe(page, COLOUR_RULES) == []
