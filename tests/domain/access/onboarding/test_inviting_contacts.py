"""Runs of invitations that include the contacts of the chosen clients."""

import pytest

from portico.domain.access import contact_changes
from portico.domain.access.models import (
    Invitation,
    InvitationRun,
    InvitationRunItem,
    ItemState,
    LeftOutReason,
    PortalAccess,
    RunKind,
)
from portico.domain.access.onboarding import bulk_selection, invitation_run_worker, invitation_runs
from portico.domain.access.onboarding.bulk_eligibility import RESEND_PAUSE
from portico.domain.access.onboarding.bulk_selection import InvitationPreview, Selection
from portico.domain.access.onboarding.invitation_runs import NoClientEligible, SelectionChanged
from portico.domain.clients.models import Client, Contact, Relationship, RelationshipKind
from portico.domain.practices.models import DefaultText, Practice, StaffMember
from portico.plumbing import clock, tokens
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.models.outgoing_emails import EmailState
from tests import cast

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture
def fay(practice: Practice) -> StaffMember:
    return cast.fay(practice)


@pytest.fixture
def ana(practice: Practice) -> Client:
    return cast.ana(practice)


def with_access(person: Client, name: str = "Olga", *, email_ok: bool = True) -> Relationship:
    contact = cast.guardian(person, name, address=f"{name}@mail.example".lower(), email_ok=email_ok)
    cast.with_contact_access(contact)
    return contact


def selected(*people: Client, kind: RunKind = RunKind.INVITE) -> Selection:
    return Selection(kind, refs=tuple(each.ref for each in people), with_contacts=True)


def preview(selection: Selection, fay: StaffMember) -> InvitationPreview:
    return bulk_selection.preview(fay.practice, selection)


def finished(selection: Selection, fay: StaffMember) -> InvitationRun:
    run = invitation_runs.start(
        fay.practice,
        selection,
        shown=preview(selection, fay).digest,
        form_key=tokens.new_token(),
        requested_by=fay,
    )
    while invitation_run_worker.settle_next(run):
        pass
    return run


def mailed() -> set[str]:
    return set(OutgoingEmail.objects.filter(kind="invitation").values_list("to_address", flat=True))


def sent() -> None:
    OutgoingEmail.objects.update(state=EmailState.HANDED_OVER, settled_at=clock.now(), handed_over_at=clock.now())


def test_contacts_are_offered_and_invited_only_if_staff_include_them(ana: Client, fay: StaffMember) -> None:
    olga = with_access(ana)
    cast.guardian(ana, "Off", address="off@mail.example")
    alone = Selection(RunKind.INVITE, refs=(ana.ref,))
    assert [each.relationship for each in preview(alone, fay).offered] == [olga]
    assert preview(alone, fay).contacts == []
    assert preview(selected(ana), fay).number == 2
    finished(selected(ana), fay)
    assert mailed() == {"ana@mail.example", "olga@mail.example"}
    assert Invitation.objects.get(access__relationship=olga).client == ana


def test_a_contact_is_invited_in_their_own_language(ana: Client, fay: StaffMember) -> None:
    DefaultText.objects.create(practice=ana.practice, language="es", subject="Su portal", message="Hola [first name]")
    olga = with_access(ana)
    Contact.objects.filter(pk=olga.contact_id).update(language="es")
    assert preview(selected(ana), fay).languages == {"en": 1, "es": 1}
    finished(selected(ana), fay)
    assert OutgoingEmail.objects.get(to_address="olga@mail.example").subject == "Su portal"


def test_who_was_invited_or_is_no_contact_any_more_is_not_invited(ana: Client, fay: StaffMember) -> None:
    olga, former = with_access(ana), with_access(ana, "Former")
    finished(selected(ana), fay)
    assert preview(selected(ana), fay).contacts == []
    with pytest.raises(NoClientEligible):
        finished(selected(ana), fay)
    sent()
    PortalAccess.objects.update(invited_at=clock.now() - RESEND_PAUSE)
    contact_changes.end(former, by=cast.DESK)
    assert [each.relationship for each in preview(selected(ana, kind=RunKind.RESEND), fay).contacts] == [olga]


def test_contacts_whom_no_mail_reaches_are_left_out_for_a_reason(ana: Client, fay: StaffMember) -> None:
    silent, stopped = with_access(ana, "Silent", email_ok=False), with_access(ana, "Stopped")
    PortalAccess.objects.filter(relationship=stopped).update(mail_stopped_at=clock.now())
    left_out = preview(selected(ana), fay).contacts_left_out
    assert {reason: [each.relationship for each in found] for reason, found in left_out.items()} == {
        LeftOutReason.NO_EMAIL_OK: [silent],
        LeftOutReason.MAIL_STOPPED: [stopped],
    }
    run = finished(selected(ana), fay)
    items = InvitationRunItem.objects.filter(run=run, relationship__isnull=False)
    assert set(items.values_list("state", flat=True)) == {ItemState.LEFT_OUT}
    assert mailed() == {"ana@mail.example"}


@pytest.mark.parametrize("change", ["off", "ended", "no consent"])
def test_a_contact_is_checked_again_when_the_invitation_is_written(ana: Client, fay: StaffMember, change: str) -> None:
    olga = with_access(ana)
    run = invitation_runs.start(
        fay.practice,
        selected(ana),
        shown=preview(selected(ana), fay).digest,
        form_key=tokens.new_token(),
        requested_by=fay,
    )
    match change:
        case "off":
            PortalAccess.objects.filter(relationship=olga).update(enabled_at=None)
        case "ended":
            contact_changes.end(olga, by=cast.DESK)
        case _:
            olga.contact.email_addresses.update(email_ok_at=None, email_ok_by="")
    while invitation_run_worker.settle_next(run):
        pass
    assert mailed() == {"ana@mail.example"}


def test_another_contact_since_the_preview_is_not_invited_unseen(ana: Client, fay: StaffMember) -> None:
    shown = preview(selected(ana), fay).digest
    with_access(ana)
    with pytest.raises(SelectionChanged):
        invitation_runs.start(fay.practice, selected(ana), shown=shown, form_key="k", requested_by=fay)


def test_progress_follows_the_contacts_own_sign_in(ana: Client, fay: StaffMember) -> None:
    olga, payer = with_access(ana), cast.guardian(ana, "Pia", kind=RelationshipKind.PAYER, address="pia@mail.example")
    cast.with_contact_access(payer)
    run = finished(selected(ana), fay)
    sent()
    PortalAccess.objects.filter(relationship=olga).update(first_signed_in_at=clock.now())
    progress = invitation_runs.progress_of([run])[run.pk]
    assert (run.total, progress.signed_in, progress.handed_over) == (3, 1, 2)

    again = bulk_selection.preview(fay.practice, Selection(RunKind.RESEND, run=run))
    assert again.number == 0
    PortalAccess.objects.update(invited_at=clock.now() - RESEND_PAUSE)
    again = bulk_selection.preview(fay.practice, Selection(RunKind.RESEND, run=run))
    assert (again.invited, [each.relationship for each in again.contacts]) == ([ana], [payer])
