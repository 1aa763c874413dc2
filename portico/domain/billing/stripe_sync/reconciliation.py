"""Walking Stripe's own lists of a time: what is missing here is settled, also payments whose attempt is gone."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from portico.domain.audit_actions import AuditAction
from portico.domain.billing.card_payments import polling
from portico.domain.billing.card_payments.payment_refusals import StripeNotReachable
from portico.domain.billing.models import AttemptState, Payment, PaymentAttempt
from portico.domain.billing.stripe_sync import card_refunds, disputes, webhook_events
from portico.domain.practices.models import Practice, StripeKey
from portico.domain.practices.stripe_setup import payment_readiness
from portico.gateways.stripe import charges, payment_intents
from portico.gateways.stripe.client import StripeClient
from portico.gateways.stripe.deadline import WORK_SECONDS, Deadline
from portico.gateways.stripe.errors import StripeCallFailed
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.models import Restoration
from portico.plumbing.security.encryption import DecryptionFailed

logger = logging.getLogger(__name__)

# Nobody waits for a page: but a call that hangs must end.
SECONDS = 600.0
# An attempt that was under way at the time of the copy may have begun so long before.
MARGIN = timedelta(hours=24)
# When a copy was really made that was made while the clock was ahead is not known.
LONGEST_LOOKED_BACK = timedelta(days=30)
# What is older is heard of by events, or found by `portico reconcile-stripe --since`.
RECENT = timedelta(days=3)


@dataclass(frozen=True)
class ReconciliationResult:
    """How many payments of ours Stripe's list had, how many of those were missing here, and how many accounts of the
    practice at Stripe could not be asked, because FIELD_KEYS does not open their keys.
    """

    looked_at: int
    found: int
    shut: int = 0


def since_of(practice: Practice) -> datetime | None:
    """From when on something may be missing, after a restore; None when there was none."""
    waiting = Restoration.objects.unreconciled().filter(practice=practice).order_by("backup_made_at")
    first = waiting.values_list("backup_made_at", flat=True).first()
    if first is not None and clock.is_from_future(first):
        return clock.now() - LONGEST_LOOKED_BACK
    return first - MARGIN if first else None


def reconcile(practice: Practice, *, since: datetime, by: Actor) -> ReconciliationResult:
    """Settles what happened since then, and opens `Pay Now` after a restore. Again: finds nothing more.

    It stays closed while an account cannot be asked. Raises StripeTrouble; what was settled by then stays.
    """
    began_at = clock.now()
    looked_at = found = 0
    lines, shut = _lines(practice)
    for line in lines:
        before = _payments(practice)
        looked_at += _walk(practice, line, since, began_at + timedelta(minutes=5))
        found += _payments(practice) - before
    if not shut:
        is_restored = Q(restored_at__lte=began_at) | clock.from_future("restored_at")
        waiting = Restoration.objects.unreconciled().filter(is_restored, practice=practice)
        waiting.filter(backup_made_at__gte=since).update(reconciled_at=clock.now())
    audit_log.record(AuditAction.PAYMENTS_RECONCILED, practice=practice, by=by, found=found, since=since.isoformat())
    return ReconciliationResult(looked_at, found, shut)


def reconcile_recent() -> int:
    """What was refunded or disputed at Stripe, or charged and not heard of, without any event; upkeep calls it.

    Returns how many payments were looked at.
    """
    looked_at = 0
    until = clock.now()
    for practice in Practice.objects.exclude(card_state="").order_by("id"):
        for line in _lines(practice, seconds=WORK_SECONDS)[0]:
            try:
                looked_at += _walk(practice, line, until - RECENT, until)
            except StripeCallFailed as trouble:
                logger.info(
                    "payments.not_looked_at", extra={"practice": practice.pk, "trouble": type(trouble).__name__}
                )
        _ask_about_released(practice, until - RECENT)
    return looked_at


def _ask_about_released(practice: Practice, since: datetime) -> None:
    """What staff let go of may have been paid long before: the walk sees only what was made lately."""
    rows = PaymentAttempt.objects.filter(practice=practice, state=AttemptState.RELEASED, ended_at__gt=since)
    for attempt in rows.select_related("client__practice", "account", "practice", "card").order_by("id"):
        try:
            polling.poll(attempt, deadline=Deadline(WORK_SECONDS))
        except (StripeCallFailed, StripeNotReachable):
            logger.info("payment.not_known_yet", extra={"attempt": attempt.pk})


def _walk(practice: Practice, line: StripeClient, since: datetime, until: datetime) -> int:
    looked_at = 0
    known = Payment.objects.filter(practice=practice)
    for intent in payment_intents.between(line, since, until):
        if not known.filter(payment_intent_id=intent.id).exists():
            webhook_events.apply_intent(practice, intent)
        looked_at += known.filter(payment_intent_id=intent.id).exists()
    _look_at_charges(practice, line, since, until)
    return looked_at


def _look_at_charges(practice: Practice, line: StripeClient, since: datetime, until: datetime) -> None:
    """What was refunded or disputed in that time, however old its payment is."""
    refunded = charges.refunds_between(line, since, until)
    news = [found.charge for found in refunded if not card_refunds.is_settled(practice, found)]
    disputed = charges.disputes_between(line, since, until)
    news += [found.charge for found in disputed if not disputes.is_settled(practice, found)]
    rows = Payment.objects.select_related("client__practice", "practice", "attempt")
    for charge in dict.fromkeys(news):
        payment = rows.filter(practice=practice, stripe_charge_id=charge).first()
        if payment is not None:
            webhook_events.apply_charge(payment, line)


def _payments(practice: Practice) -> int:
    return Payment.objects.filter(practice=practice).exclude(stripe_charge_id="").count()


def _lines(practice: Practice, *, seconds: float = SECONDS) -> tuple[list[StripeClient], int]:
    """One for each account and mode that the practice has or had a key for, by the newest key of each that opens;
    and for how many of them none does.
    """
    lines: dict[tuple[str, bool], StripeClient | None] = {}
    for key in StripeKey.objects.filter(practice=practice).order_by("-id"):
        if lines.get((key.account_id, key.livemode)) is not None:
            continue
        try:
            lines[key.account_id, key.livemode] = payment_readiness.client_for_key(key, deadline=Deadline(seconds))
        except DecryptionFailed:
            lines[key.account_id, key.livemode] = None
    opened = [line for line in lines.values() if line is not None]
    return opened, len(lines) - len(opened)
