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
MAX_WAIT_SECONDS = 1.0
# After so many turns that it had too late, a worker sends all the same: its database is always that slow.
MAX_LATE_TURNS = 5


def await_turn() -> None:
    """Returns when the next mail may be sent, which the caller does at once. Called outside any transaction.

    A worker that was delayed takes another turn: the one it had is over, and the mails of others are due by now.
    """
    transaction_guard.refuse_inside_transaction()
    late_turns = 0
    while late_turns < MAX_LATE_TURNS:
        turn = _take()
        if turn is None:
            continue
        if clock.now() <= turn + PRECISION:
            return
        late_turns += 1


def _take() -> datetime | None:
    """Returns the time of a turn that has just begun; None, after waiting for up to MAX_WAIT_SECONDS, if there is none.

    Another worker's clock may be ahead of ours, so the wait is bounded and then calculated again.
    """
    now, between = clock.now(), _time_between_turns()
    row, is_new = RateLimitCount.objects.get_or_create(key=KEY, defaults={"started_at": now, "n": 1})
    if is_new:
        return now
    due = row.started_at + between
    # A turn from the future was taken while the clock was ahead.
    if now < due and row.started_at <= now + clock.SKEW:
        time.sleep(min((due - now).total_seconds(), MAX_WAIT_SECONDS))
        return None
    # On time, turns keep their distance from each other; otherwise the delays of the workers would add up.
    turn = due if now - PRECISION / 2 <= due <= now else now
    is_taken = RateLimitCount.objects.filter(key=KEY, started_at=row.started_at).update(started_at=turn)
    return turn if is_taken else None


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
