"""A staff member's first sign-in and the next, with the second factor required."""

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from portico.domain.practices.staff import authenticator_apps
from portico.domain.practices.staff.staff_sessions import SessionStore
from portico.plumbing import clock
from portico.plumbing.models import OutgoingEmail
from tests.browser.clients.test_first_path import PASSWORD, found_practice
from tests.support.browser.chromium import Browsing, axe
from tests.support.processes.commands import Process, Processes

pytestmark = [pytest.mark.browser, pytest.mark.postgresql, pytest.mark.real_processes, pytest.mark.slow]


def code_of(secret: str, *, later: int = 0) -> str:
    return authenticator_apps.code_at(secret, int(clock.now().timestamp()) // authenticator_apps.STEP + later)


def choose_password(page: Page, set_up_link: str) -> None:
    page.goto(set_up_link)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("main").get_by_role("button").first.click()
    expect(page.get_by_role("heading", name="Scan this with your authenticator app")).to_be_visible()


def set_up_app(page: Page) -> str:
    secret = page.locator(".qr-block .code").inner_text().replace(" ", "")
    page.get_by_label("Authenticator code").fill(code_of(secret))
    page.get_by_role("button", name="Turn on").click()
    expect(page.get_by_role("heading", name="Save your recovery codes")).to_be_visible()
    return secret


def save_codes(page: Page) -> list[str]:
    codes = page.get_by_role("list", name="Recovery codes").get_by_role("listitem").all_inner_texts()
    page.get_by_role("button", name="I have saved them").click()
    expect(page.get_by_role("heading", name="Clients", exact=True)).to_be_visible()
    return codes


def sign_in_by_password(page: Page) -> None:
    page.goto("/office/emails/")
    page.get_by_label("Email", exact=True).fill("naomi@alder.example")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()


def with_passkey_device(page: Page) -> None:
    """A virtual authenticator that creates and uses passkeys without user interaction."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def wait_ten_minutes(page: Page) -> None:
    """Moves the last verification of this browser's session into the past."""
    key = next(cookie["value"] for cookie in page.context.cookies() if cookie["name"] == settings.SESSION_COOKIE_NAME)
    session = SessionStore(key)
    session["proven-at"] -= 601
    session.save()


def complaints_of(page: Page) -> list[str]:
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [*axe(page), *([f"scrolls {wide} px sideways"] if wide > 0 else [])]


def test_from_the_set_up_link_to_the_next_sign_in(
    processes: Processes, strict_site: Process, browsing: Browsing
) -> None:
    page = browsing.window(strict_site.url, width=320)
    link = found_practice(processes, strict_site)["setup"]
    page.goto(link)
    found = complaints_of(page)
    choose_password(page, link)
    found += complaints_of(page)
    page.goto("/office/clients/")
    expect(page.get_by_role("heading", name="Scan this with your authenticator app")).to_be_visible()
    secret = set_up_app(page)
    found += complaints_of(page)
    codes = save_codes(page)
    assert len(codes) == 8

    other = browsing.window(strict_site.url, width=320, colors="dark")
    sign_in_by_password(other)
    found += complaints_of(other)
    other.get_by_label("Authenticator code").fill("12345")
    other.get_by_role("button", name="Sign in").click()
    expect(other.get_by_text("That code is incorrect.")).to_be_visible()
    other.get_by_label("Authenticator code").fill(code_of(secret, later=1))
    other.get_by_role("button", name="Sign in").click()
    expect(other.get_by_role("heading", name="Emails", exact=True)).to_be_visible()

    wait_ten_minutes(other)
    other.goto("/office/account/details/")
    expect(other.get_by_role("heading", name="Confirm it’s you")).to_be_visible()
    other.get_by_role("link", name="Use a recovery code").click()
    found += complaints_of(other)
    other.get_by_label("Recovery code").fill(codes[0])
    other.get_by_role("button", name="Continue").click()
    expect(other.get_by_role("heading", name="Name and email")).to_be_visible()
    other.get_by_label("Name", exact=True).fill("Dr. Naomi Elm")
    other.get_by_role("button", name="Save").click()
    expect(other.get_by_role("definition").first).to_have_text("Dr. Naomi Elm")
    found += complaints_of(other)
    assert found == []


def test_a_passkey_is_enough_as_first_factor(processes: Processes, strict_site: Process, browsing: Browsing) -> None:
    page = browsing.window(strict_site.url)
    with_passkey_device(page)
    choose_password(page, found_practice(processes, strict_site)["setup"])
    page.get_by_role("button", name="Use a passkey instead").click()
    expect(page.get_by_role("heading", name="Save your recovery codes")).to_be_visible()
    save_codes(page)
    assert OutgoingEmail.objects.filter(subject="A passkey was added").exists()

    page.get_by_role("button", name="your account").click()
    page.get_by_role("button", name="Sign out").click()
    sign_in_by_password(page)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Emails", exact=True)).to_be_visible()

    wait_ten_minutes(page)
    page.goto("/office/account/passkeys/new/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Add a passkey")).to_be_visible()
    page.goto("/office/account/")
    expect(page.get_by_role("heading", name="Passkeys")).to_be_visible()
    page.get_by_role("button", name="Remove Chrome on Linux").click()
    expect(page.get_by_text("This is your only sign-in method")).to_be_visible()


def test_app_and_recovery_code_work_without_script(
    processes: Processes, strict_site: Process, browsing: Browsing
) -> None:
    page = browsing.window(strict_site.url, javascript=False, width=320)
    choose_password(page, found_practice(processes, strict_site)["setup"])
    expect(page.get_by_text("Use a passkey instead")).to_be_hidden()
    set_up_app(page)
    codes = save_codes(page)

    other = browsing.window(strict_site.url, javascript=False, width=320)
    sign_in_by_password(other)
    other.get_by_role("link", name="Use a recovery code").click()
    other.get_by_label("Recovery code").fill(codes[1])
    other.get_by_role("button", name="Sign in").click()
    expect(other.get_by_role("heading", name="Emails", exact=True)).to_be_visible()

    third = browsing.window(strict_site.url, javascript=False)
    sign_in_by_password(third)
    third.get_by_role("link", name="Use a recovery code").click()
    third.get_by_label("Recovery code").fill(codes[1])
    third.get_by_role("button", name="Sign in").click()
    expect(third.get_by_text("That recovery code is incorrect or has already been used.")).to_be_visible()
