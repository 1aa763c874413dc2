"""The team in a real browser: invitation, authenticator, another role, password reset, deactivation."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.clients.test_first_path import PASSWORD, found_practice
from tests.browser.entrance.test_staff_first_day import choose_password, code_of, save_codes, set_up_app
from tests.support.browser.chromium import Browsing
from tests.support.processes.commands import Process, Processes
from tests.support.servers.smtp import SmtpServer

pytestmark = [pytest.mark.browser, pytest.mark.postgresql, pytest.mark.real_processes, pytest.mark.slow]

FAYS = "fay@alder.example"
NEW_PASSWORD = "another phrase for the same office"
TEAM = "/office/settings/team/"


@pytest.fixture
def web(strict_site: Process, processes: Processes, smtp: SmtpServer) -> Process:
    processes.worker(PORTICO_DEMO="0", EMAIL_URL=smtp.url, PUBLIC_BASE_URL=strict_site.url)
    return strict_site


@pytest.fixture
def owner(processes: Processes, web: Process, browsing: Browsing) -> Page:
    page = browsing.window(web.url)
    choose_password(page, found_practice(processes, web)["setup"])
    set_up_app(page)
    save_codes(page)
    return page


def invite_fay(owner: Page) -> None:
    owner.goto(TEAM)
    owner.get_by_label("Name", exact=True).fill("Fay")
    owner.get_by_label("Email", exact=True).fill(FAYS)
    owner.get_by_label("Role", exact=True).select_option(label="Front desk")
    owner.get_by_role("button", name="Send invitation").click()
    expect(owner.get_by_text(f"The invitation is on its way to {FAYS}.")).to_be_visible()


def set_up_link(web: Process, smtp: SmtpServer, *, number: int) -> str:
    """Returns the `number`-th link to choose a password in the colleague's mailbox."""
    web.wait_for(lambda: len(links_in(smtp)) >= number)
    return links_in(smtp)[number - 1]


def links_in(smtp: SmtpServer) -> list[str]:
    texts = [mail.text() for mail in list(smtp.mails) if mail.recipient == FAYS]
    return re.findall(r"http://localhost:\d+/office/set-up/\S+", "\n".join(texts))


def type_password(page: Page, password: str) -> None:
    page.get_by_label("Email", exact=True).fill(FAYS)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()


def open_member(owner: Page) -> None:
    owner.goto(TEAM)
    owner.get_by_role("link", name="Change Fay").click()


def test_a_colleague_is_invited_changed_and_deactivated(
    web: Process, owner: Page, smtp: SmtpServer, browsing: Browsing
) -> None:
    invite_fay(owner)
    fay = browsing.window(web.url, width=320)
    link = set_up_link(web, smtp, number=1)
    choose_password(fay, link)
    set_up_app(fay)
    save_codes(fay)
    expect(fay.get_by_role("link", name="Create Client").first).to_be_visible()
    again = browsing.window(web.url)
    again.goto(link)
    expect(again.get_by_role("heading", name="This link no longer works")).to_be_visible()

    open_member(owner)
    owner.get_by_role("combobox", name="Role").select_option(label="Biller")
    owner.get_by_role("button", name="Save role").click()
    expect(owner.get_by_text("Fay’s role is now")).to_be_visible()
    fay.goto("/office/clients/")
    expect(fay.get_by_role("heading", name="Clients", exact=True)).to_be_visible()
    expect(fay.get_by_role("link", name="Create Client")).to_have_count(0)
    answer = fay.goto("/office/clients/new/")
    assert answer is not None
    assert answer.status == 403

    open_member(owner)
    owner.get_by_text("Deactivate account").click()
    owner.get_by_role("button", name="Deactivate").click()
    expect(owner.get_by_text("Fay has been deactivated")).to_be_visible()
    fay.goto("/office/clients/")
    expect(fay.get_by_label("Password", exact=True)).to_be_visible()
    type_password(fay, PASSWORD)
    expect(fay.get_by_text("That email and password don’t match.")).to_be_visible()


def test_a_password_reset_keeps_the_authenticator(
    web: Process, owner: Page, smtp: SmtpServer, browsing: Browsing
) -> None:
    invite_fay(owner)
    fay = browsing.window(web.url)
    choose_password(fay, set_up_link(web, smtp, number=1))
    secret = set_up_app(fay)
    save_codes(fay)

    elsewhere = browsing.window(web.url, width=320)
    elsewhere.goto("/office/sign-in/")
    elsewhere.get_by_role("link", name="Forgot your password?").click()
    elsewhere.get_by_label("Email", exact=True).fill(FAYS)
    elsewhere.get_by_role("button", name="Email me a link").click()
    expect(elsewhere.get_by_role("heading", name="Check your email")).to_be_visible()
    elsewhere.goto(set_up_link(web, smtp, number=2))
    expect(elsewhere.get_by_role("heading", name="Choose a new password")).to_be_visible()
    elsewhere.get_by_label("Password", exact=True).fill(NEW_PASSWORD)
    elsewhere.get_by_role("button", name="Continue").click()
    expect(elsewhere.get_by_text("Your new password is set")).to_be_visible()
    type_password(elsewhere, NEW_PASSWORD)
    expect(elsewhere.get_by_role("heading", name="One more step")).to_be_visible()
    elsewhere.get_by_label("Authenticator code").fill(code_of(secret, later=1))
    elsewhere.get_by_role("button", name="Sign in").click()
    expect(elsewhere.get_by_role("heading", name="Clients", exact=True)).to_be_visible()

    # Sessions that began with the old password have ended, and it no longer signs in.
    fay.goto("/office/clients/")
    expect(fay.get_by_label("Password", exact=True)).to_be_visible()
    type_password(fay, PASSWORD)
    expect(fay.get_by_role("heading", name="One more step")).to_have_count(0)
    type_password(fay, NEW_PASSWORD)
    expect(fay.get_by_role("heading", name="One more step")).to_be_visible()
