"""Budgets of tries, counted exactly in the database, also under parallel requests."""

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

# The longest window of any limit; what has been idle for longer says nothing any more.
LONGEST_WINDOW = timedelta(days=2)

# A window that began in the future was counted while the clock was ahead: it counts for nothing.
SPEND = """INSERT INTO limits_spent (key, started_at, n) VALUES (%(key)s, %(now)s, %(count)s)
ON CONFLICT (key) DO UPDATE SET
  n = CASE WHEN limits_spent.started_at > %(since)s AND limits_spent.started_at <= %(until)s
    THEN limits_spent.n + %(count)s ELSE %(count)s END,
  started_at = CASE WHEN limits_spent.started_at > %(since)s AND limits_spent.started_at <= %(until)s
    THEN limits_spent.started_at ELSE %(now)s END
WHERE NOT (limits_spent.started_at > %(since)s AND limits_spent.started_at <= %(until)s)
  OR limits_spent.n + %(count)s <= %(most)s
RETURNING n"""


class RateLimitExceeded(Exception):
    """A budget is used up; `limit` says which. Pages decide what, if anything, is shown."""

    def __init__(self, limit: "Limit") -> None:
        self.limit = limit
        super().__init__(limit.key)


@dataclass(frozen=True, slots=True, order=True)
class Limit:
    """At most so many in a window that begins with the first; around its end twice as many may pass.

    `stays_spent`: taken even when another budget of the same attempt refuses it (the budget per IP).
    """

    key: str
    most: int
    window: timedelta
    stays_spent: bool = False

    @classmethod
    def on(cls, name: str, *whom: str, most: int, window: timedelta, stays_spent: bool = False) -> Self:
        """A limit on somebody: what names them is hashed, so the table holds no address of any kind."""
        mark = tokens.fingerprint("\n".join(whom), purpose="limits")
        return cls(f"{name}/{int(window.total_seconds())}:{mark}", most, window, stays_spent)


def spend(*limits: Limit) -> None:
    """Takes one from every budget, or raises TooMany and takes none (but for those that stay spent).

    In its own short transaction, before the work, so that the count stays when the work is refused;
    never inside a caller's transaction, where parallel tries would not see each other.
    """
    _take(limit for limit in limits if limit.stays_spent)
    _take(limit for limit in limits if not limit.stays_spent)


def spend_up_to(limit: Limit, count: int) -> int:
    """Takes so many from the budget, or what is left of it; gives how many those were.

    Outside any transaction; `count` is not beyond what the whole budget holds.
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
    """Returns what an attempt took that turned out right: only the wrong ones count."""
    for limit in limits:
        RateLimitCount.objects.filter(key=limit.key, n__gt=0).update(n=F("n") - 1)


def is_spent(limit: Limit) -> bool:
    """Whether the budget is used up at this moment; takes nothing."""
    lasting = RateLimitCount.objects.filter(clock.within("started_at", limit.window))
    return lasting.filter(key=limit.key, n__gte=limit.most).exists()


def clear(limit: Limit) -> bool:
    """Gives the whole budget back; False when nothing had been taken."""
    return RateLimitCount.objects.filter(key=limit.key).delete()[0] > 0


def delete_idle() -> int:
    """Deletes what no window reaches any more; upkeep calls it. Returns how many."""
    return RateLimitCount.objects.filter(started_at__lt=clock.now() - LONGEST_WINDOW).delete()[0]


def network_of(address: str) -> str:
    """What counts as one visitor: an IPv4 address, or the /64 of an IPv6 address."""
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
        for limit in sorted(limits):  # One order for everybody: no deadlock.
            cursor.execute(
                SPEND,
                {
                    "key": limit.key,
                    "now": adapt(now),
                    "since": adapt(now - limit.window),
                    "until": adapt(now + clock.SKEW),
                    "most": limit.most,
                    "count": count,
                },
            )
            if cursor.fetchone() is None:
                raise RateLimitExceeded(limit)
