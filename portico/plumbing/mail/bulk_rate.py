"""The rate of mails to many recipients: over all workers, at most EMAIL_PER_SECOND are sent within any second.

They have a queue of their own, in which each takes its turn at the moment it is sent. Sign-in mail and mails to a
single recipient are not counted.
"""

import time
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from portico.plumbing import clock
from portico.plumbing.database import transaction_guard
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.models.outgoing_emails import DelayCause, EmailState, MailQueue
from portico.plumbing.models.rate_limits import RateLimitCount

# Its row has the time of the last turn.
KEY = "bulk_mail_turn"
# A mail leaves within this time after its turn, or takes another one. Turns are as much further apart, so that none of
# the mails of a second is too many although each may be late.
PRECISION = timedelta(milliseconds=30)
# Mails are held back while so many seconds' worth of them wait: pausing a run stops the others.
MAX_SECONDS_QUEUED = 2
# Another worker's clock may be ahead of ours: the wait for a turn is calculated again after a second, and given up
# before the lease on the mail ends.
LONGEST_PAUSE_SECONDS = 1.0
MAX_WAIT_SECONDS = 10.0
# After so many turns that it had too late, a worker sends all the same: its database is always that slow.
MAX_LATE_TURNS = 5


def await_turn() -> bool:
    """Returns True when the next mail may be sent, which the caller does at once; False if its turn did not come.

    A worker that was delayed takes another turn: the one it had is over, and the mails of others are due by now.
    Called outside any transaction.
    """
    transaction_guard.refuse_inside_transaction()
    waited, late_turns = 0.0, 0
    while waited < MAX_WAIT_SECONDS:
        turn, seconds = _take()
        if turn is None:
            time.sleep(seconds)
            waited += seconds
        elif clock.now() <= turn + PRECISION or late_turns == MAX_LATE_TURNS:
            return True
        else:
            late_turns += 1
    return False


def _take() -> tuple[datetime | None, float]:
    """Returns the time of a turn that has just begun; or None, and the number of seconds to wait."""
    now, between = clock.now(), _time_between_turns()
    row, is_new = RateLimitCount.objects.get_or_create(key=KEY, defaults={"started_at": now, "n": 1})
    if is_new:
        return now, 0.0
    due = row.started_at + between
    # A turn from the future was taken while the clock was ahead.
    if now < due and row.started_at <= now + clock.SKEW:
        return None, min((due - now).total_seconds(), LONGEST_PAUSE_SECONDS)
    # On time, turns keep their distance from each other; otherwise the delays of the workers would add up.
    turn = due if now - PRECISION / 2 <= due <= now else now
    is_taken = RateLimitCount.objects.filter(key=KEY, started_at=row.started_at).update(started_at=turn)
    return (turn if is_taken else None), 0.0


def _time_between_turns() -> timedelta:
    # More than that, or a second would have room for one more.
    return (timedelta(seconds=1) + PRECISION) / settings.EMAIL_PER_SECOND + timedelta(microseconds=1)


def is_held_back() -> bool:
    """Returns True while so many mails wait that no further ones should be queued.

    Mails that only their recipient's server delays do not count.
    """
    ours = Q(state=EmailState.QUEUED) | Q(delayed_by__in=(DelayCause.OURS, DelayCause.ANSWER))
    waiting = OutgoingEmail.objects.free_to_leave().in_queue(MailQueue.BULK).filter(ours)
    most = settings.EMAIL_PER_SECOND * MAX_SECONDS_QUEUED
    return waiting.values("pk")[:most].count() == most
