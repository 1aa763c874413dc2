"""Invitations: queued once for each form, refused with the fix, and never sent to the wrong mailbox."""

from dataclasses import replace
from datetime import date

import pytest

from portico.domain.access import access_grants, access_lookups, client_changes, portal_states
from portico.domain.access.models import Invitation, PortalAccess, SignInLink
from portico.domain.access.onboarding import invitation_text, invitations
from portico.domain.access.onboarding.invitation_text import InvitationText
from portico.domain.access.onboarding.invitations import CannotSendInvitation
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.client_details import ClientArchived, ClientConflict
from portico.domain.clients.models import Client, PortalState
from portico.domain.practices.models import Practice
from portico.plumbing import clock, tokens
from portico.plumbing.models import AuditEntry, EmailEvent, EmailEventKind, OutgoingEmail
from tests import cast

TEXT = InvitationText("Welcome, [first name]", "Hello [first name],\n\n[sign-in button]\n\nBye")


def send(person: Client, *, form_key: str = "one form", version: int | None = None) -> invitations.SentInvitation:
    return invitations.send(person, cast.entry_for(person), TEXT, form_key=form_key, version=version, by=cast.DESK)


def test_sending_turns_access_on_and_queues_one_mail_with_one_link(practice: Practice) -> None:
    ana = cast.ana(practice)
    Client.objects.update(date_of_birth=date(1990, 5, 1))
    ana.refresh_from_db()
    sent = send(ana)
    email = OutgoingEmail.objects.get()
    assert sent.is_new
    assert (email.to_address, email.subject, email.state) == ("ana@mail.example", "Welcome, Ana", "queued")
    assert email.content["blocks"] == ["Hello Ana,", None, "Bye"]
    assert SignInLink.objects.get().email == email
    ana.refresh_from_db()
    assert ana.portal_state == PortalState.INVITED
    assert AuditEntry.objects.filter(action=AuditAction.INVITATION_QUEUED, client=ana).count() == 1


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("born", [None, date(2016, 5, 4), date(1990, 5, 1)])
def test_only_a_client_known_to_be_an_adult_is_greeted_by_name(
    practice: Practice, born: date | None, language: str
) -> None:
    bea, text = cast.bea(practice), invitation_text.default_text(language)
    cast.guardian(bea)
    Client.objects.update(date_of_birth=born, language=language)
    bea.refresh_from_db()
    for form_key in ("first", "resent"):
        invitations.send(bea, cast.entry_for(bea), text, form_key=form_key, version=None, by=cast.DESK)
    without_name, by_name = {"en": ("Hello,", "Hello Bea,"), "es": ("Hola:", "Hola, Bea:")}[language]
    greeting = by_name if born == date(1990, 5, 1) else without_name
    blocks = OutgoingEmail.objects.values_list("content__blocks", flat=True)
    assert [row[0] for row in blocks] == [greeting, greeting]


def test_a_contact_is_greeted_by_name(practice: Practice) -> None:
    bea = cast.bea(practice)
    access = cast.with_contact_access(cast.guardian(bea))
    assert invitation_text.expand(TEXT, access).blocks[0] == "Hello Bruno,"


def test_no_token_is_stored_anywhere(practice: Practice) -> None:
    invitation = send(cast.ana(practice)).invitation
    token = cast.token_of(invitation)
    link, email = SignInLink.objects.get(), OutgoingEmail.objects.get()
    assert link.token_hash == tokens.digest(token)
    assert token not in str([email.content, email.body_text, email.body_html, link.token_hash])


def test_submitting_the_form_again_returns_the_first_mail(practice: Practice) -> None:
    ana = cast.ana(practice)
    seen = cast.with_access(ana).version
    first = send(ana, form_key="twice", version=seen)
    # The second carries the version of the same page, which the first has outdated.
    second = send(ana, form_key="twice", version=seen)
    assert (first.is_new, second.is_new) == (True, False)
    assert second.invitation == first.invitation
    assert OutgoingEmail.objects.count() == 1


def test_the_same_form_key_of_another_client_is_another_mail(practice: Practice) -> None:
    send(cast.ana(practice), form_key="one")
    send(cast.carol(practice), form_key="one")
    assert set(OutgoingEmail.objects.values_list("to_address", flat=True)) == {"ana@mail.example", "carol@mail.example"}


def test_a_new_form_sends_again_after_signing_in(practice: Practice) -> None:
    ana = cast.ana(practice)
    send(ana, form_key="one")
    PortalAccess.objects.filter(client=ana).update(first_signed_in_at=clock.now())
    send(ana, form_key="two")
    assert OutgoingEmail.objects.count() == 2
    ana.refresh_from_db()
    assert ana.portal_state == PortalState.SIGNED_IN


def test_without_email_ok_access_is_saved_but_no_mail_sent(practice: Practice) -> None:
    carla = cast.client(practice, "Carla", address="carla@mail.example", email_ok=False)
    with pytest.raises(CannotSendInvitation) as refused:
        send(carla)
    assert refused.value.fix == "email_ok"
    assert "carla@mail.example has no Email ok" in str(refused.value)
    assert not OutgoingEmail.objects.exists()
    assert PortalAccess.objects.get(client=carla).is_on
    assert AuditEntry.objects.get(action=AuditAction.INVITATION_REFUSED).details == {"why": "email_ok"}
    carla.refresh_from_db()
    assert (carla.portal_state, carla.portal_reason) == (PortalState.NEEDS_ATTENTION, portal_states.Reason.NO_EMAIL_OK)


def test_a_refused_form_works_once_consent_is_recorded(practice: Practice) -> None:
    carla = cast.client(practice, "Carla", address="carla@mail.example", email_ok=False)
    with pytest.raises(CannotSendInvitation):
        send(carla, form_key="same")
    carla.email_addresses.update(email_ok_at=clock.now(), email_ok_by="Fay")
    assert send(carla, form_key="same").is_new


def test_access_off_and_no_address_are_refused_with_their_fix(practice: Practice) -> None:
    ana = cast.ana(practice)
    entry = cast.entry_for(ana)
    for lacking, fix in ((replace(entry, enabled=False), "access"), (replace(entry, address=None), "address")):
        with pytest.raises(CannotSendInvitation) as refused:
            invitations.send(ana, lacking, TEXT, form_key="p", version=None, by=cast.DESK)
        assert refused.value.fix == fix
    assert not OutgoingEmail.objects.exists()


def test_an_archived_client_is_not_invited(practice: Practice) -> None:
    ana = cast.ana(practice)
    client_changes.archive(ana, by=cast.DESK)
    with pytest.raises(ClientArchived):
        send(ana)
    assert not OutgoingEmail.objects.exists()


def test_an_invitation_from_an_outdated_page_is_refused(practice: Practice) -> None:
    ana = cast.ana(practice)
    seen = cast.with_access(ana).version
    access_grants.save_access(ana, replace(cast.entry_for(ana), enabled=False), version=seen, by=cast.DESK)
    with pytest.raises(ClientConflict):
        send(ana, version=seen)
    assert not Invitation.objects.exists()


def test_the_editor_opens_with_the_draft_until_it_is_sent(practice: Practice) -> None:
    ana = cast.ana(practice)
    invitations.save_draft(ana, TEXT)  # Before anybody ever saved her access.
    default = invitation_text.default_text("en")
    assert invitations.opening_text(access_lookups.access_of(ana), default) == TEXT
    send(ana)
    assert invitations.opening_text(access_lookups.access_of(ana), default) == default


def test_the_default_text_is_no_draft(practice: Practice) -> None:
    ana = cast.ana(practice)
    invitations.save_draft(ana, TEXT)
    invitations.save_draft(ana, invitation_text.default_text("en"))
    access = PortalAccess.objects.get(client=ana)
    assert (access.draft_subject, access.draft_message) == ("", "")


def test_saving_a_draft_leaves_version_and_audit_log_alone(practice: Practice) -> None:
    ana = cast.ana(practice)
    before = cast.with_access(ana)
    said = AuditEntry.objects.count()
    invitations.save_draft(ana, TEXT)
    after = PortalAccess.objects.get(client=ana)
    assert (after.version, after.enabled_at) == (before.version, before.enabled_at)
    assert AuditEntry.objects.count() == said


def test_a_refused_mail_needs_attention_until_a_new_one_is_sent(practice: Practice) -> None:
    ana = cast.ana(practice)
    first = send(ana, form_key="one").invitation
    invitations.record_failure(first, "The mailbox doesn’t exist.")
    ana.refresh_from_db()
    assert (ana.portal_state, ana.portal_reason) == (PortalState.NEEDS_ATTENTION, portal_states.Reason.MAIL_STOPPED)
    send(ana, form_key="two")
    ana.refresh_from_db()
    assert ana.portal_state == PortalState.INVITED


def test_an_older_mail_refused_late_is_ignored(practice: Practice) -> None:
    ana = cast.ana(practice)
    first = send(ana, form_key="one").invitation
    send(ana, form_key="two")
    invitations.record_failure(first, "The mailbox doesn’t exist.")
    ana.refresh_from_db()
    assert ana.portal_state == PortalState.INVITED


def test_a_mail_to_a_former_address_is_ignored(practice: Practice) -> None:
    ana = cast.ana(practice)
    first = send(ana).invitation
    access_grants.save_access(ana, replace(cast.entry_for(ana), address=None), version=None, by=cast.DESK)
    invitations.record_failure(first, "The mailbox doesn’t exist.")
    assert PortalAccess.objects.get(client=ana).mail_stopped_at is None


def test_writing_the_mail_is_its_first_event(practice: Practice) -> None:
    send(cast.ana(practice))
    assert EmailEvent.objects.get().kind == EmailEventKind.WRITTEN
