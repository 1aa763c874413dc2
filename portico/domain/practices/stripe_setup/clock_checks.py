"""Comparison of this server's clock with the time in Stripe's responses.

A slow clock makes Stripe reject new Checkout Sessions, and any wrong clock makes us reject its webhooks. Messages must
name the clock as the cause, not Stripe.
"""

from datetime import datetime, timedelta

from django.db.models import BigIntegerField, Subquery, Value
from django.db.models.functions import Coalesce

from portico.plumbing import clock_skew
from portico.plumbing.models import ClockDifference

SOURCE = "stripe"


def record(stripe_time: datetime) -> None:
    """Records the difference if our clock is wrong; called after every response of Stripe's."""
    clock_skew.record(SOURCE, stripe_time)


def compare(stripe_time: datetime) -> None:
    """Records the difference like `record`, and also deletes one that no longer exists."""
    clock_skew.compare(SOURCE, stripe_time)


def known_difference() -> timedelta:
    """Returns how far our clock is ahead of Stripe's, as last measured: negative if slow, zero if right."""
    return clock_skew.known_difference(SOURCE)


def as_expression() -> Coalesce:
    """Returns the same in whole seconds, as an expression to annotate a query with."""
    seconds = ClockDifference.objects.filter(source=SOURCE).values("ahead_seconds")[:1]
    return Coalesce(Subquery(seconds), Value(0), output_field=BigIntegerField())


def clear() -> None:
    """Deletes the difference, when no account is left to compare with."""
    clock_skew.clear(SOURCE)
