"""Inviting many clients from the list: the choice, the preview and the start."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from portico.domain.access import client_changes
from portico.domain.access.models import InvitationRun, InvitationRunItem, PortalAccess
from portico.domain.access.onboarding import bulk_selection, invitation_run_worker
from portico.domain.clients.models import Client
from portico.domain.practices.models import DefaultText, Practice
from portico.plumbing import clock
from portico.plumbing.mail import mail_stops
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.models.delivery_reports import StopKind
from portico.plumbing.models.outgoing_emails import EmailState
from tests import cast, shared_documents

pytestmark = pytest.mark.django_db
PREVIEW = "/office/invitations/new/"
# Session with staff, counts of the menu, ids of the chosen, accesses of contacts, clients with accesses, addresses,
# stopped mailboxes, mailboxes of contacts, texts, documents.
QUERIES = 10


def chosen(*people: Client, kind: str = "invite") -> str:
    return "&".join([f"{PREVIEW}?kind={kind}", *(f"client={person.ref}" for person in people)])


def form_of(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(form_key|shown)" value="([^"]*)">', page))


def left_out(page: str) -> list[tuple[str, str]]:
    return re.findall(r'data-testid="left-out" data-reason="(\w+)" data-number="(\d+)"', page)


def test_the_list_offers_its_clients_with_or_without_script(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.carol(practice)
    page = office.get("/office/clients/?q=ana").text
    assert f'type="checkbox" name="client" value="{ana.ref}" aria-label="Check Ana Abreu"' in page
    assert "All 1 that match" in page
    assert '<input type="hidden" name="q" value="ana">' in page
    assert f'action="{PREVIEW}"' in page


def test_the_preview_says_what_the_welcome_packet_has(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    assert "run-documents" not in office.get(chosen(ana)).text
    shared_documents.consent(practice, in_welcome_packet=True)
    shared_documents.form(practice)
    page = office.get(chosen(ana)).text
    assert 'data-testid="run-documents" data-number="1"' in page
    assert "<li>Consent to treatment</li>" in page


def test_a_biller_cannot_invite(client: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    biller = cast.signed_in(client, cast.ines(practice))
    assert 'name="client"' not in biller.get("/office/clients/").text
    assert biller.get(chosen(ana)).status_code == 403
    assert biller.post(chosen(ana)).status_code == 403


def test_archived_clients_are_not_offered(office: Browser, practice: Practice) -> None:
    client_changes.archive(cast.ana(practice), by=cast.DESK)
    assert 'name="client"' not in office.get("/office/clients/?state=archived").text


def test_the_preview_counts_languages_and_reasons(office: Browser, practice: Practice) -> None:
    DefaultText.objects.create(practice=practice, language="es", subject="Su portal", message="Hola [first name]")
    ana, lucia = cast.ana(practice), cast.client(practice, "Lucía", address="lucia@mail.example", language="es")
    without, invited = cast.client(practice, "Nia"), cast.bruno(practice)
    cast.invited(invited)
    page = office.get(chosen(ana, lucia, without, invited)).text
    assert "Invite 2 clients?" in page
    assert 'data-testid="turned-on" data-number="2"' in page
    assert re.findall(r'data-language="(\w+)" data-number="(\d)"', page) == [("en", "1"), ("es", "1")]
    assert "Su portal" in page
    assert left_out(page) == [("no_address", "1"), ("already_invited", "1")]
    assert f"/office/clients/{without.ref}/edit/portal/" in page


@pytest.mark.parametrize("kind", [StopKind.REFUSED, StopKind.COMPLAINED])
def test_a_stopped_mailbox_is_named_as_stopped_whatever_the_cause(
    office: Browser, practice: Practice, kind: StopKind
) -> None:
    ana = cast.ana(practice)
    mail_stops.stop(cast.invited(ana).email, kind, "Marked as spam.")
    page = office.get(chosen(ana)).text
    assert left_out(page) == [("mail_stopped", "1")]
    assert "We stopped emailing this address" in page


def test_sending_starts_the_run_once(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    form = form_of(office.get(chosen(ana)).text)
    answers = [office.post(chosen(ana), form) for _ in range(2)]
    run = InvitationRun.objects.get()
    assert [answer.headers["Location"] for answer in answers] == [f"/office/invitations/{run.ref}/"] * 2
    assert InvitationRunItem.objects.get().client == ana


def test_all_that_match_are_those_of_the_filtered_list(office: Browser, practice: Practice) -> None:
    cast.ana(practice)
    bruno = cast.bruno(practice)
    cast.dora(cast.birch())
    address = f"{PREVIEW}?chosen=all&q=bruno&kind=invite"
    office.post(address, form_of(office.get(address).text))
    assert InvitationRunItem.objects.get().client == bruno


def test_a_changed_list_is_shown_again(office: Browser, practice: Practice) -> None:
    ana, bruno = cast.ana(practice), cast.bruno(practice)
    form = form_of(office.get(chosen(ana, bruno)).text)
    client_changes.archive(ana, by=cast.DESK)
    page = office.post(chosen(ana, bruno), form, follow=True).text
    assert "The clients in this list have changed" in page
    assert "Invite 1 client?" in page
    assert not InvitationRun.objects.exists()


@pytest.mark.parametrize(
    "query", ["", "?client=unknown", "?chosen=all&q=4242424242424242", "?chosen=all&q=no+such+client"]
)
def test_without_a_client_the_list_asks_for_one(office: Browser, practice: Practice, query: str) -> None:
    cast.ana(practice)
    page = office.get(f"{PREVIEW}{query}", follow=True)
    assert page.redirect_chain[0][0].startswith("/office/clients/")
    assert "Check at least one client." in page.text


def test_too_many_clients_are_refused(office: Browser, practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_selection, "MAX_CLIENTS", 1)
    cast.ana(practice)
    cast.bruno(practice)
    page = office.get(f"{PREVIEW}?chosen=all", follow=True).text
    assert "At most 1 clients can be chosen at a time." in page


def test_no_button_without_a_client_to_invite(office: Browser, practice: Practice) -> None:
    page = office.get(chosen(cast.client(practice, "Nia"))).text
    assert "None of these clients can be invited now" in page
    assert 'name="shown"' not in page


def test_resending_asks_for_those_who_have_not_signed_in(office: Browser, practice: Practice) -> None:
    ana, bruno = cast.ana(practice), cast.bruno(practice)
    office.post(chosen(ana, bruno), form_of(office.get(chosen(ana, bruno)).text))
    run = InvitationRun.objects.get()
    while invitation_run_worker.settle_next(run):
        pass
    OutgoingEmail.objects.update(state=EmailState.HANDED_OVER, settled_at=clock.now())
    PortalAccess.objects.filter(client=ana).update(first_signed_in_at=clock.now())
    assert left_out(office.get(f"{PREVIEW}?run={run.ref}").text) == [("just_invited", "1")]
    PortalAccess.objects.update(invited_at=clock.now() - timedelta(hours=1))
    page = office.get(f"{PREVIEW}?run={run.ref}").text
    assert "Resend the invitation to 1 client?" in page
    assert "Bruno Berg" in page
    assert "Ana Abreu" not in page
    PortalAccess.objects.update(first_signed_in_at=clock.now())
    page = office.get(f"{PREVIEW}?run={run.ref}", follow=True).text
    assert "Everyone in this run has signed in." in page
    assert f'data-ref="{run.ref}"' in page


def test_another_practices_run_is_not_found(client: Browser, office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    office.post(chosen(ana), form_of(office.get(chosen(ana)).text))
    run = InvitationRun.objects.get()
    elsewhere = cast.signed_in(Browser(), cast.fay(cast.birch()))
    assert elsewhere.get(f"{PREVIEW}?run={run.ref}").status_code == 404


@pytest.mark.parametrize("number", [5, 500])
def test_the_number_of_queries_is_fixed(
    office: Browser, practice: Practice, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    Client.objects.bulk_create(
        Client(practice=practice, first_name="N", ref=f"{place:026}", sort_key=f"n {place:04}")
        for place in range(number)
    )
    cast.ana(practice)
    with django_assert_num_queries(QUERIES):
        page = office.get(f"{PREVIEW}?chosen=all").text
    assert left_out(page) == [("no_address", str(number))]
    assert "Invite 1 client?" in page


def test_contacts_are_included_by_a_link_and_named(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    bruno, silent = cast.guardian(ana), cast.guardian(ana, "Silent", address="s@mail.example", email_ok=False)
    for contact in (bruno, silent):
        cast.with_contact_access(contact)
    page = unescape(office.get(chosen(ana)).text)
    assert "Invite 1 client?" in page
    assert "1 contact of these clients has access and could get an email too." in page
    (link,) = re.findall(r'<a href="([^"]+)">Include contacts', page)

    page = unescape(office.get(f"{PREVIEW}{link}").text)

    assert "Send 2 invitations?" in page
    link_to_bruno = f'href="/office/clients/{ana.ref}/edit/portal/?access={bruno.ref}">Bruno Berg (guardian)</a>'
    assert f"{link_to_bruno} for Ana Abreu" in re.sub(r"\s+", " ", page)
    assert 'data-testid="contacts-left-out" data-reason="no_email_ok"' in page
    answer = office.post(f"{PREVIEW}{link}", form_of(page), follow=True)
    run = InvitationRun.objects.get()
    while invitation_run_worker.settle_next(run):
        pass
    assert set(OutgoingEmail.objects.values_list("to_address", flat=True)) == {"ana@mail.example", "bruno@mail.example"}
    assert "Silent Berg" in office.get(answer.request["PATH_INFO"]).text
