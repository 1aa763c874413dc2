"""The main path: from the owner's set-up link to the client's home page."""

import json
import re

import pytest
from playwright.sync_api import Page, expect

from portico.domain.access.models import PortalSession
from tests.support.browser.chromium import Browsing
from tests.support.processes.commands import Process, Processes
from tests.support.servers.smtp import SmtpServer

pytestmark = [pytest.mark.browser, pytest.mark.real_processes, pytest.mark.slow]

PASSWORD = "a long pass phrase for the office"


def found_practice(processes: Processes, web: Process) -> dict[str, str]:
    answer = processes.run(
        *("create-practice", "--slug", "alder-street", "--name", "Alder Street Therapy"),
        *("--time-zone", "America/Los_Angeles", "--currency", "USD"),
        *("--owner-email", "naomi@alder.example", "--owner-name", "Naomi Elm", "--json"),
        PUBLIC_BASE_URL=web.url,
    )
    assert answer.returncode == 0, answer.stderr
    founded: dict[str, str] = json.loads(answer.stdout)
    return founded


def set_up_owner(page: Page, founded: dict[str, str]) -> None:
    page.goto(founded["setup"])
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("main").get_by_role("button").first.click()
    expect(page.get_by_role("heading", name="Clients", exact=True)).to_be_visible()


def sign_in(page: Page) -> None:
    page.goto("/office/")
    page.get_by_label("Email", exact=True).fill("naomi@alder.example")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Clients", exact=True)).to_be_visible()


def create_client(page: Page) -> None:
    page.get_by_role("link", name="Create Client").first.click()
    page.get_by_label("First name").fill("Jordan")
    page.get_by_label("Last name").fill("Example")
    page.get_by_role("button", name="Save Client").click()
    expect(page.get_by_role("heading", name="Jordan Example")).to_be_visible()


def record_consent(page: Page) -> None:
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_role("link", name="Client Info").click()
    page.get_by_role("textbox", name="Email", exact=True).first.fill("jordan@client.example")
    page.get_by_label("Email ok").first.check()
    page.get_by_role("button", name="Save Client").click()
    expect(page.get_by_role("textbox", name="Email", exact=True).first).to_have_value("jordan@client.example")


def invite(page: Page) -> None:
    page.get_by_role("navigation", name="Edit").get_by_role("link", name="Client Portal").click()
    page.get_by_label("Client Portal Access").check()
    page.get_by_label("Email", exact=True).select_option(label="jordan@client.example (Home)")
    expect(page.get_by_role("heading", name="Invitation email")).to_be_visible()
    page.get_by_role("button", name="Send Email").click()
    expect(page.get_by_text(re.compile("hasn’t signed in yet"))).to_be_visible()


def link_in(smtp: SmtpServer) -> str:
    (mail,) = smtp.wait_for(1)
    assert mail.recipient == "jordan@client.example"
    found = re.search(r"http://localhost:\d+/portal/alder-street/link/\S+", mail.text())
    assert found
    assert found[0] in mail.text("html")
    return found[0]


@pytest.mark.parametrize("client_has_script", [True, False], ids=["with script", "without script"])
def test_from_a_new_practice_to_a_clients_home_page(
    processes: Processes, smtp: SmtpServer, browsing: Browsing, *, client_has_script: bool
) -> None:
    web = processes.web(EMAIL_URL=smtp.url)
    processes.worker(EMAIL_URL=smtp.url, PUBLIC_BASE_URL=web.url)
    founded = found_practice(processes, web)
    office = browsing.window(web.url)
    set_up_owner(office, founded)

    other_office = browsing.window(web.url)
    sign_in(other_office)

    create_client(office)
    record_consent(office)
    invite(office)

    phone = browsing.window(web.url, javascript=client_has_script, width=320)
    phone.goto(link_in(smtp))
    expect(phone).to_have_url(f"{web.url}/portal/alder-street/link/")
    expect(phone.get_by_role("heading", name="Your portal is ready")).to_be_visible()
    assert PortalSession.objects.count() == 0
    phone.get_by_role("button", name=re.compile("^Sign in as j…n@client.example")).click()
    expect(phone.get_by_role("heading", name="Hello, Jordan")).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth") <= 320 if client_has_script else True

    office.reload()
    expect(office.get_by_text(re.compile("hasn’t signed in yet"))).to_have_count(0)
    office.get_by_role("link", name="Clients").first.click()
    expect(office.get_by_test_id("portal-state")).to_have_attribute("data-state", "signed_in")

    phone.get_by_role("link", name="Profile").first.click()
    expect(phone.get_by_text("jordan@client.example")).to_be_visible()
    phone.get_by_role("button", name="Sign out").first.click()
    expect(phone.get_by_role("heading", name="You are signed out")).to_be_visible()
    phone.goto("/portal/alder-street/home/")
    expect(phone.get_by_label("Enter your email")).to_be_visible()
