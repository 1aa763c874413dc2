"""Whether this server's clock is right, judged by the time in Stripe's answers.

A slow clock makes Stripe refuse new Checkout pages, and any wrong clock makes us refuse its webhooks: that must not
look like Stripe's fault.
"""

from datetime import datetime, timedelta

from django.db.models import BigIntegerField, Subquery, Value
from django.db.models.functions import Coalesce

from portico.plumbing import clock_skew
from portico.plumbing.models import ClockDifference

SOURCE = "stripe"


def note(stripe_time: datetime) -> None:
    """Writes the difference down if our clock is off; called after every answer of Stripe's."""
    clock_skew.record(SOURCE, stripe_time)


def compare(stripe_time: datetime) -> None:
    """As `note`, but also forgets a difference that is gone."""
    clock_skew.compare(SOURCE, stripe_time)


def known() -> timedelta:
    """How far our clock is ahead of Stripe's, as last measured; negative when it is slow, zero when it is right."""
    return clock_skew.known(SOURCE)


def in_a_query() -> Coalesce:
    """The same in whole seconds, to annotate a query with."""
    seconds = ClockDifference.objects.filter(source=SOURCE).values("ahead_seconds")[:1]
    return Coalesce(Subquery(seconds), Value(0), output_field=BigIntegerField())


def forget() -> None:
    """Forgets the difference when there is no account left to compare with."""
    clock_skew.clear(SOURCE)
