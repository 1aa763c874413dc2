"""Delivery failures of a mailbox: recording them on its clients, and clearing them once a mail is accepted."""

from portico.domain.access import portal_states
from portico.domain.access.models import PortalAccess, PortalAccount
from portico.domain.access.models.accounts import PortalAccessQuerySet
from portico.domain.clients.models import Client
from portico.plumbing import clock
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.models.outgoing_emails import EmailState


def apply_outcome(email: OutgoingEmail, account: PortalAccount) -> None:
    """Records on each client of the mailbox whether the last mail was refused. Runs in the caller's transaction.

    Ignores a dropped mail, which says nothing about the mailbox.
    """
    accesses = PortalAccess.objects.filter(account=account, enabled_at__isnull=False)
    if email.state in {EmailState.BOUNCED, EmailState.FAILED}:
        _save_outcome(accesses, reason=email.reason)
    elif email.state != EmailState.DROPPED:
        _save_outcome(accesses.filter(mail_stopped_at__isnull=False), reason=None)


def _save_outcome(accesses: PortalAccessQuerySet, *, reason: str | None) -> None:
    stopped_at = None if reason is None else clock.now()
    clients = list(accesses.values_list("client_id", flat=True))
    if not clients:
        return
    for client in Client.objects.locked().filter(pk__in=clients).order_by("pk"):
        PortalAccess.objects.filter(client=client).update(mail_stopped_at=stopped_at, mail_stopped_reason=reason or "")
        portal_states.recompute(client)
