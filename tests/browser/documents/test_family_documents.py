"""Documents of a family: each person sees and signs what was sent to them, and nothing of the others."""

from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from portico.domain.access import access_grants
from portico.domain.clients import contacts, registration
from portico.domain.clients.client_input import ClientDetails, ClientInput
from portico.domain.clients.models import Client, ClientKind, Relationship, RelationshipKind
from portico.domain.documents.models import DocumentRequest, Submission
from portico.domain.practices.models import Practice
from tests import cast, shared_documents
from tests.browser.clients.test_clients import at_the_desk
from tests.support.browser.card_pages import GOOD, expect_paid, pay_now, type_card
from tests.support.browser.chromium import Browsing
from tests.support.browser.document_pages import DOCUMENTS, HOME, phone, sign
from tests.support.card_payments import Till
from tests.support.portal_client import Browser

pytestmark = [
    pytest.mark.browser,
    pytest.mark.postgresql,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def practice(transactional_db: None) -> Practice:
    return cast.alder()


def phone_of_contact(browsing: Browsing, live_server: LiveServer, person: Relationship) -> Page:
    return phone(browsing, live_server.url, cast.contact_in_the_portal(Browser(), person))


def expect_nothing_of(page: Page, request: DocumentRequest) -> None:
    """Expects that the documents of the person on the page do not include this one of another person."""
    page.goto(HOME)
    expect(page.get_by_test_id("documents-waiting")).to_have_count(0)
    page.goto(DOCUMENTS)
    expect(page.get_by_text("Nothing to complete right now.")).to_be_visible()
    expect(page.get_by_test_id("completed-document")).to_have_count(0)
    for address in (f"{DOCUMENTS}{request.ref}/", f"{DOCUMENTS}{request.ref}/pdf/"):
        assert page.request.get(address).status == 404


def test_a_mother_signs_for_her_child_and_the_father_sees_nothing_of_it(
    browsing: Browsing, live_server: LiveServer, practice: Practice
) -> None:
    bea = cast.client(practice, "Bea", "Berg")
    maria, bruno = cast.guardian(bea, "Maria", address="maria@mail.example"), cast.guardian(bea)
    contacts.set_parents_apart(bea, apart=True, by=cast.DESK)
    mothers, fathers = (phone_of_contact(browsing, live_server, each) for each in (maria, bruno))
    (request,) = shared_documents.shared(maria.access, shared_documents.consent(practice))
    expect_nothing_of(fathers, request)

    mothers.goto(HOME)
    mothers.get_by_role("link", name="Get Started", exact=True).click()
    expect(mothers.get_by_test_id("for-whom")).to_have_text("For Bea Berg")
    expect(mothers.get_by_label("Relationship to client")).to_have_value("Guardian")
    sign(mothers, "Maria Berg", relationship="Mother")
    expect(mothers.get_by_test_id("all-done")).to_be_visible()
    signed = Submission.objects.get()
    assert (signed.signer_name, signed.relationship, signed.request.client) == ("Maria Berg", "Mother", bea)
    expect_nothing_of(fathers, request)


def test_a_payer_pays_and_sees_no_documents(
    browsing: Browsing, live_server: LiveServer, settings: Settings, till: Till
) -> None:
    settings.PUBLIC_BASE_URL, practice = live_server.url, till.practice
    ana = cast.ana(practice)
    (request,) = shared_documents.shared(cast.with_access(ana), shared_documents.consent(practice))
    payer = cast.guardian(ana, kind=RelationshipKind.PAYER)
    bill = cast.bill(ana)
    page = phone_of_contact(browsing, live_server, payer)
    may_pay = replace(cast.entry_for_contact(payer), pay_by_card=True)
    access_grants.save_access(ana, may_pay, version=None, by=cast.DESK, relationship=payer)
    page.goto(HOME)
    expect(page.get_by_role("navigation", name="Portal").get_by_role("link", name="Documents")).to_have_count(0)
    expect(page.get_by_test_id("documents-waiting")).to_have_count(0)
    for address in (DOCUMENTS, f"{DOCUMENTS}{request.ref}/"):
        assert page.request.get(address).status == 404
    pay_now(page, bill)
    page.get_by_role("button", name="Continue to Stripe").click()
    type_card(page, GOOD)
    expect_paid(page, bill, till, [14_000])


def couple_of(practice: Practice) -> Client:
    entry = ClientInput(ClientDetails(first_name="Rosa and Theo", last_name="Vance", kind=ClientKind.COUPLE))
    return registration.create(practice, entry, by=cast.DESK)


def test_both_of_a_couple_sign_and_each_sees_their_own(
    browsing: Browsing, live_server: LiveServer, practice: Practice
) -> None:
    couple, version = couple_of(practice), shared_documents.consent(practice)
    for name in ("Rosa", "Theo"):
        member = cast.guardian(couple, name, kind=RelationshipKind.MEMBER, address=f"{name.lower()}@mail.example")
        page = phone_of_contact(browsing, live_server, member)
        (request,) = shared_documents.shared(member.access, version)
        for other in DocumentRequest.objects.exclude(pk=request.pk):
            assert page.request.get(f"{DOCUMENTS}{other.ref}/").status == 404
        page.goto(HOME)
        page.get_by_role("link", name="Get Started", exact=True).click()
        sign(page, f"{name} Vance")
        expect(page.get_by_test_id("all-done")).to_be_visible()
        page.goto(DOCUMENTS)
        expect(page.get_by_test_id("completed-document")).to_have_count(1)

    desk = at_the_desk(browsing, live_server, practice)
    desk.goto(f"/office/clients/{couple.ref}/documents/")
    for name in ("Rosa", "Theo"):
        packet = desk.get_by_test_id("packet").filter(has=desk.get_by_role("heading", name=f"{name} Berg"))
        expect(packet.get_by_test_id("shared-document")).to_have_attribute("data-state", "completed")
    assert set(Submission.objects.values_list("signer_name", flat=True)) == {"Rosa Vance", "Theo Vance"}
