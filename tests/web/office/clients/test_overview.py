"""A client's overview: portal state and next step."""

import re
from collections.abc import Callable

import pytest
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from portico.domain.access import access_grants, client_changes, contact_changes
from portico.domain.access.access_grants import AccessInput
from portico.domain.access.models import PortalAccess
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client
from portico.domain.documents.completion import request_states
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.models import AuditEntry
from tests import cast, shared_documents
from tests.web.office.form_data import said

pytestmark = pytest.mark.django_db
PORTAL_TAB, INFO_TAB = "/edit/portal/", "/edit/info/"


def page_of(client: Client) -> str:
    return f"/office/clients/{client.ref}/"


def without_address(practice: Practice) -> Client:
    bare = cast.client(practice, "Ana")
    cast.with_access(bare)
    return bare


def without_consent(practice: Practice) -> Client:
    silent = cast.client(practice, "Ana", address="ana@mail.example", email_ok=False)
    cast.with_access(silent)
    return silent


def not_invited(practice: Practice) -> Client:
    ana = cast.ana(practice)
    cast.with_access(ana)
    return ana


def invited(practice: Practice) -> Client:
    ana = cast.ana(practice)
    cast.invited(ana)
    return ana


def refused(practice: Practice) -> Client:
    ana = invited(practice)
    PortalAccess.objects.update(mail_stopped_at=clock.now(), mail_stopped_reason="The mailbox doesn’t exist")
    Client.objects.update(portal_state="needs_attention", portal_reason="mail_stopped")
    return ana


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (cast.ana, ("Client Portal Access is off", "Turn on access", PORTAL_TAB)),
        (without_address, ("No email address", "Add an address", INFO_TAB)),
        (without_consent, ("ana@mail.example has no Email ok", "Record consent", INFO_TAB)),
        (not_invited, ("Not invited yet", "Send an invitation", PORTAL_TAB)),
        (invited, ("Ana hasn’t signed in yet", "Resend email invitation", PORTAL_TAB)),
        (refused, ("The mailbox doesn’t exist", "Correct the address", INFO_TAB)),
    ],
    ids=["off", "no address", "no consent", "not invited", "invited", "refused"],
)
def test_next_step_has_a_link(
    office: Browser, practice: Practice, make: Callable[[Practice], Client], words: tuple[str, str, str]
) -> None:
    heading, button, leads_to = words
    person = make(practice)

    page = said(office, page_of(person))

    step = page.partition('data-testid="next-step"')[2].partition("</a>")[0]
    assert heading in step
    assert button in step
    assert f"/office/clients/{person.ref}{leads_to}" in step


def test_an_address_to_choose_is_offered_before_a_new_one(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    entry = AccessInput(enabled=True, address=None, access_billing_documents=True, pay_by_card=False)
    access_grants.save_access(ana, entry, version=None, by=cast.DESK)

    assert "Choose an address" in said(office, page_of(ana))


def test_signed_in_client_has_no_next_step(office: Browser, practice: Practice) -> None:
    ana = invited(practice)
    Client.objects.update(portal_state="signed_in", last_signed_in_at=clock.now())
    PortalAccess.objects.update(first_signed_in_at=clock.now())

    page = said(office, page_of(ana))

    assert "next-step" not in page
    assert 'data-testid="portal-state" data-state="signed_in"' in page
    assert "Today, 12:20 PM" in page


def test_the_portal_card_is_about_the_clients_own_access(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.with_contact_access(cast.guardian(ana))
    page = office.get(f"/office/clients/{ana.ref}/").text
    card, _heading, contacts = page.partition('id="act-h"')[0].partition("</section>")
    assert re.findall(r'data-testid="portal-state" data-state="(\w+)"', card) == ["no_access"]
    assert re.findall(r'data-testid="portal-state" data-state="(\w+)"', contacts) == ["needs_attention"]


def test_contact_consent_and_access_are_shown(office: Browser, practice: Practice) -> None:
    page = said(office, page_of(invited(practice)))

    assert "ana@mail.example" in page
    assert "Email ok" in page
    assert "(212) 555-0134" in page
    assert "On since Nov 23" in page
    assert "English" in page


def test_shared_mailbox_names_the_other_client(office: Browser, practice: Practice) -> None:
    bruno, bea = cast.bruno(practice), cast.bea(practice)
    cast.invited(bruno)
    cast.invited(bea)

    page = said(office, page_of(bruno))

    assert f'<a class="go" href="/office/clients/{bea.ref}/">Bea Berg</a>' in page


def test_latest_entries_exclude_views(office: Browser, practice: Practice) -> None:
    ana = invited(practice)
    office.get(page_of(ana))

    page = said(office, page_of(ana))

    assert "Invitation to ana@mail.example sent" in page
    assert page.count("<li data-tone=") == 6
    assert "Overview viewed" not in page


def test_documents_that_a_client_views_again_do_not_fill_the_latest_entries(
    office: Browser, practice: Practice
) -> None:
    ana = cast.ana(practice)
    portal, access = cast.in_the_portal(Browser(), ana), PortalAccess.objects.get(own_client=ana)
    versions = shared_documents.consent(practice), shared_documents.file_to_read(practice)
    consent, file = shared_documents.shared(access, *versions)
    shared_documents.signed(consent, access)
    for _each in range(6):
        portal.get(f"/portal/alder-street/documents/{consent.ref}/")
        portal.get(f"/portal/alder-street/documents/{file.ref}/file/")

    page = said(office, page_of(ana))

    assert "Document signed in the portal" in page
    assert "File downloaded" not in page
    assert "Completed document viewed" not in page
    assert AuditEntry.objects.filter(action=AuditAction.SHARED_FILE_OPENED).count() == 6


def test_each_view_is_recorded_once(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    office.get(page_of(ana))

    entry = AuditEntry.objects.get(action=AuditAction.OVERVIEW_VIEWED)
    assert (entry.client_id, entry.actor_name) == (ana.pk, "Fay")


def test_archiving_turns_access_off_and_restoring_leaves_it_off(office: Browser, practice: Practice) -> None:
    ana = invited(practice)

    archived = office.post(f"{page_of(ana)}archiving/", follow=True).content.decode()
    assert "Ana Abreu was archived. Access to the portal is off." in archived
    assert "Restore Client" in archived
    assert Client.objects.get().portal_state == "no_access"

    restored = office.post(f"{page_of(ana)}restoring/", follow=True).content.decode()
    assert "Ana Abreu was restored. Access to the portal is still off." in restored
    assert PortalAccess.objects.get().is_on is False
    assert Client.objects.get().status == "active"


def test_archiving_and_restoring_are_idempotent(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    for step in ("archiving", "archiving", "restoring", "restoring"):
        assert office.post(f"{page_of(ana)}{step}/").status_code == 302

    actions = AuditEntry.objects.filter(action__in=(AuditAction.CLIENT_ARCHIVED, AuditAction.CLIENT_RESTORED))
    assert actions.count() == 2


def test_archiving_needs_a_post(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)

    assert office.get(f"{page_of(ana)}archiving/").status_code == 405
    assert office.get(f"{page_of(ana)}restoring/").status_code == 405
    assert Client.objects.get().status == "active"


def test_biller_has_read_access_only(client: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    browser = cast.signed_in(client, cast.ines(practice))

    page = said(browser, page_of(ana))

    assert "Client Portal Access is off" in page
    for label in ("Turn on access", "Archive Client", ">Edit<", "edit/info"):
        assert label not in page
    assert browser.post(f"{page_of(ana)}archiving/").status_code == 403
    assert browser.post(f"{page_of(client_changes.archive(ana, by=cast.DESK))}restoring/").status_code == 403


def test_other_practices_client_is_404(office: Browser) -> None:
    dora = cast.dora(cast.birch())

    assert office.get(page_of(dora)).status_code == 404
    assert office.post(f"{page_of(dora)}archiving/").status_code == 404
    assert Client.objects.get().status == "active"


@pytest.mark.parametrize("ref", ["x", "x" * 300, "%F0%9F%92%A5", "..%2F", "%27"])
def test_unknown_ref_is_404(office: Browser, ref: str) -> None:
    assert office.get(f"/office/clients/{ref}/").status_code == 404


def test_name_is_escaped(office: Browser, practice: Practice) -> None:
    page = said(office, page_of(cast.client(practice, "<b>{{7*7}}</b>")))

    assert "&lt;b&gt;{{7*7}}&lt;/b&gt;" in page
    assert "<b>{{7*7}}" not in page


def test_query_count_is_the_same_for_every_client(
    office: Browser, practice: Practice, django_assert_num_queries: object
) -> None:
    assert callable(django_assert_num_queries)
    bruno, bea, carol = cast.bruno(practice), cast.bea(practice), cast.carol(practice)
    for person in (bruno, bea, carol):
        cast.invited(person)
    for person in (bruno, carol):
        with django_assert_num_queries(8):
            office.get(page_of(person))


def test_balance_and_newest_invoices_in_constant_queries(
    office: Browser, practice: Practice, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    bruno = cast.bruno(practice)
    cast.invited(bruno)
    assert "No invoices yet." in said(office, page_of(bruno))
    cast.cash(bruno, 10_000, invoice=cast.bill(bruno, 14_000))
    with django_assert_num_queries(8):
        page = said(office, page_of(bruno))
    assert 'data-testid="balance" data-amount="4000" data-currency="USD"' in page
    assert "All invoices" not in page
    for _number in range(6):
        cast.bill(bruno, shared=False)
    with django_assert_num_queries(8):
        page = said(office, page_of(bruno))
    assert 'data-testid="balance" data-amount="88000"' in page
    assert page.count('data-testid="invoice-row"') == 4
    assert "All invoices" in page


def test_it_leads_to_the_reason_until_the_client_has_signed_in(office: Browser, practice: Practice) -> None:
    ana = invited(practice)
    link = f'href="{page_of(ana)}edit/portal/#why">Why can’t Ana sign in?</a>'
    assert link in said(office, page_of(ana))
    PortalAccess.objects.update(first_signed_in_at=clock.now())
    Client.objects.update(portal_state="signed_in", portal_reason="")
    assert link not in said(office, page_of(ana))


@pytest.fixture
def biller(practice: Practice) -> Browser:
    return cast.signed_in(Browser(), cast.ines(practice))


def intake_on(browser: Browser, client: Client) -> str:
    """Returns what the overview says about the client's documents."""
    return said(browser, page_of(client)).partition('data-testid="intake"')[2].partition("</dd>")[0].partition(">")[2]


def test_a_biller_sees_that_the_intake_is_complete_and_no_title(biller: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    assert intake_on(biller, ana) == "Nothing to complete"
    cast.in_the_portal(Browser(), ana)
    access = PortalAccess.objects.get(own_client=ana)
    consent, card = shared_documents.shared(
        access, shared_documents.consent(practice), shared_documents.request_for_file(practice)
    )
    shared_documents.signed(consent, access)
    assert intake_on(biller, ana) == "Intake not complete"

    request_states.decline(card, reason="", by=cast.DESK)

    assert intake_on(biller, ana) == "Intake complete"
    assert "Consent to treatment" not in said(biller, page_of(ana))


def test_what_is_left_to_a_former_contact_does_not_count(biller: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.in_the_portal(Browser(), ana)
    consent, access = shared_documents.consent(practice), PortalAccess.objects.get(own_client=ana)
    shared_documents.signed(shared_documents.shared(access, consent)[0], access)
    guardian = cast.guardian(ana)
    shared_documents.shared(cast.with_contact_access(guardian), consent)
    assert intake_on(biller, ana) == "Intake not complete"

    contact_changes.end(guardian, by=cast.DESK)

    assert intake_on(biller, ana) == "Intake complete"


def test_the_front_desk_has_the_documents_and_no_such_line(office: Browser, practice: Practice) -> None:
    assert 'data-testid="intake"' not in said(office, page_of(cast.ana(practice)))


def test_a_billers_overview_has_one_query_more(
    biller: Browser, practice: Practice, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    bruno = cast.bruno(practice)
    cast.invited(bruno)
    for _number in range(3):
        with django_assert_num_queries(9):
            biller.get(page_of(bruno))
        shared_documents.shared(PortalAccess.objects.get(own_client=bruno), shared_documents.consent(practice))
