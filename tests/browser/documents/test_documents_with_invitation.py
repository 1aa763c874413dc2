"""Documents that come with the invitation: signed, filled in and sent on a phone, then reviewed in the office."""

from datetime import datetime, time, timedelta

import pytest
import time_machine
from django.conf import settings as django_settings
from django.test import Client as Pages
from playwright.sync_api import Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from portico.domain.access.models import Invitation, PortalAccess
from portico.domain.clients.models import Client
from portico.domain.documents.models import DocumentTemplate, RequestState, Submission
from portico.domain.documents.sharing import document_reminders
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.models import OutgoingEmail
from tests import cast, shared_documents
from tests.browser.clients.test_clients import at_the_desk
from tests.support.browser.chromium import Browsing, carry
from tests.support.browser.document_pages import (
    DOCUMENTS,
    WIDTH,
    WORDS,
    expect_accessible,
    fill_in_form,
    link_in,
    phone_of,
    sign,
    upload_photo,
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.postgresql,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def practice(transactional_db: None) -> Practice:
    return cast.alder()


def invite(desk: Page, person: Client) -> Invitation:
    """Sends the invitation with the documents that its editor proposes, the welcome packet."""
    desk.goto(f"/office/clients/{person.ref}/edit/portal/")
    desk.get_by_label("Client Portal Access").check()
    for document in desk.get_by_test_id("enclosed-document").all():
        expect(document.get_by_role("checkbox")).to_be_checked()
    desk.get_by_role("button", name="Send Email").click()
    expect(desk.get_by_text("The invitation is on its way to")).to_be_visible()
    return Invitation.objects.select_related("email").get(client=person)


def review(desk: Page, person: Client) -> None:
    """Reads the three completed documents, reviews the form, and checks the consent by its number."""
    desk.goto(f"/office/clients/{person.ref}/documents/")
    states = desk.get_by_test_id("shared-document")
    expect(states).to_have_count(3)
    for each in states.all():
        expect(each).to_have_attribute("data-state", RequestState.COMPLETED)
    desk.get_by_role("link", name="Open: Insurance card").click()
    expect(desk.get_by_test_id("files")).to_contain_text("card.jpg")
    desk.goto(f"/office/clients/{person.ref}/documents/")
    desk.get_by_role("link", name="Open: Intake form").click()
    expect(desk.get_by_text("Anita")).to_be_visible()
    desk.get_by_role("button", name="Mark as reviewed").click()
    expect(desk.get_by_test_id("review")).to_contain_text("by Fay")
    desk.goto("/office/documents/check/")
    desk.get_by_role("textbox").fill(Submission.objects.exclude(signer_name="").get().ref)
    desk.get_by_role("button", name="Check", exact=True).click()
    expect(desk.get_by_test_id("check-result")).to_have_attribute("data-result", "unchanged")


@pytest.mark.parametrize(
    ("language", "javascript"), [pytest.param("en", True, marks=pytest.mark.sqlite), ("es", False)]
)
def test_three_documents_from_invitation_to_review(
    browsing: Browsing,
    live_server: LiveServer,
    settings: Settings,
    practice: Practice,
    *,
    language: str,
    javascript: bool,
) -> None:
    settings.PUBLIC_BASE_URL = live_server.url
    words, ana = WORDS[language], cast.client(practice, "Ana", address="ana@mail.example", language=language)
    for publish in (shared_documents.consent, shared_documents.form, shared_documents.request_for_file):
        publish(practice, in_welcome_packet=True)
    desk = at_the_desk(browsing, live_server, practice)
    invitation = invite(desk, ana)

    page = browsing.window(live_server.url, javascript=javascript, width=WIDTH)
    page.goto(link_in(invitation.email))
    page.get_by_role("button", name=words["sign in"]).click()
    expect(page.get_by_test_id("documents-left")).to_have_text(words["left"])
    page.get_by_role("link", name=words["start"], exact=True).click()
    expect(page.get_by_label(words["relationship"])).to_have_value(words["self"])
    sign(page, "Ana Abreu", language=language)
    fill_in_form(page, javascript=javascript, language=language)
    page.get_by_role("button", name=words["submit"]).click()
    upload_photo(page, "card.jpg", language=language)
    page.get_by_role("button", name=words["submit"]).click()
    expect(page.get_by_test_id("all-done")).to_have_text(words["done"])
    expect_accessible(page, javascript=javascript)
    consent = Submission.objects.get(signer_name="Ana Abreu")
    with page.expect_download() as started:
        page.get_by_role("link", name="PDF: ").first.click()
    assert started.value.suggested_filename == f"document-{consent.ref}.pdf"
    assert set(Submission.objects.values_list("language", flat=True)) == {language}
    review(desk, ana)


def reminders_on(practice: Practice, day: int) -> list[str]:
    """Queues what is due at noon so many days from now; returns the addresses that get a new reminder."""
    known = set(OutgoingEmail.objects.values_list("pk", flat=True))
    noon = datetime.combine(clock.today(practice.time_zone) + timedelta(days=day), time(12), practice.zone)
    # The clock of the browser can't be moved, and it waits meanwhile.
    with time_machine.travel(noon):
        document_reminders.queue_due()
        document_reminders.queue_due()
    return sorted(OutgoingEmail.objects.exclude(pk__in=known).values_list("to_address", flat=True))


def test_a_reminder_comes_once_and_ends_by_completion(
    browsing: Browsing, live_server: LiveServer, settings: Settings, practice: Practice
) -> None:
    settings.PUBLIC_BASE_URL, version = live_server.url, shared_documents.consent(practice)
    for person in (cast.ana(practice), cast.carol(practice)):
        shared_documents.shared(cast.with_access(person), version)
    assert reminders_on(practice, 2) == ["ana@mail.example", "carol@mail.example"]

    page = browsing.window(live_server.url, width=WIDTH)
    page.goto(link_in(OutgoingEmail.objects.get(to_address="ana@mail.example")))
    page.get_by_role("button", name="Sign in as").click()
    page.get_by_role("link", name="Get Started: Consent to treatment").click()
    sign(page, "Ana Abreu")
    expect(page.get_by_test_id("all-done")).to_be_visible()
    assert reminders_on(practice, 5) == ["carol@mail.example"]


def owners_window(browsing: Browsing, url: str, practice: Practice) -> Page:
    window = browsing.window(url)
    return carry(window, url, cast.signed_in(Pages(), cast.elm(practice)), django_settings.SESSION_COOKIE_NAME)


def test_a_document_changed_while_it_is_open_is_signed_as_it_was_sent(
    browsing: Browsing, live_server: LiveServer, practice: Practice
) -> None:
    ana, carol = cast.ana(practice), cast.carol(practice)
    page = phone_of(browsing, live_server.url, ana)
    (request,) = shared_documents.shared(PortalAccess.objects.get(own_client=ana), shared_documents.consent(practice))
    page.goto(f"{DOCUMENTS}{request.ref}/")

    desk = owners_window(browsing, live_server.url, practice)
    desk.goto(f"/office/settings/documents/{request.version.template.ref}/")
    desk.get_by_label("Text").first.fill("Of another text.")
    desk.get_by_role("button", name="Save", exact=True).last.click()
    desk.get_by_role("button", name="Publish").click()
    expect(desk.get_by_role("heading", name="Version 2 is published")).to_be_visible()

    sign(page, "Ana Abreu")
    expect(page.get_by_test_id("all-done")).to_be_visible()
    desk.goto(f"/office/clients/{ana.ref}/documents/{request.ref}/")
    expect(desk.get_by_text("I agree to treatment.")).to_be_visible()
    expect(desk.get_by_text("Of another text.")).to_have_count(0)
    current = DocumentTemplate.objects.get().current_version
    assert current is not None
    other_phone = phone_of(browsing, live_server.url, carol)
    (later,) = shared_documents.shared(PortalAccess.objects.get(own_client=carol), current)
    other_phone.goto(f"{DOCUMENTS}{later.ref}/")
    expect(other_phone.get_by_test_id("consent-text")).to_have_text("Of another text.")
