"""The entrance in a real browser: by link, by code, in Spanish, and by keyboard."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from portico.domain.access.models import PortalSession
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.models import OutgoingEmail
from tests import cast
from tests.support.browser.chromium import Browsing
from tests.support.processes.commands import Process, Processes
from tests.support.servers.smtp import Mail, SmtpServer

pytestmark = [pytest.mark.browser, pytest.mark.postgresql, pytest.mark.real_processes, pytest.mark.slow]

DOOR = "/portal/alder-street/"
ANA = "ana@mail.example"


@dataclass(frozen=True)
class House:
    """A web server and a worker, with Ana who has access."""

    web: Process
    smtp: SmtpServer

    def mail(self, number: int = 1) -> Mail:
        return self.smtp.wait_for(number, seconds=20)[number - 1]


@pytest.fixture
def house(site: Process, processes: Processes, smtp: SmtpServer) -> House:
    processes.worker(EMAIL_URL=smtp.url, PUBLIC_BASE_URL=site.url)
    cast.with_access(cast.ana(cast.alder()))
    return House(site, smtp)


def link_in(mail: Mail) -> str:
    found = re.search(r"http://localhost:\d+/portal/alder-street/link/\S+", mail.text())
    assert found
    return found[0]


def code_in(mail: Mail) -> str:
    found = re.search(r"^[2-9A-HJ-KM-NP-Z]{3} [2-9A-HJ-KM-NP-Z]{3}$", mail.text(), re.MULTILINE)
    assert found
    return found[0]


def ask(page: Page, address: str = ANA) -> None:
    page.goto(DOOR)
    page.get_by_label("Enter your email").fill(address)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Check your email")).to_be_visible()


@contextmanager
def expect_no_sideways_scrolling(page: Page) -> Iterator[None]:
    """Asserts that no page visited in the block scrolls sideways."""
    yield
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


@pytest.mark.parametrize("has_script", [True, False], ids=["with script", "without script"])
def test_a_requested_link_opens_the_portal(house: House, browsing: Browsing, *, has_script: bool) -> None:
    phone = browsing.window(house.web.url, javascript=has_script, width=320)
    ask(phone)
    expect(phone.get_by_text(ANA)).to_be_visible()
    expect(phone.get_by_text("Check your spam or junk folder")).to_be_visible()
    expect(phone.get_by_role("link", name="I have a PIN")).to_be_visible()
    phone.goto(link_in(house.mail()))
    expect(phone.get_by_role("heading", name="Sign in to Alder Street Therapy")).to_be_visible()
    phone.get_by_role("button", name=re.compile("^Sign in as a…a@mail.example")).click()
    expect(phone.get_by_role("heading", name="Hello, Ana")).to_be_visible()


def test_pages_fit_a_narrow_phone(house: House, browsing: Browsing) -> None:
    phone = browsing.window(house.web.url, width=320)
    with expect_no_sideways_scrolling(phone):
        phone.goto(DOOR)
    with expect_no_sideways_scrolling(phone):
        ask(phone, f"{'a-very-long-name' * 4}@a-very-long-domain-of-somebody.example")
    other = browsing.window(house.web.url, width=320)
    with expect_no_sideways_scrolling(other):
        other.goto(f"{DOOR}code/")
    with expect_no_sideways_scrolling(other):
        other.goto(f"{DOOR}link/never-was/")


@pytest.mark.parametrize("has_script", [True, False], ids=["with script", "without script"])
def test_a_code_works_only_in_the_requesting_browser(house: House, browsing: Browsing, *, has_script: bool) -> None:
    here = browsing.window(house.web.url, javascript=has_script)
    elsewhere = browsing.window(house.web.url, javascript=has_script)
    ask(here)
    code = code_in(house.mail())
    elsewhere.goto(f"{DOOR}code/")
    expect(elsewhere.get_by_role("heading", name="Use the code in the browser where you requested it")).to_be_visible()
    ask(elsewhere, "stranger@else.example")
    elsewhere.get_by_label("Code", exact=True).fill(code)
    elsewhere.get_by_role("button", name="Sign in", exact=True).click()
    expect(elsewhere.get_by_text("That code doesn’t match.")).to_be_visible()
    assert PortalSession.objects.count() == 0
    here.get_by_label("Code", exact=True).fill(code.lower().replace(" ", "-"))
    here.get_by_role("button", name="Sign in", exact=True).click()
    expect(here.get_by_role("heading", name="Hello, Ana")).to_be_visible()


def test_an_expired_link_is_renewed_by_one_button(house: House, browsing: Browsing) -> None:
    page = browsing.window(house.web.url)
    page.goto(f"{DOOR}profile/")
    page.get_by_label("Enter your email").fill(ANA)
    page.get_by_role("button", name="Continue").click()
    link = link_in(house.mail())
    OutgoingEmail.objects.update(handing_over_at=clock.now() - timedelta(days=1, seconds=1))
    phone = browsing.window(house.web.url)
    phone.goto(link)
    expect(phone.get_by_role("heading", name="This link has expired")).to_be_visible()
    phone.get_by_role("button", name="Send me a new link").click()
    expect(phone.get_by_role("heading", name="Check your email")).to_be_visible()
    expect(phone.get_by_text("a…a@mail.example")).to_be_visible()
    expect(phone.get_by_text(ANA)).to_have_count(0)
    phone.goto(link_in(house.mail(2)))
    phone.get_by_role("button", name=re.compile("^Sign in as")).click()
    expect(phone.get_by_role("heading", name="Profile", exact=True)).to_be_visible()


def test_a_used_link_says_so(house: House, browsing: Browsing) -> None:
    first, second = browsing.window(house.web.url), browsing.window(house.web.url)
    ask(first)
    link = link_in(house.mail())
    for page in (first, second):
        page.goto(link)
    first.get_by_role("button", name=re.compile("^Sign in as")).click()
    expect(first.get_by_role("heading", name="Hello, Ana")).to_be_visible()
    second.get_by_role("button", name=re.compile("^Sign in as")).click()
    expect(second.get_by_role("heading", name="This link was already used")).to_be_visible()
    expect(second.get_by_role("button", name="Send me a new link")).to_be_visible()
    assert PortalSession.objects.count() == 1


def test_signing_in_by_keyboard(house: House, browsing: Browsing) -> None:
    page = browsing.window(house.web.url)
    page.goto(DOOR)
    page.keyboard.press("Tab")
    page.keyboard.type(ANA)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Check your email")).to_be_visible()
    code = code_in(house.mail())
    while page.evaluate("document.activeElement.name") != "code":
        page.keyboard.press("Tab")
    page.keyboard.type(code)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Hello, Ana")).to_be_visible()


def test_spanish_from_the_entrance_to_the_portal(house: House, browsing: Browsing) -> None:
    cast.with_access(cast.client(Practice.objects.get(), "Lucía", address="lucia@mail.example", language="es"))
    page = browsing.window(house.web.url)
    page.goto(DOOR)
    page.get_by_role("link", name="Español").click()
    page.get_by_label("Escriba su correo electrónico").fill("lucia")
    page.get_by_role("button", name="Continuar").click()
    expect(page.get_by_text("Escriba una sola dirección de correo")).to_be_visible()
    page.get_by_label("Escriba su correo electrónico").fill("lucia@mail.example")
    page.get_by_role("button", name="Continuar").click()
    expect(page.get_by_role("heading", name="Revise su correo")).to_be_visible()
    mail = house.mail()
    assert re.match(r"Inicie sesión en Alder Street Therapy \(solicitado a las? ", mail.message["Subject"])
    assert "escriba este código" in mail.text()
    page.goto(link_in(mail))
    page.get_by_role("button", name=re.compile("^Iniciar sesión como")).click()
    expect(page.get_by_role("heading", name="Hola, Lucía")).to_be_visible()
    page.goto(f"{DOOR}nowhere/")
    expect(page.locator("html")).to_have_attribute("lang", "es")
