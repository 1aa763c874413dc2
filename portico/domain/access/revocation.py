"""Revocation: ending one portal session, or every link, code, PIN and session of a client."""

from django.db import transaction
from django.db.models import QuerySet

from portico.domain.access import access_locks, eligibility, holders, portal_accounts
from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import PortalAccess, PortalSession, bounds_of_life
from portico.domain.access.sign_in import portal_sessions
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client, Relationship
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.database.compiled import CompiledQuery, Parameter
from portico.plumbing.database.deadlocks import retry_on_deadlock


def sessions_of(access: PortalAccess | None) -> list[PortalSession]:
    """Returns the live sessions in which this client can be seen now, newest first."""
    if access is None or access.account is None or not eligibility.is_eligible(access, Purpose.SIGN_IN_BY_PIN):
        return []
    live = _live_sessions.rows(account=access.account.pk, **bounds_of_life())
    return [session for session in live if portal_sessions.opens(session, access)]


@CompiledQuery
def _live_sessions(
    account: Parameter, seen_after: Parameter, created_after: Parameter, latest: Parameter
) -> QuerySet[PortalSession]:
    sessions = PortalSession.objects.filter(account=account)
    alive = sessions.alive_between(seen_after=seen_after, created_after=created_after, latest=latest)
    return alive.order_by("-id")


@retry_on_deadlock
def revoke_all(client: Client, relationship: Relationship | None = None, *, by: Actor) -> None:
    """Ends every link, code, PIN and session of the access; other clients of the mailbox are not affected."""
    with access_locks.lock_access(client, relationship) as (row, access):
        if access.account is None:
            return
        access.changed_epoch = access.ended_epoch = portal_accounts.save_next_epoch(access.account)
        access.save(update_fields=["changed_epoch", "ended_epoch"])
        for session in portal_sessions.live_sessions(access.account):
            # The session shows no client any more, so it must not count toward SESSIONS_PER_ACCOUNT.
            if not portal_sessions.accesses_of(session).exists():
                portal_sessions.revoke(session, by=by)
        named = holders.details_of(access)
        audit_log.record(AuditAction.EVERYTHING_ENDED, practice=row.practice, client=row, by=by, **named)


def end_session(client: Client, session: PortalSession, *, by: Actor) -> None:
    """Ends a session in which the client can be seen; it ends for every client of the mailbox."""
    with transaction.atomic():
        if portal_sessions.revoke(session, by=by):
            audit_log.record(
                AuditAction.SESSION_ENDED, practice=client.practice, client=client, by=by, about=session.ref
            )
