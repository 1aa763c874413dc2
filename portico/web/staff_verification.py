"""Second factor and last re-authentication of a staff session, stored in the session so that they need no query."""

from datetime import UTC, datetime, timedelta

from django.conf import settings

from portico.domain.practices.staff.second_factor import SecondFactorMethod
from portico.domain.practices.staff.staff_sessions import SessionStore
from portico.plumbing import clock

# How long a verification counts as recent.
FRESH = timedelta(minutes=10)
_FACTOR = "second-factor"
_VERIFIED_AT = "proven-at"
_UNSEEN_CODES = "recovery-codes-unseen"


def record(session: SessionStore, method: SecondFactorMethod) -> None:
    """Records that the person has just verified their identity."""
    session[_VERIFIED_AT] = clock.now().timestamp()
    if method != SecondFactorMethod.PASSWORD:
        session[_FACTOR] = method.value


def is_recent(session: SessionStore) -> bool:
    """Returns True if the last verification is at most ten minutes old. Signing in counts as one."""
    if _VERIFIED_AT in session:
        verified_at = datetime.fromtimestamp(session[_VERIFIED_AT], UTC)
    elif session.row is not None:
        verified_at = session.row.created_at
    else:
        return False
    return -clock.SKEW <= clock.now() - verified_at <= FRESH


def has_factor(session: SessionStore) -> bool:
    return _FACTOR in session


def show_codes(session: SessionStore, *, first: bool) -> None:
    """Marks new recovery codes to be shown to this session. `first`: as the last step of setting up a second factor."""
    session[_UNSEEN_CODES] = "first" if first else "new"


def has_unseen_codes(session: SessionStore) -> bool:
    return _UNSEEN_CODES in session


def are_codes_the_first(session: SessionStore) -> bool:
    return bool(session.get(_UNSEEN_CODES) == "first")


def mark_codes_seen(session: SessionStore) -> None:
    session.pop(_UNSEEN_CODES, None)


def next_step(session: SessionStore) -> str:
    """Returns the URL name of the next sign-in step; empty if the session may open the office."""
    if not settings.SECOND_FACTOR_REQUIRED:
        return ""
    if not has_factor(session):
        return "office:second_step"
    return "office:recovery_codes" if has_unseen_codes(session) else ""
