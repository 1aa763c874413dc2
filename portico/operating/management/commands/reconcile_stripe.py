"""`portico reconcile-stripe`: asks Stripe for its list of a time and settles what is missing here."""

from argparse import ArgumentParser
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portico.domain.billing.stripe_sync import reconciliation
from portico.domain.practices.models import Practice
from portico.gateways.stripe.errors import StripeCallFailed
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.text import times

USUALLY = timedelta(days=7)


class Command(BaseCommand):
    help = "Compares the books with Stripe's list and settles what is missing; after a restore, from the backup on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since", help="a UTC date or time such as 2026-11-01 or 2026-11-01T09:30")

    def handle(self, *args: Any, since: str | None = None, **options: Any) -> None:  # Any: Django's own.
        asked = _time(since) if since else None
        shut: list[str] = []
        for practice in Practice.objects.order_by("id"):
            begin = asked or reconciliation.since_of(practice) or clock.now() - USUALLY
            try:
                walk = reconciliation.reconcile(practice, since=begin, by=Actor.operator())
            except StripeCallFailed as trouble:
                raise CommandError(
                    f"{practice.slug}: Stripe could not be asked ({type(trouble).__name__})."
                ) from trouble
            self.stdout.write(
                f"{practice.slug}: {walk.looked_at} payments at Stripe since {_moment(begin, practice)}, "
                f"{walk.found} were missing here."
            )
            if walk.shut:
                shut.append(practice.slug)
        if shut:
            raise CommandError(
                f"{', '.join(shut)}: FIELD_KEYS does not open every Stripe key, so not all of it could be asked about. "
                "Enter the keys again in Settings > Online Payments, then run this again; Pay Now opens after that."
            )


def _time(text: str) -> datetime:
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError("--since takes a date or time such as 2026-11-01 or 2026-11-01T09:30.") from None
    return given if given.tzinfo else given.replace(tzinfo=UTC)


def _moment(at: datetime, practice: Practice) -> str:
    """2026-11-20 14:20 UTC (Nov 20, 2026, 9:20 AM EST): as `--since` takes it, and by the practice's own clock."""
    day = times.full_day(times.day_of(at, practice.zone), "en")
    return f"{at:%Y-%m-%d %H:%M} UTC ({day}, {times.time_with_zone(at, practice.zone, 'en')})"
