"""The rate of mails to many recipients: over all workers, at most EMAIL_PER_SECOND are taken within any second.

A mail is queued right after it was taken; a worker that is delayed between the two has at most one batch in hand.
Sign-in mail and mails to a single recipient are not counted. What has been queued waits when the mail server is away;
until it is back, further mails are held back, so that they do not all leave together afterwards.
"""

import time
from datetime import timedelta

from django.conf import settings
from django.db.models import Q

from portico.plumbing.models import OutgoingEmail
from portico.plumbing.models.outgoing_emails import DelayCause, EmailState, MailQueue
from portico.plumbing.security import rate_limits
from portico.plumbing.security.rate_limits import Limit, RateLimitExceeded

# A batch is a fifth of a second's mails or fewer: a larger one would leave as a burst. With smaller ones, waking up for
# each would cost a larger part of the rate.
BATCHES_PER_SECOND = 5
MAX_BATCH = 5
# Mails are held back while so many seconds' worth of them wait.
MAX_SECONDS_QUEUED = 5
MAX_WAIT_SECONDS = 1.0


def take() -> int:
    """Takes the next batch if its time has come. Returns the number of mails that may be queued now, 0 if none may.

    Must be called outside any transaction.
    """
    batch = _batch_size(settings.EMAIL_PER_SECOND)
    try:
        rate_limits.spend(_limit(batch))
    except RateLimitExceeded:
        return 0
    return batch


def wait() -> None:
    """Sleeps until the next batch may be taken, unless another worker takes it: at most a second.

    Another worker's clock may be ahead of ours; this one must notice the signal to stop all the same.
    """
    seconds = rate_limits.time_until_free(_limit(_batch_size(settings.EMAIL_PER_SECOND))).total_seconds()
    time.sleep(min(seconds, MAX_WAIT_SECONDS))


def is_held_back(kind: str) -> bool:
    """Returns True while so many mails of this kind wait that no further ones should be queued.

    Mails that only their recipient's server delays do not count.
    """
    ours = Q(state=EmailState.QUEUED) | Q(delayed_by__in=(DelayCause.OURS, DelayCause.ANSWER))
    waiting = OutgoingEmail.objects.free_to_leave().in_queue(MailQueue.REST).filter(ours, kind=kind)
    most = settings.EMAIL_PER_SECOND * MAX_SECONDS_QUEUED
    return waiting.values("pk")[:most].count() == most


def _batch_size(per_second: int) -> int:
    """Returns the largest divisor of the rate that is at most a fifth of it and MAX_BATCH, at least 1.

    Only equal batches at equal distances that fill a second exactly keep the rate in every second, wherever it begins.
    """
    largest = max(1, min(per_second // BATCHES_PER_SECOND, MAX_BATCH))
    return max(size for size in range(1, largest + 1) if per_second % size == 0)


def _limit(batch: int) -> Limit:
    """Returns the limit of one batch in the time in which so many mails are due."""
    # Rounded up, or a second would have room for one more.
    microseconds = -(-batch * 1_000_000 // settings.EMAIL_PER_SECOND)
    return Limit("bulk_mail", max_attempts=1, window=timedelta(microseconds=microseconds))
