"""What a staff session has shown of its person: by what, and when last. Kept in the session, so it costs no query."""

from datetime import UTC, datetime, timedelta

from django.conf import settings

from portico.domain.practices.staff.second_factor import SecondFactorMethod
from portico.domain.practices.staff.staff_sessions import SessionStore
from portico.plumbing import clock

# How long a proof counts for what asks for one.
FRESH = timedelta(minutes=10)
_FACTOR = "second-factor"
_PROVEN_AT = "proven-at"
_CODES = "recovery-codes-unseen"


def record(session: SessionStore, way: SecondFactorMethod) -> None:
    """The person has just shown who they are."""
    session[_PROVEN_AT] = clock.now().timestamp()
    if way != SecondFactorMethod.PASSWORD:
        session[_FACTOR] = way.value


def is_recent(session: SessionStore) -> bool:
    """Whether the last proof is at most ten minutes old. A session begins with one."""
    if _PROVEN_AT in session:
        last = datetime.fromtimestamp(session[_PROVEN_AT], UTC)
    elif session.row is not None:
        last = session.row.created_at
    else:
        return False
    return -clock.SKEW <= clock.now() - last <= FRESH


def has_factor(session: SessionStore) -> bool:
    return _FACTOR in session


def show_codes(session: SessionStore, *, first: bool) -> None:
    """New recovery codes wait to be seen, by this session alone. `first`: as the last step of setting up."""
    session[_CODES] = "first" if first else "new"


def has_unseen_codes(session: SessionStore) -> bool:
    return _CODES in session


def codes_are_first(session: SessionStore) -> bool:
    return bool(session.get(_CODES) == "first")


def codes_seen(session: SessionStore) -> None:
    session.pop(_CODES, None)


def next_step(session: SessionStore) -> str:
    """The name of the page that stands between this session and the office; empty when none does."""
    if not settings.SECOND_FACTOR_REQUIRED:
        return ""
    if not has_factor(session):
        return "office:second_step"
    return "office:recovery_codes" if has_unseen_codes(session) else ""
