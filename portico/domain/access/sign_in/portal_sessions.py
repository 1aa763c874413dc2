"""Portal sessions: begun by signing in, found by their cookie, ended by the client, by staff or by time."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from portico.domain.access.models import SESSIONS_PER_ACCOUNT, PortalAccess, PortalAccount, PortalSession, SignInMethod
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import clock, tokens
from portico.plumbing.actors import Actor, ActorKind
from portico.plumbing.audit import audit_log


@dataclass(frozen=True)
class StartedSession:
    """A new session, the key for its cookie, which is stored nowhere, and the place it leads to; empty is Home."""

    session: PortalSession
    key: str
    goes_to: str = ""


def start(
    account: PortalAccount, *, way: SignInMethod, proof_epoch: int, browser: str, only_client: Client | None = None
) -> StartedSession:
    """Begins a session at the account's present number; the sixth ends the oldest. Account locked by the caller.

    `proof_epoch` is the number of the link, code or PIN.
    """
    key = tokens.new_token()
    session = PortalSession.objects.create(
        practice_id=account.practice_id,
        account=account,
        key_hash=tokens.digest(key),
        epoch=account.epoch,
        proof_epoch=proof_epoch,
        browser=browser[:100],
        way=way,
        only_client=only_client,
    )
    kept = account.sessions.filter(ended_at=None).order_by("-id").values_list("pk", flat=True)[:SESSIONS_PER_ACCOUNT]
    account.sessions.filter(ended_at=None).exclude(pk__in=list(kept)).update(
        ended_at=clock.now(), ended_by="a newer session"
    )
    return StartedSession(session, key)


def find(practice: Practice, key: str) -> PortalSession | None:
    """The live session of a cookie at this practice, with its account."""
    return (
        PortalSession.objects.alive()
        .select_related("account")
        .filter(practice=practice, key_hash=tokens.digest(key))
        .first()
    )


def find_ended(practice: Practice, key: str) -> PortalSession | None:
    """The session of a cookie that nobody ended but time, as long as it is kept; with its account."""
    session = (
        PortalSession.objects.select_related("account")
        .filter(practice=practice, key_hash=tokens.digest(key), ended_at=None)
        .first()
    )
    return None if session is None or PortalSession.objects.alive().filter(pk=session.pk).exists() else session


def has_timed_out(session: PortalSession) -> bool:
    """Whether nobody pressed anything for too long; else it had lasted as long as a session may."""
    return clock.now() - session.seen_at >= timedelta(seconds=settings.SESSION_IDLE_CLIENT)


def accesses_of(session: PortalSession) -> QuerySet[PortalAccess]:
    """What the session opens at this moment, by the account's numbers; empty when every fact has changed."""
    accesses = PortalAccess.objects.filter(account_id=session.account_id)
    accesses = accesses.opened(session.purpose, session.epoch, proof_epoch=session.proof_epoch)
    if session.only_client_id is not None:
        accesses = accesses.filter(client_id=session.only_client_id)
    return accesses.select_related("client", "address").order_by("client__sort_key", "client_id")


def live_sessions(account: PortalAccount) -> QuerySet[PortalSession]:
    """The account's sessions that are alive, newest first."""
    return account.sessions.alive().order_by("-id")


def touch(session: PortalSession, *, every: float) -> None:
    """Notes that the person is there; writes at most once in `every` seconds."""
    now = clock.now()
    if (now - session.seen_at).total_seconds() >= every:
        PortalSession.objects.filter(pk=session.pk).update(seen_at=now)


def choose_client(session: PortalSession, access: PortalAccess) -> None:
    """Notes whom the person is looking at."""
    PortalSession.objects.filter(pk=session.pk).update(client_id=access.client_id)


def end(session: PortalSession, *, by: Actor) -> bool:
    """Ends a session; False when it had ended already."""
    ended = PortalSession.objects.filter(pk=session.pk, ended_at=None).update(
        ended_at=clock.now(), ended_by=by.name[:100]
    )
    return bool(ended)


def sign_out(session: PortalSession, practice: Practice) -> None:
    """The client signs out here."""
    actor = actor_of(session)
    with transaction.atomic():
        if end(session, by=actor):
            audit_log.record(AuditAction.CLIENT_SIGNED_OUT, practice=practice, by=actor, client=session.client)


def end_by_client(session: PortalSession, practice: Practice, *, seen_by: Client, by: Actor) -> None:
    """The client ends one of their own sessions from the list; `seen_by` is whom they look at meanwhile."""
    with transaction.atomic():
        if end(session, by=by):
            whose = session.client or seen_by
            audit_log.record(AuditAction.SESSION_ENDED, practice=practice, by=by, client=whose, about=session.ref)


def end_others(session: PortalSession, practice: Practice, *, seen_by: Client, by: Actor) -> int:
    """The client ends every session of the mailbox but this one. Returns how many."""
    others = [other for other in live_sessions(session.account) if other.pk != session.pk]
    for other in others:
        end_by_client(other, practice, seen_by=seen_by, by=by)
    return len(others)


def delete_ended() -> int:
    """Deletes what ended or was left more than a day ago; upkeep calls it. Returns how many.

    No session is alive a day after it was last seen: settings allow no more than half of that.
    """
    return PortalSession.objects.filter(seen_at__lt=clock.now() - timedelta(days=1)).delete()[0]


def actor_of(session: PortalSession) -> Actor:
    """The mailbox, as an actor; named by whom it looks at, never by its address."""
    name = session.client.name if session.client is not None else "Portal account"
    return Actor(ActorKind.CLIENT, name, account_id=session.account_id)
