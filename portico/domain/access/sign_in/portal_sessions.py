"""Portal sessions: starting, finding and ending them."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet

from portico.domain.access import eligibility
from portico.domain.access.models import (
    SESSIONS_PER_ACCOUNT,
    PortalAccess,
    PortalAccount,
    PortalSession,
    SignInMethod,
    bounds_of_life,
)
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import clock, tokens
from portico.plumbing.actors import Actor, ActorKind
from portico.plumbing.audit import audit_log
from portico.plumbing.database.compiled import CompiledQuery, Parameter

# A change of address that a session asked for needs its row: the mail may wait for a day, and its link works for a day.
RETENTION = timedelta(days=2)


@dataclass(frozen=True)
class StartedSession:
    """A new session, the key for its cookie, which is not stored, and the path to redirect to; empty is Home."""

    session: PortalSession
    key: str
    goes_to: str = ""


def start(
    account: PortalAccount, *, method: SignInMethod, proof_epoch: int, browser: str, only_client: Client | None = None
) -> StartedSession:
    """Starts a session at the account's current epoch. Beyond `SESSIONS_PER_ACCOUNT` it ends the oldest session.

    The caller has locked the account. `proof_epoch` is the epoch of the link, code or PIN that was used.
    """
    key = tokens.new_token()
    session = PortalSession.objects.create(
        practice_id=account.practice_id,
        account=account,
        key_hash=tokens.digest(key),
        epoch=account.epoch,
        proof_epoch=proof_epoch,
        browser=browser[:100],
        method=method,
        only_client=only_client,
    )
    newest = account.sessions.filter(ended_at=None).order_by("-id").values_list("pk", flat=True)[:SESSIONS_PER_ACCOUNT]
    account.sessions.filter(ended_at=None).exclude(pk__in=list(newest)).update(
        ended_at=clock.now(), ended_by="a newer session"
    )
    return StartedSession(session, key)


def find(practice: Practice, key: str) -> PortalSession | None:
    """Returns the live session of a cookie at this practice, with its account; None if there is none."""
    return (
        PortalSession.objects.alive()
        .select_related("account")
        .filter(practice=practice, key_hash=tokens.digest(key))
        .first()
    )


def find_ended(practice: Practice, key: str) -> PortalSession | None:
    """Returns the timed-out session of a cookie, with its account, until it is deleted; None if there is none.

    Does not return sessions that the client, staff or a newer session ended.
    """
    session = (
        PortalSession.objects.select_related("account")
        .filter(practice=practice, key_hash=tokens.digest(key), ended_at=None)
        .first()
    )
    return None if session is None or PortalSession.objects.alive().filter(pk=session.pk).exists() else session


def has_timed_out(session: PortalSession) -> bool:
    """Returns True if an expired session was idle for too long; False if it reached the maximum age."""
    return clock.now() - session.seen_at >= timedelta(seconds=settings.SESSION_IDLE_CLIENT)


@dataclass(frozen=True)
class OpenedSession:
    """The live session of a cookie, its practice, and the accesses that it opens now, of which there may be none."""

    session: PortalSession
    practice: Practice
    accesses: list[PortalAccess]


def open_session(slug: str, key: str) -> OpenedSession | None:
    """Returns the live session of a cookie at this practice; None if there is none. Runs one query."""
    rows = _accesses_by_key.rows(slug=slug, key_hash=tokens.digest(key), **bounds_of_life())
    if not rows:
        return None
    first = rows[0]
    columns = [first.__dict__[f"session_{name}"] for name in _SESSION_COLUMNS]
    session = PortalSession.from_db(first._state.db, _SESSION_COLUMNS, columns)
    session.account = first.account  # type: ignore[assignment]  # The session was found by way of it.
    return OpenedSession(session, first.practice, [access for access in rows if opens(session, access)])


_SESSION_COLUMNS = [field.attname for field in PortalSession._meta.concrete_fields]


@CompiledQuery
def _accesses_by_key(
    *, slug: Parameter, key_hash: Parameter, seen_after: Parameter, created_after: Parameter, latest: Parameter
) -> QuerySet[PortalAccess]:
    """Returns all accesses of the session's account, each with the columns of the session."""
    sessions = PortalSession.objects.filter(practice__slug=slug, key_hash=key_hash)
    alive = sessions.alive_between(seen_after=seen_after, created_after=created_after, latest=latest)
    accesses = PortalAccess.objects.filter(account__sessions__in=alive)
    columns = {f"session_{name}": F(f"account__sessions__{name}") for name in _SESSION_COLUMNS}
    ordered = accesses.with_restoration().order_by("client__sort_key", "client_id")
    related = ("practice", "client", "account", "address", "relationship__contact")
    return ordered.select_related(*related).annotate(**columns)


def opens(session: PortalSession, access: PortalAccess) -> bool:
    """Returns True for the rows that `accesses_of` returns; uses loaded rows only."""
    return (
        session.only_client_id in {None, access.client_id}
        and eligibility.is_eligible(access, session.purpose)
        and eligibility.is_current(access, session.purpose, session.epoch, proof_epoch=session.proof_epoch)
    )


def accesses_of(session: PortalSession) -> QuerySet[PortalAccess]:
    """Returns the accesses that the session opens now; empty if it opens no client any more."""
    accesses = PortalAccess.objects.filter(account_id=session.account_id)
    accesses = accesses.opened_by(session.purpose, session.epoch, proof_epoch=session.proof_epoch)
    if session.only_client_id is not None:
        accesses = accesses.filter(client_id=session.only_client_id)
    related = ("client", "address", "relationship__contact")
    return accesses.select_related(*related).order_by("client__sort_key", "client_id")


def live_sessions(account: PortalAccount) -> QuerySet[PortalSession]:
    """Returns the account's live sessions, newest first."""
    return account.sessions.alive().order_by("-id")


def touch(session: PortalSession, *, every: float) -> None:
    """Records activity in the session; writes at most once in `every` seconds."""
    now = clock.now()
    if (now - session.seen_at).total_seconds() >= every:
        PortalSession.objects.filter(pk=session.pk).update(seen_at=now)


def choose_client(session: PortalSession, access: PortalAccess) -> None:
    """Saves which client the session shows."""
    PortalSession.objects.filter(pk=session.pk).update(client_id=access.client_id)


def end(session: PortalSession, *, by: Actor) -> bool:
    """Ends a session; returns False if it had already ended."""
    ended = PortalSession.objects.filter(pk=session.pk, ended_at=None).update(
        ended_at=clock.now(), ended_by=by.name[:100]
    )
    return bool(ended)


def revoke(session: PortalSession, *, by: Actor) -> bool:
    """Ends a session and the change of address that it asked for; returns False if it had already ended."""
    PortalSession.objects.filter(pk=session.pk, revoked_at=None).update(revoked_at=clock.now())
    return end(session, by=by)


def sign_out(session: PortalSession, practice: Practice, *, by: Actor) -> None:
    """Signs the person out of this session."""
    with transaction.atomic():
        if end(session, by=by):
            audit_log.record(AuditAction.CLIENT_SIGNED_OUT, practice=practice, by=by, client=session.client)


def end_by_client(session: PortalSession, practice: Practice, *, seen_by: Client, by: Actor) -> None:
    """Ends one of the client's sessions from their list; `seen_by` is the client that the acting session shows."""
    with transaction.atomic():
        if revoke(session, by=by):
            client = session.client or seen_by
            audit_log.record(AuditAction.SESSION_ENDED, practice=practice, by=by, client=client, about=session.ref)


def end_others(session: PortalSession, practice: Practice, *, seen_by: Client, by: Actor) -> int:
    """Ends every session of the mailbox except this one. Returns the number of ended sessions."""
    others = [other for other in live_sessions(session.account) if other.pk != session.pk]
    for other in others:
        end_by_client(other, practice, seen_by=seen_by, by=by)
    # Those that signed out or timed out may have asked for a change of address, which ends with them.
    earlier = session.account.sessions.filter(revoked_at=None).exclude(pk=session.pk)
    earlier.update(revoked_at=clock.now())
    return len(others)


def delete_ended() -> int:
    """Deletes sessions last seen more than RETENTION ago; a scheduled task. Returns their number.

    None of them is live: the settings allow an idle time of at most half a day.
    """
    return PortalSession.objects.filter(seen_at__lt=clock.now() - RETENTION).delete()[0]


def actor_of(session: PortalSession) -> Actor:
    """Returns the mailbox of a new session as an actor, before it is known which client it shows."""
    return Actor(ActorKind.CLIENT, "Portal account", account_id=session.account_id)
