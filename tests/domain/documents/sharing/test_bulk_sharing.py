"""Sharing documents with many people: each gets one packet, decided again at sending, and is followed to completion."""

from datetime import date

import pytest
from django.test import Client as Browser

from portico.domain.access.models import InvitationRun, ItemState, LeftOutReason, PortalAccess, RunKind
from portico.domain.access.onboarding import invitation_run_worker, invitation_runs
from portico.domain.access.onboarding.bulk_selection import Selection
from portico.domain.access.onboarding.invitation_runs import SelectionChanged
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client, RelationshipKind
from portico.domain.documents.completion import request_states
from portico.domain.documents.models import DocumentRequest, Packet, Recipients, TemplateVersion
from portico.domain.documents.refusals import NoRecipientEligible
from portico.domain.documents.sharing import bulk_preview, bulk_sharing, document_mails, document_runs, invitations
from portico.domain.documents.sharing.bulk_preview import SharePreview, ShareSelection
from portico.domain.documents.sharing.document_runs import DocumentRunProgress
from portico.domain.documents.templates import template_editing
from portico.domain.practices.models import Practice, StaffMember
from portico.plumbing import clock, tokens
from portico.plumbing.form_keys import FormSentBefore
from portico.plumbing.models import AuditEntry, MailQueue, OutgoingEmail
from portico.plumbing.models.outgoing_emails import EmailState
from tests import cast, shared_documents
from tests.support.processes.simulated_kills import killed_after

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
NAMES = ("Nia", "Olu", "Pia", "Quin")


def people_of(practice: Practice, number: int = 3) -> list[Client]:
    people = [cast.client(practice, name, address=f"{name}@mail.example") for name in NAMES[:number]]
    for person in people:
        cast.with_access(person)
    return people


def choice_of(
    people: list[Client],
    *versions: TemplateVersion,
    recipients: Recipients = Recipients.CLIENT,
    asks_again: bool = False,
) -> ShareSelection:
    selection = Selection(RunKind.SHARE, refs=tuple(person.ref for person in people))
    return ShareSelection(selection, versions, recipients, asks_again)


def start(choice: ShareSelection, practice: Practice, *, form_key: str = "", shown: str = "") -> InvitationRun:
    fay = StaffMember.objects.filter(practice=practice).first() or cast.fay(practice)
    return bulk_sharing.start(
        practice,
        choice,
        texts=document_mails.texts_of(practice),
        shown=shown or bulk_preview.preview(practice, choice).digest,
        form_key=form_key or tokens.new_token(),
        requested_by=fay,
    )


def settle(run: InvitationRun) -> bool:
    return invitation_run_worker.settle_next(run, invitations.write, bulk_sharing.share_item)


def finish(run: InvitationRun) -> None:
    while settle(run):
        pass
    run.refresh_from_db()


def progress(run: InvitationRun) -> DocumentRunProgress:
    return document_runs.progress_of([run])[run.pk]


def reasons(preview: SharePreview) -> dict[str, LeftOutReason | None]:
    return {each.item.name: each.item.left_out for each in preview.planned}


def test_each_person_gets_one_packet_in_their_language(practice: Practice) -> None:
    people = people_of(practice, 2)
    lucia = cast.client(practice, "Lucía", address="lucia@mail.example", language="es")
    cast.with_access(lucia)
    consent, form = shared_documents.consent(practice), shared_documents.form(practice)
    run = start(choice_of([*people, lucia], consent, form), practice)
    assert not Packet.objects.exists()
    finish(run)
    assert run.is_over
    assert {each.requests.count() for each in Packet.objects.all()} == {2}
    assert set(Packet.objects.values_list("client__ref", flat=True)) == {person.ref for person in [*people, lucia]}
    mails = dict(OutgoingEmail.objects.values_list("to_address", "subject"))
    assert mails["lucia@mail.example"] == "Documentos de Alder Street Therapy"
    assert set(OutgoingEmail.objects.values_list("queue", flat=True)) == {MailQueue.BULK}
    assert {each.shared_by for each in Packet.objects.all()} == {"Fay"}
    (entry,) = AuditEntry.objects.filter(action=AuditAction.DOCUMENT_RUN_STARTED)
    assert (entry.about, entry.details) == (run.ref, {"number": 3, "documents": 2})
    assert AuditEntry.objects.filter(action=AuditAction.DOCUMENTS_SHARED).count() == 3


def test_the_preview_says_why_a_person_is_left_out(practice: Practice) -> None:
    consent = shared_documents.consent(practice)
    able, off, without_ok, waiting, done, not_signing = (
        cast.client(practice, name, address=f"{name}@mail.example")
        for name in ("Able", "Off", "Unasked", "Waiting", "Done", "Unable")
    )
    minor = cast.client(practice, "Minor", address="minor@mail.example")
    Client.objects.filter(pk=minor.pk).update(date_of_birth=date(2015, 1, 1))
    for person in (able, without_ok, waiting, not_signing, minor):
        cast.with_access(person)
    without_ok.email_addresses.update(email_ok_at=None, email_ok_by="", email_ok_withdrawn_at=clock.now())
    PortalAccess.objects.filter(own_client=not_signing).update(signs_documents=False)
    shared_documents.shared(PortalAccess.objects.get(own_client=waiting), consent)
    cast.in_the_portal(Browser(), done)
    access = PortalAccess.objects.get(own_client=done)
    shared_documents.signed(shared_documents.shared(access, consent)[0], access)
    people = [able, off, without_ok, waiting, done, not_signing, minor]
    expected = {
        "Able": None,
        "Off": LeftOutReason.ACCESS_OFF,
        "Unasked": LeftOutReason.NO_EMAIL_OK,
        "Waiting": LeftOutReason.STILL_OPEN,
        "Done": LeftOutReason.COMPLETED,
        "Unable": LeftOutReason.NOT_SIGNING,
        "Minor": LeftOutReason.NO_GUARDIAN,
    }
    assert reasons(bulk_preview.preview(practice, choice_of(people, consent))) == expected
    again = bulk_preview.preview(practice, choice_of(people, consent, asks_again=True))
    assert reasons(again) == expected | {"Done": None}


def test_only_what_is_not_open_is_shared(practice: Practice) -> None:
    (nia,) = people_of(practice, 1)
    consent, form = shared_documents.consent(practice), shared_documents.form(practice)
    shared_documents.shared(PortalAccess.objects.get(), consent)
    finish(start(choice_of([nia], consent, form), practice))
    assert list(Packet.objects.latest("id").requests.values_list("version", flat=True)) == [form.pk]


@pytest.mark.parametrize(
    ("recipients", "expected"),
    [
        (Recipients.CLIENT, {"Nia"}),
        (Recipients.CONTACTS, {"Bruno Berg"}),
        (Recipients.BOTH, {"Nia", "Bruno Berg"}),
    ],
)
def test_client_contacts_or_both_get_a_packet_each(
    practice: Practice, recipients: Recipients, expected: set[str]
) -> None:
    (nia,) = people_of(practice, 1)
    guardian = cast.guardian(nia)
    cast.with_contact_access(guardian)
    payer = cast.guardian(nia, "Pat", kind=RelationshipKind.PAYER, address="pat@mail.example")
    cast.with_contact_access(payer)
    finish(start(choice_of([nia], shared_documents.consent(practice), recipients=recipients), practice))
    packets = Packet.objects.select_related("client", "access__client", "access__relationship__contact")
    assert {each.access.holder.name for each in packets} == expected


def test_a_client_without_such_a_contact_is_left_out(practice: Practice) -> None:
    choice = choice_of(people_of(practice, 1), shared_documents.consent(practice), recipients=Recipients.CONTACTS)
    assert reasons(bulk_preview.preview(practice, choice)) == {"Nia": LeftOutReason.NO_RECIPIENT}
    with pytest.raises(NoRecipientEligible):
        start(choice, practice)


def test_another_practices_client_is_not_chosen(practice: Practice) -> None:
    dora = cast.dora(cast.birch())
    cast.with_access(dora)
    people = people_of(practice, 1)
    preview = bulk_preview.preview(practice, choice_of([*people, dora], shared_documents.consent(practice)))
    assert reasons(preview) == {"Nia": None}


def test_a_form_submitted_twice_starts_one_run(practice: Practice) -> None:
    people = people_of(practice)
    choice = choice_of(people, shared_documents.consent(practice))
    run = start(choice, practice, form_key="k" * 43)
    finish(run)
    assert start(choice, practice, form_key="k" * 43, shown="out of date") == run
    with pytest.raises(FormSentBefore):
        start(choice_of(people, shared_documents.form(practice)), practice, form_key="k" * 43)
    assert Packet.objects.count() == len(people)


def test_people_who_changed_since_the_preview_are_shown_again(practice: Practice) -> None:
    people = people_of(practice)
    consent = shared_documents.consent(practice)
    choice = choice_of(people, consent)
    shown = bulk_preview.preview(practice, choice).digest
    shared_documents.shared(PortalAccess.objects.get(own_client=people[0]), consent)
    with pytest.raises(SelectionChanged):
        start(choice, practice, shown=shown)


def test_the_worker_decides_again(practice: Practice) -> None:
    nia, olu, pia = people_of(practice)
    consent = shared_documents.consent(practice)
    run = start(choice_of([nia, olu, pia], consent), practice)
    shared_documents.shared(PortalAccess.objects.get(own_client=nia), consent)
    PortalAccess.objects.filter(own_client=olu).update(enabled_at=None)
    finish(run)
    assert progress(run).left_out == {LeftOutReason.STILL_OPEN: 1, LeftOutReason.ACCESS_OFF: 1}
    assert Packet.objects.filter(document_run__run=run).count() == 1


def test_a_document_archived_meanwhile_is_not_shared(practice: Practice) -> None:
    consent = shared_documents.consent(practice)
    run = start(choice_of(people_of(practice, 1), consent), practice)
    template_editing.archive(consent.template, by=cast.DESK)
    finish(run)
    assert progress(run).left_out == {LeftOutReason.DOCUMENT_ARCHIVED: 1}


def test_a_version_published_meanwhile_is_the_one_that_is_shared(practice: Practice) -> None:
    consent = shared_documents.consent(practice)
    run = start(choice_of(people_of(practice, 2), consent), practice)
    assert settle(run)
    published = shared_documents.new_version(consent.template, shared_documents.CONSENT)
    finish(run)
    # `Update open requests` moves the first.
    assert list(DocumentRequest.objects.order_by("id").values_list("version", flat=True)) == [consent.pk, published.pk]


def test_two_runs_of_the_same_document_share_it_once(practice: Practice) -> None:
    choice = choice_of(people_of(practice, 1), shared_documents.consent(practice))
    first, second = start(choice, practice), start(choice, practice)
    finish(first)
    finish(second)
    assert DocumentRequest.objects.count() == OutgoingEmail.objects.count() == 1
    assert progress(second).left_out == {LeftOutReason.STILL_OPEN: 1}


def test_a_worker_killed_at_any_point_loses_and_doubles_nothing(practice: Practice) -> None:
    run = start(choice_of(people_of(practice, 2), shared_documents.consent(practice)), practice)
    for statements in range(60):
        with killed_after(statements):
            settle(run)
        shared = run.items.filter(state=ItemState.SHARED).count()
        assert Packet.objects.count() == OutgoingEmail.objects.count() == shared
    finish(run)
    assert Packet.objects.count() == OutgoingEmail.objects.count() == 2
    assert set(run.items.values_list("state", flat=True)) == {ItemState.SHARED}


def test_pause_and_stop_are_those_of_every_run(practice: Practice) -> None:
    run = start(choice_of(people_of(practice), shared_documents.consent(practice)), practice)
    assert settle(run)
    invitation_runs.pause(run, by=cast.DESK)
    assert not settle(run)
    invitation_runs.resume(run, by=cast.DESK)
    assert settle(run)
    invitation_runs.stop(run, by=cast.DESK)
    finish(run)
    assert Packet.objects.count() == 2
    assert (progress(run).shared, progress(run).stopped, progress(run).waiting) == (2, 1, 0)
    actions = set(AuditEntry.objects.filter(about=run.ref).values_list("action", flat=True))
    assert actions == {f"document_run.{past}" for past in ("started", "paused", "resumed", "stopped")}


def test_progress_counts_opened_and_completed(practice: Practice) -> None:
    people = people_of(practice, 4)
    run = start(choice_of(people, shared_documents.consent(practice)), practice)
    finish(run)
    cast.in_the_portal(Browser(), people[0])
    done, opened, _untouched, withdrawn = DocumentRequest.objects.order_by("id")
    request_states.withdraw(withdrawn, by=cast.DESK)
    shared_documents.signed(done, PortalAccess.objects.get(own_client=people[0]))
    DocumentRequest.objects.filter(pk=opened.pk).update(state="opened", opened_at=clock.now())
    found = progress(run)
    assert (found.shared, found.queued, found.opened, found.completed) == (4, 4, 2, 1)


def test_a_failed_email_is_no_problem_once_the_document_was_opened(practice: Practice) -> None:
    run = start(choice_of(people_of(practice, 2), shared_documents.consent(practice)), practice)
    finish(run)
    OutgoingEmail.objects.update(state=EmailState.FAILED, settled_at=clock.now())
    opened, untouched = DocumentRequest.objects.order_by("id")
    request_states.mark_opened(opened, language="en", by=cast.DESK)
    assert [packet.client for packet in document_runs.undelivered_of(run)] == [untouched.client]
