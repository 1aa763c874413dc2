"""A client is interrupted in a form, has it open in two windows, and signs a consent with the keyboard."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from portico.domain.access.models import PortalAccess, PortalSession, SignInRequest
from portico.domain.access.sign_in import sign_in_links
from portico.domain.access.sign_in.requests import request_worker
from portico.domain.clients.models import Client
from portico.domain.documents.models import DocumentRequest, ResponseDraft, Submission
from portico.plumbing import clock
from tests import cast, shared_documents
from tests.support.browser.chromium import Browsing
from tests.support.browser.document_pages import HOME, expect_accessible, phone_of

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def ana(transactional_db: None) -> Client:
    ana = cast.ana(cast.alder())
    cast.with_access(ana)
    return ana


def packet(ana: Client) -> list[DocumentRequest]:
    practice = ana.practice
    access = PortalAccess.objects.get(own_client=ana)
    return shared_documents.shared(access, shared_documents.consent(practice), shared_documents.form(practice))


@pytest.mark.postgresql
def test_ana_goes_on_the_next_day_by_a_new_link_where_she_was_interrupted(
    browsing: Browsing, live_server: LiveServer, settings: Settings, ana: Client
) -> None:
    settings.PUBLIC_BASE_URL = live_server.url
    asked = [shared_documents.item(f"n{n}", "string", f"Question {n}") for n in range(1, 41)]
    access = PortalAccess.objects.get(own_client=ana)
    (request,) = shared_documents.shared(access, shared_documents.form(ana.practice, *asked))
    page = phone_of(browsing, live_server.url, ana)
    page.get_by_role("link", name="Get Started", exact=True).click()
    for number in range(1, 13):
        page.get_by_label(f"Question {number} ", exact=False).first.fill(f"Answer {number}")
    expect(page.locator("#saving")).to_contain_text("Saved ")
    assert ResponseDraft.objects.get().place == "n12"
    # Published meanwhile: what is open stays as it is.
    shared_documents.new_version(request.version.template, shared_documents.intake(asked[0]))
    PortalSession.objects.update(seen_at=clock.now() - timedelta(days=1))

    page.get_by_label("Question 13 ", exact=False).first.fill("Typed too late")
    expect(page.locator("#saving")).to_contain_text("You are signed out.")
    page.get_by_role("button", name="Review & Continue").click()
    page.get_by_role("button", name="Send me a new link").click()
    assert request_worker.process_next()
    page.goto(sign_in_links.url_of(cast.handed_over(SignInRequest.objects.get())))
    page.get_by_role("button", name="Sign in as").click()
    expect(page.get_by_label("Question 13 ", exact=False).first).to_have_value("Typed too late")
    expect(page.get_by_label("Question 12 ", exact=False).first).to_have_value("Answer 12")

    page.goto(HOME)
    page.get_by_test_id("documents-waiting").get_by_role("link", name="Continue").click()
    expect(page.get_by_label("Question 12 ", exact=False).first).to_be_focused()
    expect(page.get_by_label("Question 40 ", exact=False).first).to_be_visible()


@pytest.mark.sqlite
def test_two_windows_are_both_shown(browsing: Browsing, live_server: LiveServer, ana: Client) -> None:
    packet(ana)
    form = DocumentRequest.objects.latest("id")
    first = phone_of(browsing, live_server.url, ana)
    address = f"/portal/alder-street/documents/{form.ref}/pages/1/"
    first.goto(address)
    second = first.context.new_page()
    second.goto(f"{live_server.url}{address}")
    first.get_by_label("What do you like to be called?").fill("Ana")
    expect(first.locator("#saving")).to_contain_text("Saved ")
    second.get_by_label("What do you like to be called?").fill("Anita")
    expect(second.locator("#saving")).to_contain_text("Not saved yet. Select Continue to see why.")
    second.get_by_role("button", name="Continue", exact=True).click()
    expect(second.get_by_role("region", name="Saved in the other window")).to_contain_text("Ana")
    expect(second.get_by_label("What do you like to be called?")).to_have_value("Anita")
    expect_accessible(second)


@pytest.mark.sqlite
def test_a_consent_is_signed_with_the_keyboard_alone(browsing: Browsing, live_server: LiveServer, ana: Client) -> None:
    consent, _form = packet(ana)
    page = phone_of(browsing, live_server.url, ana)
    page.goto(f"/portal/alder-street/documents/{consent.ref}/")
    expect(page.get_by_role("form", name="Sign here")).to_match_aria_snapshot("""
        - heading "Sign here" [level=2]
        - text: Your full name
        - textbox "Your full name"
        - text: Relationship to client
        - textbox "Relationship to client": Self
        - checkbox "I agree to sign electronically. I know that I can ask for a paper copy instead."
        - button "Submit & Continue"
    """)
    expect(page.get_by_role("button", name="Submit & Continue")).to_have_accessible_description(
        re.compile("^I have read this document and agree to it. My typed name is my signature. When you send this, ")
    )
    page.get_by_label("Your full name").focus()
    for key in ("A", "n", "a", "Tab", "Tab", "Space", "Tab", "Enter"):
        page.keyboard.press(key)
    expect(page.get_by_text("Done. Here is the next document.")).to_be_visible()
    assert Submission.objects.get().signer_name == "Ana"
