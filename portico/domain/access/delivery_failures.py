"""What it means for a mailbox's clients that a mail to it was refused, or arrived at its server after all."""

from portico.domain.access import portal_states
from portico.domain.access.models import PortalAccess, PortalAccount
from portico.domain.access.models.accounts import PortalAccessQuerySet
from portico.domain.clients.models import Client
from portico.plumbing import clock
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.models.outgoing_emails import EmailState


def apply_outcome(email: OutgoingEmail, account: PortalAccount) -> None:
    """Notes on each client whose mailbox it is whether the last mail was refused. In the caller's transaction.

    A mail that was dropped says nothing about the mailbox.
    """
    accesses = PortalAccess.objects.filter(account=account, enabled_at__isnull=False)
    if email.state in {EmailState.BOUNCED, EmailState.FAILED}:
        _write(accesses, reason=email.reason)
    elif email.state != EmailState.DROPPED:
        _write(accesses.filter(mail_stopped_at__isnull=False), reason=None)


def _write(accesses: PortalAccessQuerySet, *, reason: str | None) -> None:
    stopped_at = None if reason is None else clock.now()
    clients = list(accesses.values_list("client_id", flat=True))
    if not clients:
        return
    for client in Client.objects.locked().filter(pk__in=clients).order_by("pk"):
        PortalAccess.objects.filter(client=client).update(mail_stopped_at=stopped_at, mail_stopped_reason=reason or "")
        portal_states.recompute(client)
