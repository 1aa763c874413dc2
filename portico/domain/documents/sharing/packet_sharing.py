"""Sharing documents: a packet of requests for one portal access."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portico.domain.access import access_locks, access_lookups, eligibility, holders
from portico.domain.access.eligibility import Purpose
from portico.domain.access.eligibility_steps import CheckedFact, Step
from portico.domain.access.models import PortalAccess
from portico.domain.audit_actions import AuditAction
from portico.domain.documents.models import DocumentRequest, DocumentRun, DocumentTemplate, Packet, TemplateVersion
from portico.domain.documents.refusals import NotShareable
from portico.domain.documents.sharing import document_mails
from portico.domain.practices.mail_texts import MailText
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.form_keys import FormSentBefore
from portico.plumbing.models import MailQueue, OutgoingEmail


@retry_on_deadlock
def share(
    access: PortalAccess,
    versions: Sequence[TemplateVersion],
    *,
    form_key: str,
    by: Actor,
    text: MailText | None = None,
    email: OutgoingEmail | None = None,
    document_run: DocumentRun | None = None,
) -> Packet:
    """Creates a packet with a request for each version, in their order.

    It is announced by a new mail with `text`, if mail may be sent to the access, or by `email`, which is queued
    already. `document_run` is the run that shares with many people, whose mails wait for their turn. A second call
    with the same `form_key` and versions returns the first packet. Raises NotShareable, also for a document that the
    access has still to complete, FormSentBefore, ClientConflict, and ValueError without versions, or for one that is
    not of the practice.
    """
    if not form_key or not versions or any(each.practice_id != access.client.practice_id for each in versions):
        raise ValueError("Share at least one version, of documents of the practice, with a form key.")
    with access_locks.lock_access(access.client, access.relationship) as (client, locked):
        save_first(locked)
        if earlier := Packet.objects.filter(access=locked, form_key=form_key).first():
            _refuse_other_versions(earlier, versions)
            return earlier
        _refuse_unless_shareable(locked, versions)
        if text is not None:
            queue = MailQueue.REST if document_run is None else MailQueue.BULK
            email = document_mails.queue(locked, versions, text, form_key=form_key, by=by, queue=queue)
        packet = create(locked, versions, email=email, form_key=form_key, by=by, document_run=document_run)
        audit_log.record(
            AuditAction.DOCUMENTS_SHARED,
            practice=client.practice,
            client=client,
            by=by,
            about=packet.ref,
            number=len(versions),
            **holders.details_of(locked),
        )
    return packet


def save_first(locked: PortalAccess) -> None:
    """Saves a locked access that was never saved: requests refer to it."""
    if not locked.pk:
        locked.practice_id = locked.client.practice_id
        locked.pay_by_card = access_lookups.new_access(locked.client, locked.relationship).pay_by_card
        locked.save(force_insert=True)


def create(
    locked: PortalAccess,
    versions: Sequence[TemplateVersion],
    *,
    email: OutgoingEmail | None,
    form_key: str,
    by: Actor,
    document_run: DocumentRun | None = None,
) -> Packet:
    """Creates the rows of a packet, under the lock of its access."""
    packet = Packet.objects.create(
        practice_id=locked.practice_id,
        client=locked.client,
        access=locked,
        email=email,
        document_run=document_run,
        form_key=form_key,
        shared_by=by.name[:100],
    )
    DocumentRequest.objects.bulk_create(
        DocumentRequest(
            practice_id=locked.practice_id,
            packet=packet,
            client=locked.client,
            access=locked,
            version=version,
            position=position,
        )
        for position, version in enumerate(versions)
    )
    return packet


@dataclass(frozen=True)
class PacketInput:
    """The documents for one access, and the text of the mail that announces them if mail may be sent."""

    access: PortalAccess
    versions: Sequence[TemplateVersion]
    text: MailText


@retry_on_deadlock
def share_with(entries: Sequence[PacketInput], *, form_key: str, by: Actor) -> list[Packet]:
    """Shares a packet with each of several accesses of one client, in one transaction; see `share`."""
    # All at once, so that every operation locks in the same order.
    with access_locks.lock_accesses(entries[0].access.client):
        return [share(each.access, each.versions, text=each.text, form_key=form_key, by=by) for each in entries]


def first_obstacle(access: PortalAccess) -> Step | None:
    """Returns the first reason that documents can't be shared with the access now; None if they can.

    Access may be off: the documents then wait for the invitation that turns it on.
    """
    steps = eligibility.check(access, Purpose.DOCUMENTS)
    return next((step for step, holds in steps if not holds and step.fact not in _MAY_FOLLOW), None)


_MAY_FOLLOW = frozenset({CheckedFact.ACCESS_ON, CheckedFact.ADDRESS_OPEN})


def _refuse_unless_shareable(access: PortalAccess, versions: Sequence[TemplateVersion]) -> None:
    if obstacle := first_obstacle(access):
        raise NotShareable(obstacle.instruct(access.client, access))
    archived = DocumentTemplate.objects.filter(versions__in=versions, archived_at__isnull=False)
    if title := archived.values_list("title", flat=True).first():
        raise NotShareable(_("“%(title)s” is archived. Restore it before you share it.") % {"title": title})
    # Under the lock: a colleague may have shared it since the page was opened.
    waiting = DocumentRequest.objects.open().filter(access=access, version__template__versions__in=versions)
    if title := waiting.values_list("version__template__title", flat=True).first():
        names = {"name": access.holder_name(), "title": title}
        raise NotShareable(_("%(name)s still has to complete “%(title)s”. It isn’t shared again.") % names)


def _refuse_other_versions(packet: Packet, versions: Sequence[TemplateVersion]) -> None:
    shared = list(packet.requests.order_by("position").values_list("version", flat=True))
    if shared == [each.pk for each in versions]:
        return
    number = len(shared)
    described = ngettext("%(number)d document shared", "%(number)d documents shared", number) % {"number": number}
    raise FormSentBefore(described)
