"""Invitations: sending them, saving drafts, and recording failures and retries of their mails."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import translation
from django.utils.translation import gettext as _

from portico.domain.access import (
    access_grants,
    access_locks,
    access_lookups,
    eligibility,
    eligibility_steps,
    guardians,
    holders,
    mail_stops,
    portal_states,
)
from portico.domain.access.access_grants import AccessInput
from portico.domain.access.eligibility import Purpose
from portico.domain.access.eligibility_steps import Fix
from portico.domain.access.mail_stops import OwnerNeeded
from portico.domain.access.models import Invitation, PortalAccess
from portico.domain.access.onboarding import invitation_text
from portico.domain.access.onboarding.guides import client_guide
from portico.domain.access.onboarding.invitation_text import EnclosedDocuments, InvitationText
from portico.domain.access.sign_in import sign_in_links
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.client_details import ClientArchived, ClientConflict
from portico.domain.clients.models import Client, Relationship
from portico.domain.practices import mail_texts
from portico.plumbing import clock, form_keys, tokens
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.database import insertion
from portico.plumbing.database.compiled import CompiledQuery, Parameter
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.mail import outbox
from portico.plumbing.models import MailQueue, StopKind
from portico.plumbing.models.outgoing_emails import WAITING
from portico.plumbing.refusals import Refused

KIND = invitation_text.KIND
DRAFT_FIELDS = ("draft_subject", "draft_message")


class CannotSendInvitation(Refused):
    """The invitation may not be mailed in the current state; `fix` is the name of the `Fix` that would allow it."""

    def __init__(self, message: str, *, fix: str) -> None:
        super().__init__(message, field="send_email")
        self.fix = fix


class MailboxComplained(Exception):
    """The mailbox marked our mail as spam: only people may lift its stop, and none is written until then."""


@dataclass(frozen=True)
class SentInvitation:
    """The invitation; `is_new` is False if an earlier submission of the same form made it."""

    invitation: Invitation
    is_new: bool


@retry_on_deadlock
def send(
    client: Client,
    entry: AccessInput,
    text: InvitationText,
    *,
    form_key: str,
    version: int | None,
    by: Actor,
    with_guide: bool = False,
    relationship: Relationship | None = None,
    enclosed: EnclosedDocuments | None = None,
) -> SentInvitation:
    """Saves the access as submitted and queues the invitation, with the getting-started guide if `with_guide`.

    The mail says what there is to complete of `enclosed`; the caller shares it. `form_key` is the form's random key:
    submitting the same form again returns the first invitation.
    Raises FormSentBefore, CannotSendInvitation (the access is saved and the refusal is in the audit log),
    ClientConflict, ClientArchived, access_grants.AddressNotFound, access_grants.MailboxTaken, RelationshipEnded.
    """
    chosen = enclosed.chosen if enclosed is not None else ()
    extra = [part for part in (relationship and relationship.pk, chosen) if part]
    content = (client.pk, entry, text, with_guide, *extra)
    with access_locks.lock_access(client, relationship) as (row, access):
        # Under the lock, where two submissions at once wait for each other.
        earlier = _find_earlier(client, form_key, content)
        if earlier is not None:
            return SentInvitation(earlier, is_new=False)
        if version is not None and access.version != version:
            raise ClientConflict
        if row.is_archived_now:
            raise ClientArchived
        access_grants.apply(access, entry, by=by)
        outcome = _write_unless_refused(
            access, text, form_key=form_key, by=by, with_guide=with_guide, enclosed=enclosed
        )
        if isinstance(outcome, Invitation):
            form_keys.store(outcome, form_key, content, kind=KIND)
        portal_states.store(access)
    if isinstance(outcome, CannotSendInvitation):
        raise outcome
    return SentInvitation(outcome, is_new=True)


def _find_earlier(client: Client, form_key: str, content: object) -> Invitation | None:
    if not _ids_by_form_key.rows(client=client.pk, form_key=form_key):
        return None  # Nearly always.
    rows = Invitation.objects.select_related("email").filter(client=client)
    return form_keys.find_result(rows, form_key, content, kind=KIND, describe=_summary)


@CompiledQuery
def _ids_by_form_key(client: Parameter, form_key: Parameter) -> QuerySet[Invitation, tuple[int]]:
    return Invitation.objects.filter(client=client, form_key=form_key).values_list("pk")


def _summary(invitation: Invitation) -> str:
    return _("an invitation to %(address)s") % {"address": invitation.email.to_address}


def _write_unless_refused(
    access: PortalAccess,
    text: InvitationText,
    *,
    form_key: str,
    by: Actor,
    with_guide: bool,
    enclosed: EnclosedDocuments | None,
) -> Invitation | CannotSendInvitation:
    """Returns a refusal instead of raising it: the saved access and the audit entry must be committed."""
    broken = eligibility.first_broken(access, Purpose.INVITATION)
    if broken is not None:
        return _refused(access, broken.instruct(access.client, access), broken.fix, by=by)
    if guardians.is_needed(access):
        return _refused(access, guardians.instruction(access.client), eligibility_steps.ADD_GUARDIAN, by=by)
    # Only a marked access has a stop. To send again is how staff decide that a refusal is over.
    instruction = _lift_refusal(access, by=by) if access.mail_stopped_at is not None else ""
    if instruction:
        return _refused(access, instruction, eligibility_steps.LIFT_STOP, by=by)
    access.draft_subject = access.draft_message = ""
    return write(access, text, form_key=form_key, by=by, with_guide=with_guide, enclosed=enclosed)


def _refused(access: PortalAccess, instruction: str, fix: Fix, *, by: Actor) -> CannotSendInvitation:
    client, named = access.client, holders.details_of(access)
    audit_log.record(
        AuditAction.INVITATION_REFUSED, practice=client.practice, client=client, by=by, why=fix.name, **named
    )
    return CannotSendInvitation(f"{instruction} {_('Nothing was sent.')}", fix=fix.name)


def _lift_refusal(access: PortalAccess, *, by: Actor) -> str:
    """Lifts the stop of a mailbox that refused mail; returns what staff must do if a stop remains, else ""."""
    try:
        remaining = mail_stops.lift_refusal(access, by=by)
    except OwnerNeeded as needed:
        return str(needed)
    if remaining is None:
        return ""
    instruction = _("%(name)s marked our email as spam. Ask by phone, then lift the stop below.")
    return instruction % {"name": access.called}


def write(
    access: PortalAccess,
    text: InvitationText,
    *,
    form_key: str,
    by: Actor,
    with_guide: bool = False,
    queue: MailQueue = MailQueue.REST,
    enclosed: EnclosedDocuments | None = None,
) -> Invitation:
    """Queues the invitation of a locked access that is eligible for it; the draft is saved as it is in memory.

    Runs in the caller's transaction, which stores the portal state afterwards. Raises MailboxComplained.
    """
    client, account, address = access.client, access.account, access.address
    if account is None or address is None:
        raise AssertionError("An access that may be invited has an account and an address.")
    stop = mail_stops.stop_of_access(access)
    if stop is not None and stop.kind == StopKind.COMPLAINED:
        raise MailboxComplained
    ref, language = tokens.new_ref(), access.holder_language
    with translation.override(language):
        expanded = invitation_text.announce(invitation_text.expand(text, access), enclosed)
    attached = [client_guide.file_name(language)] if with_guide else []
    draft: outbox.Draft = {
        "practice": client.practice,
        "kind": KIND,
        "key": f"{KIND}:{ref}",
        "to_address": address.address,
        "to_name": access.holder.name,
        "subject": expanded.subject,
        "content": {
            "blocks": list(expanded.blocks),
            "language": language,
            "attached": attached,
            "is_new_address": access.had_signed_in_before and access.first_signed_in_at is None,
        },
        "by": by,
        "client": client,
        "link_nonce": tokens.new_nonce(),
        "queue": queue,
    }
    (email,) = outbox.queue_new([draft])
    invitation = Invitation(
        practice=client.practice,
        ref=ref,
        client=client,
        access=access,
        account=account,
        address=address,
        email=email,
        form_key=form_key,
        sent_by=by.name,
    )
    insertion.insert(invitation)
    sign_in_links.create(account, address, email)
    access.invited_at = clock.now()
    mail_stops.set_marks(access, stop)
    access.version += 1
    access.save(update_fields=["invited_at", "mail_stopped_at", "mail_stopped_reason", *DRAFT_FIELDS, "version"])
    audit_log.record(
        AuditAction.INVITATION_QUEUED,
        practice=client.practice,
        client=client,
        by=by,
        about=ref,
        address=address.address,
        **holders.details_of(access),
    )
    return invitation


def save_draft(client: Client, text: InvitationText, relationship: Relationship | None = None) -> None:
    """Saves the invitation text as a draft, without a version check or an audit entry.

    Text equal to the default is not saved, because the editor opens with the default anyway.
    """
    holder = client if relationship is None else relationship.contact
    default = invitation_text.default_of(client.practice, holder.language)
    draft = {
        "draft_subject": "" if text.subject == default.subject else text.subject[: mail_texts.SUBJECT_LENGTH],
        "draft_message": "" if text.message == default.message else text.message[: mail_texts.MESSAGE_LENGTH],
    }
    rows = PortalAccess.objects.filter(relationship=relationship)
    rows = rows.filter(own_client=client) if relationship is None else rows
    if rows.update(**draft):
        return
    with transaction.atomic():
        # Only the holder of the client's lock may save a first access, see `access_locks.lock_access`.
        Client.objects.locked().get(pk=client.pk)
        if not rows.update(**draft):
            access = access_lookups.new_access(client, relationship)
            access.practice_id = client.practice_id
            access.draft_subject, access.draft_message = draft["draft_subject"], draft["draft_message"]
            access.save(force_insert=True)


def opening_text(access: PortalAccess | None, default: InvitationText) -> InvitationText:
    """Returns the text for the editor: the draft if there is one, else the default in the person's language."""
    if access is None:
        return default
    return InvitationText(access.draft_subject or default.subject, access.draft_message or default.message)


def invitations_of(access: PortalAccess | Parameter) -> QuerySet[Invitation]:
    """Returns the invitations of an access, newest first, with their mails and links."""
    return Invitation.objects.filter(access=access).select_related("email__sign_in_link").order_by("-id")


def with_waiting_mail(accesses: Collection[PortalAccess]) -> set[int]:
    """Returns the ids of those saved accesses that have an invitation whose mail was not sent yet."""
    saved = [access.pk for access in accesses if not access._state.adding]
    waiting = Invitation.objects.filter(access__in=saved, email__state__in=WAITING)
    return set(waiting.values_list("access_id", flat=True))


def record_failure(invitation: Invitation, reason: str) -> None:
    """Marks mail to the access as stopped after the invitation's mail was refused or given up.

    Only for the newest invitation of the access, and only if its address is still chosen. Runs in the caller's
    transaction.
    """
    _mark(invitation, PortalAccess.objects.all(), mail_stopped_at=clock.now(), mail_stopped_reason=reason)


def record_retry(invitation: Invitation) -> None:
    """Clears the mark of `record_failure` when the invitation's mail is queued again. In the caller's transaction.

    Leaves the mark of a stopped mailbox, which the retry does not lift.
    """
    if mail_stops.stop_of(invitation.address) is not None:
        return
    stopped = PortalAccess.objects.filter(mail_stopped_at__isnull=False)
    _mark(invitation, stopped, mail_stopped_at=None, mail_stopped_reason="")


def _mark(invitation: Invitation, accesses: QuerySet[PortalAccess], **marks: datetime | str | None) -> None:
    client = Client.objects.locked().get(pk=invitation.client_id)
    if Invitation.objects.filter(access=invitation.access_id, pk__gt=invitation.pk).exists():
        return
    if accesses.filter(pk=invitation.access_id, address_id=invitation.address_id).update(**marks):
        portal_states.recompute(client)
