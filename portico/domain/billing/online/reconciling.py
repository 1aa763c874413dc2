"""Walking Stripe's own list of a time: what is missing here is settled, also payments whose attempt is gone."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from portico.domain.billing.models import Payment
from portico.domain.billing.online import hearing
from portico.domain.practices import online_payments
from portico.domain.practices.models import Practice, StripeKey
from portico.gateways.stripe import intents
from portico.gateways.stripe.deadline import WORK_SECONDS, Deadline
from portico.gateways.stripe.errors import StripeTrouble
from portico.gateways.stripe.line import Line
from portico.plumbing import clock, trail
from portico.plumbing.actors import Actor
from portico.plumbing.encryption import Undecipherable
from portico.plumbing.models import Restoration
from portico.plumbing.verbs import Verb

logger = logging.getLogger(__name__)

# Nobody waits for a page: but a call that hangs must end.
SECONDS = 600.0
# An attempt that was under way at the time of the copy may have begun so long before.
MARGIN = timedelta(hours=24)
# Refunds and disputes of what is older are heard of by events, or found by `portico reconcile-stripe --since`.
LOOKED_BACK = timedelta(days=3)


@dataclass(frozen=True)
class Walk:
    """How many payments of ours Stripe's list had, and how many of those were missing here."""

    looked_at: int
    found: int


def since_of(practice: Practice) -> datetime | None:
    """From when on something may be missing, after a restore; None when there was none."""
    waiting = Restoration.objects.unreconciled().filter(practice=practice).order_by("backup_made_at")
    first = waiting.values_list("backup_made_at", flat=True).first()
    return first - MARGIN if first else None


def reconcile(practice: Practice, *, since: datetime, by: Actor) -> Walk:
    """Settles what happened since then, and opens `Pay Now` after a restore. Again: finds nothing more.

    Raises StripeTrouble; what was settled by then stays.
    """
    began_at = clock.now()
    looked_at = found = 0
    for line in _lines(practice):
        before = _payments(practice)
        looked_at += _walk(practice, line, since, began_at + timedelta(minutes=5))
        found += _payments(practice) - before
    waiting = Restoration.objects.unreconciled().filter(practice=practice, restored_at__lte=began_at)
    waiting.filter(backup_made_at__gte=since).update(reconciled_at=clock.now())
    trail.record(Verb.PAYMENTS_RECONCILED, practice=practice, by=by, found=found, since=since.isoformat())
    return Walk(looked_at, found)


def look_back() -> int:
    """What was refunded or disputed at Stripe, or charged and not heard of, without any event; upkeep calls it.

    Returns how many payments were looked at.
    """
    looked_at = 0
    until = clock.now()
    for practice in Practice.objects.exclude(card_state="").order_by("id"):
        for line in _lines(practice, seconds=WORK_SECONDS):
            try:
                looked_at += _walk(practice, line, until - LOOKED_BACK, until)
            except StripeTrouble as trouble:
                logger.info(
                    "payments.not_looked_at", extra={"practice": practice.pk, "trouble": type(trouble).__name__}
                )
    return looked_at


def _walk(practice: Practice, line: Line, since: datetime, until: datetime) -> int:
    looked_at = 0
    rows = Payment.objects.select_related("client__practice", "practice", "attempt").filter(practice=practice)
    for intent in intents.between(line, since, until):
        hearing.intent_seen(practice, intent)
        payment = rows.filter(payment_intent_id=intent.id).first()
        if payment is None:
            continue
        looked_at += 1
        charge = intent.charge
        if charge is not None and (charge.refunded_minor != payment.refunded_minor or charge.is_disputed):
            hearing.charge_seen(payment, line)
    return looked_at


def _payments(practice: Practice) -> int:
    return Payment.objects.filter(practice=practice).exclude(stripe_charge_id="").count()


def _lines(practice: Practice, *, seconds: float = SECONDS) -> list[Line]:
    """One for each account and mode that the practice has or had a key for; the newest key of each."""
    lines, known = [], set()
    for key in StripeKey.objects.filter(practice=practice).order_by("-id"):
        if (key.account_id, key.livemode) in known:
            continue
        known.add((key.account_id, key.livemode))
        try:
            lines.append(online_payments.line_of(key, deadline=Deadline(seconds)))
        except Undecipherable:
            continue
    return lines
