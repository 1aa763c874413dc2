"""Inviting all clients of a practice in a real browser, with a real worker: progress, pause, and a sign-in."""

import re
import time

import pytest
from django.conf import settings
from django.test import Client as Browser
from playwright.sync_api import expect

from portico.domain.access.models import Invitation
from portico.domain.access.onboarding import bulk_client_creation
from portico.domain.access.onboarding.bulk_client_creation import NewClient
from portico.domain.clients.client_input import AddressInput, ClientDetails, ClientInput
from portico.domain.practices.models import Practice
from tests import cast
from tests.support.browser.chromium import Browsing, carry
from tests.support.browser.press_counter import Presses
from tests.support.database import databases
from tests.support.processes.commands import Process, Processes
from tests.support.servers.smtp import SmtpServer

pytestmark = [pytest.mark.browser, pytest.mark.postgresql, pytest.mark.real_processes, pytest.mark.slow]
# More than a page of the list, and more than the run sends before it is paused.
CLIENTS, PER_SECOND = 214 if databases.is_whole() else 80, 25


def clients(practice: Practice) -> None:
    new = []
    for number in range(CLIENTS):
        address = AddressInput(f"person{number}@mail.example", "home", email_ok=True)
        new.append(NewClient(ClientInput(ClientDetails(f"Person {number}"), (address,))))
    bulk_client_creation.create_all(practice, new, by=cast.DESK)


def test_all_clients_are_invited_with_a_pause_and_one_signs_in(
    site: Process, processes: Processes, smtp: SmtpServer, browsing: Browsing
) -> None:
    practice = cast.alder()
    clients(practice)
    cast.client(practice, "Without", "Address")
    worker = processes.worker(EMAIL_URL=smtp.url, PUBLIC_BASE_URL=site.url, EMAIL_PER_SECOND=str(PER_SECOND))
    worker.wait_for_line("worker.started")
    desk, presses = browsing.window(site.url), Presses()
    carry(desk, site.url, cast.signed_in(Browser(), cast.fay(practice)), settings.SESSION_COOKIE_NAME)
    desk.goto("/office/clients/")
    presses.press(desk.get_by_label(f"All {CLIENTS + 1} clients"))
    presses.press(desk.get_by_role("button", name="Invite", exact=True))
    expect(desk.get_by_role("heading", name=f"Invite {CLIENTS} clients?")).to_be_visible()
    expect(desk.get_by_test_id("left-out")).to_have_attribute("data-reason", "no_address")
    presses.press(desk.get_by_role("button", name=f"Send {CLIENTS} invitations"))
    assert presses.count == 3

    desk.get_by_role("button", name="Pause").click()
    expect(desk.get_by_role("button", name="Resume")).to_be_visible()
    written = Invitation.objects.count()
    assert written < CLIENTS
    time.sleep(1)
    assert Invitation.objects.count() == written
    desk.get_by_role("button", name="Resume").click()

    sent = desk.locator('[data-testid="run-number"][data-state="handed_over"]')
    expect(sent).to_have_text(str(CLIENTS), timeout=120_000)
    assert sorted(mail.recipient for mail in smtp.mails) == sorted(
        f"person{number}@mail.example" for number in range(CLIENTS)
    )

    link = re.search(r"http://localhost:\d+/portal/alder-street/link/\S+", smtp.mails[0].text())
    assert link
    phone = browsing.window(site.url, width=320)
    phone.goto(link[0])
    phone.get_by_role("button", name=re.compile("^Sign in as")).click()
    expect(phone.get_by_role("heading", name=re.compile("^Hello, Person"))).to_be_visible()
    desk.get_by_role("link", name="Check again").click()
    expect(desk.get_by_text(f"1 of {CLIENTS} signed in")).to_be_visible()
