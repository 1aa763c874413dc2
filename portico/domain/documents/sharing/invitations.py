"""Invitations with documents: the invitation and what is shared with it are one transaction."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Count, QuerySet, Sum

from portico.domain.access import access_locks
from portico.domain.access.access_grants import AccessInput
from portico.domain.access.models import Invitation, PortalAccess
from portico.domain.access.onboarding import invitations, new_clients
from portico.domain.access.onboarding.invitation_text import EnclosedDocuments, InvitationText
from portico.domain.access.onboarding.invitations import CannotSendInvitation, SentInvitation
from portico.domain.access.onboarding.new_clients import CreatedClient
from portico.domain.clients.client_input import ClientInput
from portico.domain.clients.models import Client, Relationship
from portico.domain.documents.models import DocumentRequest, TemplateVersion
from portico.domain.documents.sharing import packet_sharing, shareable
from portico.domain.practices.models import Practice
from portico.plumbing.actors import Actor
from portico.plumbing.database.compiled import CompiledQuery, Parameter
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.models import MailQueue


@retry_on_deadlock
def send(
    client: Client,
    entry: AccessInput,
    text: InvitationText,
    versions: Sequence[TemplateVersion],
    *,
    form_key: str,
    version: int | None,
    by: Actor,
    with_guide: bool = False,
    relationship: Relationship | None = None,
) -> SentInvitation:
    """Sends an invitation as `onboarding.invitations.send` does, and shares the versions with its access.

    What the access has still to complete is not shared a second time; the mail counts it.
    Raises what that function raises, and NotShareable.
    """
    refusal = None
    # Locked here already: a colleague may be sharing the same documents.
    with access_locks.lock_access(client, relationship) as (_row, access):
        # As it will be saved with the invitation, which counts only what its reader may see.
        access.signs_documents = entry.signs_documents
        new = shareable.not_open(access, versions)
        try:
            sent = invitations.send(
                client,
                entry,
                text,
                form_key=form_key,
                version=version,
                by=by,
                with_guide=with_guide,
                relationship=relationship,
                enclosed=enclosed(access, versions),
            )
        except CannotSendInvitation as refused:
            # Not raised in here: the saved access and the entry in the audit log must be committed.
            refusal = refused
        else:
            if sent.is_new:
                _share(sent.invitation, new, form_key=form_key, by=by)
    if refusal is not None:
        raise refusal
    return sent


@retry_on_deadlock
def create_client(
    practice: Practice,
    entry: ClientInput,
    access: AccessInput | None,
    text: InvitationText | None,
    versions: Sequence[TemplateVersion],
    *,
    form_key: str,
    by: Actor,
) -> CreatedClient:
    """Creates a client as `new_clients.create` does, and shares the versions if the invitation is sent.

    Raises what that function raises, and NotShareable.
    """
    with transaction.atomic():
        created = new_clients.create(
            practice, entry, access, text, form_key=form_key, by=by, enclosed=enclosed(None, versions)
        )
        if created.is_new and created.invitation is not None:
            _share(created.invitation, versions, form_key=form_key, by=by)
    return created


def write(
    access: PortalAccess, text: InvitationText, *, form_key: str, by: Actor, queue: MailQueue = MailQueue.REST
) -> Invitation:
    """Queues the invitation of a locked access as `invitations.write` does, and shares the welcome packet with it.

    Leaves out what the access was asked for already, and everything if it may not sign documents. Runs in the
    caller's transaction.
    """
    versions = shareable.welcome_packet_of(access) if packet_sharing.first_obstacle(access) is None else []
    invitation = invitations.write(
        access, text, form_key=form_key, by=by, queue=queue, enclosed=enclosed(access, versions)
    )
    _share(invitation, versions, form_key=form_key, by=by)
    return invitation


def enclosed(access: PortalAccess | None, versions: Sequence[TemplateVersion]) -> EnclosedDocuments | None:
    """Returns what the mail says of the documents: the chosen ones, and those that the access has still to complete.

    Returns None if there is nothing to complete. Documents that are waiting are not counted while the access may not
    see documents.
    """
    new = shareable.not_open(access, versions)
    may_see = access is not None and access.pk and packet_sharing.first_obstacle(access) is None
    left = _left.first(access=access.pk) if access is not None and may_see else None
    number, minutes = left or (0, 0)
    number += len(new)
    if not number:
        return None
    chosen = tuple(sorted(each.template_id for each in versions))
    return EnclosedDocuments(number, minutes + sum(each.minutes for each in new), chosen)


def _share(invitation: Invitation, versions: Sequence[TemplateVersion], *, form_key: str, by: Actor) -> None:
    if versions:
        packet_sharing.share(invitation.access, versions, form_key=form_key, by=by, email=invitation.email)


@CompiledQuery
def _left(access: Parameter) -> QuerySet[DocumentRequest, tuple[int, int]]:
    rows = DocumentRequest.objects.open().filter(access=access).order_by().values("access")
    sums = rows.annotate(number=Count("pk"), minutes=Sum("version__minutes"))
    return sums.values_list("number", "minutes")
