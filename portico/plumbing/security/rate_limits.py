"""Rate limits, counted exactly in the database, even for concurrent requests."""

import ipaddress
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from django.db import connection, transaction
from django.db.models import F

from portico.plumbing import clock, tokens
from portico.plumbing.models.rate_limits import RateLimitCount

# The longest window of any limit; counts older than this are deleted.
LONGEST_WINDOW = timedelta(days=2)

# A window that began in the future was counted while the clock was ahead, and is ignored.
SPEND = """INSERT INTO limits_spent (key, started_at, n) VALUES (%(key)s, %(now)s, %(count)s)
ON CONFLICT (key) DO UPDATE SET
  n = CASE WHEN limits_spent.started_at > %(since)s AND limits_spent.started_at <= %(until)s
    THEN limits_spent.n + %(count)s ELSE %(count)s END,
  started_at = CASE WHEN limits_spent.started_at > %(since)s AND limits_spent.started_at <= %(until)s
    THEN limits_spent.started_at ELSE %(now)s END
WHERE NOT (limits_spent.started_at > %(since)s AND limits_spent.started_at <= %(until)s)
  OR limits_spent.n + %(count)s <= %(max_attempts)s
RETURNING n"""


class RateLimitExceeded(Exception):
    """`limit` is exceeded. Pages decide what is shown, if anything."""

    def __init__(self, limit: "Limit") -> None:
        self.limit = limit
        super().__init__(limit.key)


@dataclass(frozen=True, slots=True, order=True)
class Limit:
    """At most `max_attempts` in a window that begins with the first; around its end up to twice as many.

    `stays_spent`: counted even if another limit refuses the same attempt (the limit per IP address).
    """

    key: str
    max_attempts: int
    window: timedelta
    stays_spent: bool = False

    @classmethod
    def on(cls, name: str, *subject: str, max_attempts: int, window: timedelta, stays_spent: bool = False) -> Self:
        """Returns a limit for a subject, which is hashed: the table holds no email or IP address."""
        digest = tokens.fingerprint("\n".join(subject), purpose="limits")
        return cls(f"{name}/{int(window.total_seconds())}:{digest}", max_attempts, window, stays_spent)


def spend(*limits: Limit) -> None:
    """Counts one attempt in every limit; raises RateLimitExceeded, counting none but `stays_spent`, if one is exceeded.

    Uses its own short transaction, before the work, so that the count remains if the work is refused; never inside
    a caller's transaction, where concurrent attempts would not see each other.
    """
    _take(limit for limit in limits if limit.stays_spent)
    _take(limit for limit in limits if not limit.stays_spent)


def spend_up_to(limit: Limit, count: int) -> int:
    """Counts up to `count` attempts, as many as the limit allows; returns how many.

    Must be called outside any transaction; `count` must not exceed the whole limit.
    """
    with suppress(RateLimitExceeded):
        _take([limit], count)
        return count
    taken = 0
    with suppress(RateLimitExceeded):
        while taken < count:
            _take([limit])
            taken += 1
    return taken


def give_back(*limits: Limit) -> None:
    """Uncounts an attempt, because only failed ones count, or because nothing came of it."""
    for limit in limits:
        RateLimitCount.objects.filter(key=limit.key, n__gt=0).update(n=F("n") - 1)


def is_any_spent(*limits: Limit) -> bool:
    """Returns True if at least one of the limits is used up now; counts nothing, and runs one query."""
    now, by_key = clock.now(), {limit.key: limit for limit in limits}
    counts = RateLimitCount.objects.filter(key__in=by_key, started_at__lte=now + clock.SKEW)
    return any(
        count.started_at > now - by_key[count.key].window and count.n >= by_key[count.key].max_attempts
        for count in counts
    )


def clear(*limits: Limit) -> bool:
    """Resets the limits; returns False if nothing was counted."""
    return RateLimitCount.objects.filter(key__in=[limit.key for limit in limits]).delete()[0] > 0


def delete_idle() -> int:
    """Deletes counts older than any window, as a maintenance task. Returns how many."""
    return RateLimitCount.objects.filter(started_at__lt=clock.now() - LONGEST_WINDOW).delete()[0]


def network_of(address: str) -> str:
    """Returns the network that counts as one visitor: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if ip.version == 4:
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip, 64), strict=False))


def _take(limits: Iterable[Limit], count: int = 1) -> None:
    now = clock.now()
    adapt = connection.ops.adapt_datetimefield_value
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        for limit in sorted(limits):  # Always in the same order, to prevent deadlocks.
            cursor.execute(
                SPEND,
                {
                    "key": limit.key,
                    "now": adapt(now),
                    "since": adapt(now - limit.window),
                    "until": adapt(now + clock.SKEW),
                    "max_attempts": limit.max_attempts,
                    "count": count,
                },
            )
            if cursor.fetchone() is None:
                raise RateLimitExceeded(limit)
