"""What a staff session has shown of its person: by what, and when last. Kept in the session, so it costs no query."""

from datetime import UTC, datetime, timedelta

from portico.domain.practices.second_factor import Way
from portico.domain.practices.staff_sessions import SessionStore
from portico.plumbing import clock

# How long a proof counts for what asks for one.
FRESH = timedelta(minutes=10)
_FACTOR = "second-factor"
_PROVEN_AT = "proven-at"


def note(session: SessionStore, way: Way) -> None:
    """The person has just shown who they are."""
    session[_PROVEN_AT] = clock.now().timestamp()
    if way != Way.PASSWORD:
        session[_FACTOR] = way.value


def is_fresh(session: SessionStore) -> bool:
    """Whether the last proof is at most ten minutes old. A session begins with one."""
    if _PROVEN_AT in session:
        last = datetime.fromtimestamp(session[_PROVEN_AT], UTC)
    elif session.row is not None:
        last = session.row.created_at
    else:
        return False
    return clock.now() - last <= FRESH
