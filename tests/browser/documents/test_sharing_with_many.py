"""Sharing a document with several clients in a real browser, with a real worker: progress to a completed one."""

import re

import pytest
from django.conf import settings
from django.test import Client as Browser
from playwright.sync_api import expect

from portico.domain.access.models import PortalAccess
from portico.domain.documents.models import DocumentRequest
from tests import cast, shared_documents
from tests.support.browser.chromium import Browsing, carry
from tests.support.processes.commands import Process, Processes
from tests.support.servers.smtp import SmtpServer

pytestmark = [pytest.mark.browser, pytest.mark.real_processes]


def test_a_document_is_shared_with_all_who_may_get_it_and_followed(
    site: Process, processes: Processes, smtp: SmtpServer, browsing: Browsing
) -> None:
    practice = cast.alder()
    ana, bruno, nia = cast.ana(practice), cast.bruno(practice), cast.client(practice, "Nia", address="nia@mail.example")
    cast.with_access(bruno)
    cast.in_the_portal(Browser(), ana)
    shared_documents.consent(practice)
    worker = processes.worker(EMAIL_URL=smtp.url, PUBLIC_BASE_URL=site.url)
    worker.wait_for_line("worker.started")
    desk = browsing.window(site.url)
    carry(desk, site.url, cast.signed_in(Browser(), cast.fay(practice)), settings.SESSION_COOKIE_NAME)
    desk.goto("/office/clients/")
    desk.get_by_label("All 3 clients").check()
    desk.get_by_role("button", name="Share documents").click()
    desk.get_by_label(re.compile("^Consent to treatment")).check()
    desk.get_by_role("button", name="Continue to Email").click()
    desk.get_by_label("Subject").fill("One thing to sign")
    desk.get_by_role("button", name="Continue to Review").click()
    expect(desk.get_by_role("heading", name="Share with 2 people?")).to_be_visible()
    expect(desk.get_by_test_id("left-out")).to_have_attribute("data-reason", "access_off")
    expect(desk.get_by_test_id("left-out")).to_contain_text(nia.name)
    desk.get_by_role("button", name="Share with 2 people").click()

    shared = desk.locator('[data-testid="run-number"][data-state="shared"]')
    expect(shared).to_have_text("2", timeout=30_000)
    worker.wait_for(lambda: len(smtp.mails) == 2)
    assert {mail.recipient for mail in smtp.mails} == {"ana@mail.example", "bruno@mail.example"}
    assert {mail.message["Subject"] for mail in smtp.mails} == {"One thing to sign"}

    shared_documents.signed(DocumentRequest.objects.get(client=ana), PortalAccess.objects.get(own_client=ana))
    desk.get_by_role("link", name="Check again").click()
    expect(desk.get_by_text("1 of 2 completed")).to_be_visible()
