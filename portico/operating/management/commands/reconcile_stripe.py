"""`portico reconcile-stripe`: fetches Stripe's payments since a date and records those missing here."""

from argparse import ArgumentParser
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portico.domain.billing.stripe_sync import reconciliation
from portico.domain.practices.models import Practice
from portico.gateways.stripe.errors import StripeCallFailed
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.text import time_formatting

DEFAULT_PERIOD = timedelta(days=7)


class Command(BaseCommand):
    help = "Compares payments with Stripe and records missing ones. After a restore, starts at the time of the backup."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since", help="a UTC date or time such as 2026-11-01 or 2026-11-01T09:30")

    def handle(self, *args: Any, since: str | None = None, **options: Any) -> None:  # Any: Django's own.
        given = _time(since) if since else None
        failed: list[str] = []
        for practice in Practice.objects.order_by("id"):
            begin = given or reconciliation.since_of(practice) or clock.now() - DEFAULT_PERIOD
            try:
                result = reconciliation.reconcile(practice, since=begin, by=Actor.operator())
            except StripeCallFailed as error:
                raise CommandError(f"{practice.slug}: Stripe could not be reached ({type(error).__name__}).") from error
            self.stdout.write(
                f"{practice.slug}: {result.checked} payments in Stripe since {_moment(begin, practice)}, "
                f"{result.found} were missing in Portico."
            )
            if result.unreadable_keys:
                failed.append(practice.slug)
        if failed:
            raise CommandError(
                f"{', '.join(failed)}: FIELD_KEYS cannot decrypt every Stripe key, so some payments were not "
                "checked. Enter the keys again in Settings > Online Payments, then run this again to turn Pay Now "
                "back on."
            )


def _time(text: str) -> datetime:
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError("--since must be a date or time such as 2026-11-01 or 2026-11-01T09:30.") from None
    return given if given.tzinfo else given.replace(tzinfo=UTC)


def _moment(at: datetime, practice: Practice) -> str:
    """Formats a moment as `--since` takes it and in the practice's time zone.

    Example: 2026-11-20 14:20 UTC (Nov 20, 2026, 9:20 AM EST).
    """
    day = time_formatting.full_day(time_formatting.day_of(at, practice.zone), "en")
    return f"{at:%Y-%m-%d %H:%M} UTC ({day}, {time_formatting.time_with_zone(at, practice.zone, 'en')})"
