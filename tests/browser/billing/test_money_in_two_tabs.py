"""Every office action on money with two tabs: the page is open in one, the sums change in the other."""

import pytest
from django.conf import settings
from django.test import Client as Browser
from playwright.sync_api import Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from portico.domain.practices.models import Practice
from tests import cast
from tests.support.browser.chromium import Browsing, carry
from tests.web.office.money_actions import ACTS, Open

pytestmark = [
    pytest.mark.browser,
    pytest.mark.postgresql,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def practice(transactional_db: None) -> Practice:
    return cast.alder()


def form_of(page: Page, opened: Open) -> Locator:
    return page.locator(f'form[action="{opened.to}"]' if opened.to else 'form[method="post"]:not([action])')


def fill(form: Locator, typed: dict[str, str]) -> None:
    for name, value in typed.items():
        fields = form.locator(f'[name="{name}"]')
        kind = fields.first.get_attribute("type") or ""
        if kind == "radio":
            form.locator(f'[name="{name}"][value="{value}"]').check()
        elif kind == "checkbox":
            fields.check()
        elif form.locator(f'select[name="{name}"]').count():
            fields.select_option(value)
        else:
            fields.fill(value)


def press(page: Page, form: Locator) -> None:
    """Clicks the form's submit button, which may be elsewhere on the page and refer to the form, or in a fold."""
    elsewhere = form.get_attribute("id")
    inside = form.get_by_role("button")
    button = inside.last if inside.count() else page.locator(f'button[form="{elsewhere}"]')
    fold = page.locator("details:not([open])").filter(has=button)
    if fold.count():
        # What deletes something asks first.
        fold.locator("summary").click()
    button.click()


@pytest.mark.parametrize("javascript", [True, False])
def test_outdated_tabs_cannot_change_money(
    browsing: Browsing, live_server: LiveServer, practice: Practice, *, javascript: bool
) -> None:
    owner = cast.signed_in_with_factor(Browser(), cast.elm(practice))
    tab = browsing.window(live_server.url, javascript=javascript)
    carry(tab, live_server.url, owner, settings.SESSION_COOKIE_NAME)
    for number, act in enumerate(ACTS):
        person = cast.client(practice, "Ana", f"Abreu {number}", address=f"ana{number}@mail.example")
        cast.with_access(person)
        opened = act(person)
        tab.goto(opened.page)
        opened.meanwhile()
        form = form_of(tab, opened)
        fill(form, opened.typed)
        press(tab, form)
        expect(tab.get_by_text(opened.says), act.__name__).to_have_count(1)
