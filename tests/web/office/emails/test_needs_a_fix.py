"""`Needs a fix`: the mailboxes whose last email failed, the fix of each, the CSV file and the letters."""

import re
from copy import copy
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest
from django.db import transaction
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from portico.domain.access import client_changes, contact_changes
from portico.domain.access import mail_stops as stops_of_clients
from portico.domain.access.diagnosis import diagnosis, failed_mailboxes, portal_history
from portico.domain.access.diagnosis.evidence import MailFacts
from portico.domain.access.models import PortalAccess
from portico.domain.access.onboarding import invitation_text, invitations
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.client_input import AddressInput, ClientDetails, ClientInput
from portico.domain.clients.models import Client, Relationship
from portico.domain.practices.models import Practice
from portico.plumbing import clock, tokens
from portico.plumbing.mail import mail_stops
from portico.plumbing.models import AuditEntry, MailStop, OutgoingEmail, StopKind
from portico.plumbing.models.outgoing_emails import OUR_CAUSES, EmailState, FailureCause
from tests import cast

pytestmark = pytest.mark.django_db
LIST = "/office/emails/needs-a-fix/"
# Session with staff member and practice, the rows, the counts, the outage, the menu.
QUERIES = 5
STATES = {
    FailureCause.NO_MAILBOX: EmailState.BOUNCED,
    FailureCause.PROVIDER_LIST: EmailState.BOUNCED,
    FailureCause.COMPLAINED: EmailState.COMPLAINED,
}
STOPPED_BY = {
    FailureCause.NO_MAILBOX: StopKind.REFUSED,
    FailureCause.PROVIDER_LIST: StopKind.REFUSED,
    FailureCause.COMPLAINED: StopKind.COMPLAINED,
}


def failed(person: Client, cause: FailureCause = FailureCause.NO_MAILBOX, **changes: object) -> OutgoingEmail:
    """An invitation to the person that failed."""
    columns = {"failure_cause": cause, "failed_at": clock.now(), "reason": "It came back.", "detail": "5.1.1 No"}
    return settled(person, STATES.get(cause, EmailState.FAILED), **columns | changes)


def settled(person: Client, state: EmailState, **changes: object) -> OutgoingEmail:
    email = cast.invited(person).email
    OutgoingEmail.objects.filter(pk=email.pk).update(state=state, settled_at=clock.now(), **changes)
    return email


def stop(email: OutgoingEmail, kind: StopKind = StopKind.REFUSED) -> MailStop:
    with transaction.atomic():
        mail_stops.lock(email.practice_id, mail_stops.key_of(email))
        mail_stops.stop(email, kind, "It came back.")
    return MailStop.objects.live().get()


def save_address(person: Client, **changes: object) -> None:
    """Saves Client Info with the person's address changed."""
    person.refresh_from_db()
    row = person.email_addresses.open().get()
    entry = replace(AddressInput(row.address, row.kind, email_ok=True, ref=row.ref), **changes)  # type: ignore[arg-type]  # Of one type each.
    details = ClientDetails(person.first_name, person.last_name)
    client_changes.save_client_info(person, ClientInput(details, (entry,)), version=person.version, by=cast.DESK)


def page(office: Browser, query: str = "") -> str:
    answer = office.get(f"{LIST}{query}")
    assert answer.status_code == 200
    return unescape(answer.text)


def refs(shown: str) -> list[str]:
    return re.findall(r'data-testid="failed-mailbox" data-cause="\w+" data-ref="(\w+)"', shown)


def test_a_failed_mailbox_is_listed_with_what_the_server_said(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    email = failed(ana)
    stop(email)
    shown = page(office)
    assert refs(shown) == [email.ref]
    for words in ("Ana Abreu", "ana@mail.example", "No such mailbox", "It came back.", "5.1.1 No"):
        assert words in shown
    assert f'href="/office/clients/{ana.ref}/edit/info/#email">Correct the address' in shown


@pytest.mark.parametrize(
    ("cause", "fix"),
    [
        (FailureCause.FULL, 'edit/portal/#pin">Generate a PIN'),
        (FailureCause.EXPIRED, 'edit/portal/#pin">Generate a PIN'),
        (FailureCause.NO_MAILBOX, 'edit/portal/?resend#invitation">Resend email invitation'),
        (FailureCause.UNEXPLAINED, 'edit/portal/#pin">Generate a PIN'),
    ],
)
def test_each_cause_has_one_fix(office: Browser, practice: Practice, cause: FailureCause, fix: str) -> None:
    failed(cast.ana(practice), cause)
    assert fix in page(office)


@pytest.mark.parametrize("cause", [FailureCause.COMPLAINED, FailureCause.PROVIDER_LIST])
def test_a_stop_is_lifted_only_while_there_is_one(office: Browser, practice: Practice, cause: FailureCause) -> None:
    ana = cast.ana(practice)
    stop(failed(ana, cause), StopKind.COMPLAINED)
    assert 'edit/portal/#lift-stop">Lift the stop' in page(office)
    stops_of_clients.lift(ana, asked_to=True, by=cast.DESK)
    shown = page(office)
    assert "Lift the stop" not in shown
    assert 'edit/portal/?resend#invitation">Resend email invitation' in shown


@pytest.mark.parametrize("is_lifted", [False, True])
@pytest.mark.parametrize("cause", [each for each in FailureCause if each not in OUR_CAUSES])
def test_the_list_and_the_clients_own_page_name_one_fix(
    practice: Practice,
    cause: FailureCause,
    is_lifted: bool,  # noqa: FBT001  A pytest parameter.
) -> None:
    ana = cast.ana(practice)
    email = failed(ana, cause, handed_over_at=clock.now())
    stopped = STOPPED_BY.get(cause)
    if stopped is not None:
        stop(email, stopped)
    if is_lifted:
        stops_of_clients.lift(ana, asked_to=True, by=cast.DESK)
        stopped = None
    (row,) = failed_mailboxes.page(practice, None).rows
    access = PortalAccess.objects.select_related("client__practice", "address", "account").get()
    facts = MailFacts(stopped.value if stopped is not None else "")
    history = portal_history.load(access.client, access)
    chain = diagnosis.diagnose(
        access.client, access, history, facts=facts, sessions=[], has_addresses=True, at=clock.now()
    )
    assert chain.first_broken is not None
    assert failed_mailboxes.mailboxes_of([row])[0].fix == chain.first_broken.finding.fix


def test_what_prevents_an_invitation_is_fixed_first(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    failed(ana, FailureCause.FULL)
    save_address(ana, email_ok=False)
    assert "Record consent" in page(office)


@pytest.mark.parametrize("state", [EmailState.DELIVERED, EmailState.HANDED_OVER])
def test_a_later_mail_that_was_taken_ends_it(office: Browser, practice: Practice, state: EmailState) -> None:
    ana = cast.ana(practice)
    failed(ana)
    settled(ana, state)
    assert refs(page(office)) == []


def test_a_dropped_mail_ends_nothing(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    email = failed(ana)
    settled(ana, EmailState.DROPPED)
    assert refs(page(office)) == [email.ref]


def test_two_failures_are_one_row(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    failed(ana)
    second = failed(ana, FailureCause.FULL)
    assert refs(page(office)) == [second.ref]


def test_an_address_that_was_replaced_needs_no_fix(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    failed(ana)
    save_address(ana, address="ana.abreu@mail.example")
    assert refs(page(office)) == []


def test_archived_clients_and_other_practices_are_not_listed(office: Browser, practice: Practice) -> None:
    failed(cast.dora(cast.birch()))
    ana = cast.ana(practice)
    failed(ana)
    client_changes.archive(ana, by=cast.DESK)
    assert refs(page(office)) == []


def test_our_own_trouble_is_one_notice_and_no_row(office: Browser, practice: Practice) -> None:
    for person in (cast.ana(practice), cast.bruno(practice)):
        failed(person, FailureCause.DISTRUST)
    carol = failed(cast.carol(practice), FailureCause.FULL)
    shown = page(office)
    assert refs(shown) == [carol.ref]
    assert "2 mailboxes didn’t accept our last email" in shown
    assert "Ask an owner" in shown
    owner = cast.signed_in(Browser(), cast.elm(practice))
    assert 'href="/office/settings/emails/sender/"' in page(owner)


def test_causes_are_counted_and_filtered(office: Browser, practice: Practice) -> None:
    ana = failed(cast.ana(practice))
    failed(cast.bruno(practice), FailureCause.FULL)
    shown = page(office)
    assert re.findall(r"(?:All|No such mailbox|Mailbox full) <b>(\d)</b>", shown) == ["2", "1", "1"]
    assert refs(page(office, "?cause=no_mailbox")) == [ana.ref]
    assert len(refs(page(office, "?cause=nonsense"))) == 2


@pytest.mark.parametrize("number", [0, 3, 30])
def test_the_number_of_queries_is_fixed(
    office: Browser, practice: Practice, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    for index in range(number):
        failed(cast.client(practice, f"Nia{index}", address=f"nia{index}@mail.example"))
    page(office)
    with django_assert_num_queries(QUERIES):
        page(office)


def test_every_row_is_on_exactly_one_page(office: Browser, practice: Practice) -> None:
    mails = [failed(cast.client(practice, f"Nia{i}", address=f"nia{i}@mail.example")) for i in range(27)]
    first = page(office)
    (after,) = re.findall(r'href="\?after=(\w+)"', first)
    found = refs(first) + refs(page(office, f"?after={after}"))
    assert found == [mail.ref for mail in reversed(mails)]


def test_the_csv_file_has_every_row_and_is_recorded(client: Browser, practice: Practice) -> None:
    failed(cast.ana(practice))
    failed(cast.bruno(practice), FailureCause.FULL, failed_at=clock.now() - timedelta(days=1))
    answer = cast.signed_in_with_factor(client, cast.elm(practice)).get(f"{LIST}file/?cause=full")
    lines = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()  # type: ignore[attr-defined]  # A stream.
    assert lines[0].startswith('"Client","Contact","Email","Problem"')
    assert [line.split(",")[0] for line in lines[1:]] == ['"Bruno Berg"']
    assert AuditEntry.objects.get(action=AuditAction.EMAILS_EXPORTED).details == {"show": "full", "number": 1}


def test_letters_to_checked_people_are_one_pdf_with_an_entry_each(office: Browser, practice: Practice) -> None:
    ana, bruno, carol = cast.ana(practice), cast.bruno(practice), cast.carol(practice)
    failed(ana)
    emails = [failed(bruno), failed_of_contact(cast.guardian(carol, "Nadia", address="nadia@mail.example"))]
    answer = office.get(f"{LIST}letters/", {"email": [*(email.ref for email in emails), "nonsense"]})
    assert (answer.status_code, answer["Content-Type"], answer.content[:5]) == (200, "application/pdf", b"%PDF-")
    entries = AuditEntry.objects.filter(action=AuditAction.DOCUMENT_VIEWED)
    assert {(entry.client, entry.details.get("holder")) for entry in entries} == {
        (bruno, None),
        (carol, "Nadia Berg (guardian)"),
    }


def test_a_person_with_two_failed_addresses_gets_one_letter(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    first = failed(ana)
    first.refresh_from_db()
    second = copy(first)
    second.pk, second._state.adding = None, True
    second.ref, second.key, second.message_id = tokens.new_ref(), tokens.new_token(), "<second@mail.example>"
    second.to_address = ana.email_addresses.create(practice=practice, address="ana@second.example").address
    second.save()
    office.get(f"{LIST}letters/", {"email": [first.ref, second.ref]})
    assert AuditEntry.objects.filter(action=AuditAction.DOCUMENT_VIEWED).count() == 1


def test_letters_need_a_checked_person(office: Browser, practice: Practice) -> None:
    email = failed(cast.dora(cast.birch()))
    for chosen in ([], [email.ref]):
        answer = office.get(f"{LIST}letters/", {"email": chosen}, follow=True)
        assert "Check at least one person." in answer.text


def failed_of_contact(relationship: Relationship, **changes: object) -> OutgoingEmail:
    """An invitation to the contact that failed."""
    text = invitation_text.default_text("en")
    email = invitations.send(
        relationship.client,
        cast.entry_for_contact(relationship),
        text,
        form_key=tokens.new_token(),
        version=None,
        by=cast.DESK,
        relationship=relationship,
    ).invitation.email
    columns = {"failure_cause": FailureCause.NO_MAILBOX, "failed_at": clock.now(), "reason": "It came back."}
    states = {"state": EmailState.BOUNCED, "settled_at": clock.now()}
    OutgoingEmail.objects.filter(pk=email.pk).update(**states | columns | changes)
    return email


def test_a_contact_whose_mail_failed_is_listed_with_their_own_fix(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    bruno = cast.guardian(ana)
    email = failed_of_contact(bruno)
    stop(email)
    shown = page(office)
    assert refs(shown) == [email.ref]
    assert f'href="/office/clients/{ana.ref}/edit/portal/?access={bruno.ref}">Bruno Berg (guardian)</a>' in shown
    assert "for Ana Abreu" in shown
    assert "bruno@mail.example" in shown
    assert f'href="/office/clients/{ana.ref}/contacts/{bruno.ref}/#email">Correct the address' in shown
    assert f'name="email" value="{email.ref}" aria-label="Check Bruno Berg"' in shown


def test_the_stop_of_a_contact_is_not_that_of_the_client(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    failed(ana, FailureCause.FULL)
    bruno = cast.guardian(ana)
    stop(failed_of_contact(bruno, failure_cause=FailureCause.COMPLAINED, state=EmailState.COMPLAINED))
    shown = page(office)
    assert f'edit/portal/?access={bruno.ref}#lift-stop">Lift the stop' in shown
    assert 'edit/portal/#pin">Generate a PIN' in shown


def test_a_former_contact_or_address_needs_no_fix(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    bruno = cast.guardian(ana)
    failed_of_contact(bruno)
    contact_changes.end(bruno, by=cast.DESK)
    assert refs(page(office)) == []


def test_contacts_cost_one_query_whatever_their_number(
    office: Browser, practice: Practice, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ana = cast.ana(practice)
    failed(ana)
    for number in range(4):
        failed_of_contact(cast.guardian(ana, f"Olga{number}", address=f"olga{number}@mail.example"))
        with django_assert_num_queries(QUERIES + 1):
            assert len(refs(page(office))) == number + 2


def test_the_csv_file_names_the_contact(client: Browser, practice: Practice) -> None:
    failed_of_contact(cast.guardian(cast.ana(practice)))
    answer = cast.signed_in_with_factor(client, cast.elm(practice)).get(f"{LIST}file/")
    lines = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()  # type: ignore[attr-defined]  # A stream.
    assert lines[1].startswith('"Ana Abreu","Bruno Berg (guardian)","bruno@mail.example"')
