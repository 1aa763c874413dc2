"""Reconciliation: settles what Stripe's lists contain and the books lack, even payments whose attempt is lost."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q

from portico.domain.audit_actions import AuditAction
from portico.domain.billing.card_payments import polling
from portico.domain.billing.card_payments.payment_refusals import StripeNotReachable
from portico.domain.billing.models import AttemptState, Payment, PaymentAttempt
from portico.domain.billing.stripe_sync import card_refunds, disputes, webhook_events
from portico.domain.practices.models import OnlinePayments, Practice, StripeKey
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

# No page waits for a reconciliation, but a call that hangs must end.
SECONDS = 600.0
# An attempt in progress when the backup was made may have started this much earlier.
MARGIN = timedelta(hours=24)
# A turn of the scheduled task; practices that it does not reach come first in the next one.
TURN_SECONDS = 120.0
# How far back to look if the backup was made while the clock was ahead: its real time is unknown.
MAX_LOOKBACK = timedelta(days=30)
# Older changes arrive as webhook events, or are found by `portico reconcile-stripe --since`.
RECENT = timedelta(days=3)


@dataclass(frozen=True)
class ReconciliationResult:
    """Numbers of a reconciliation: payments checked, those of them that were missing here, and unreadable keys.

    `unreadable_keys` counts the practice's Stripe accounts that could not be called, because no key in FIELD_KEYS
    decrypts their API keys.
    """

    checked: int
    found: int
    unreadable_keys: int = 0


def since_of(practice: Practice) -> datetime | None:
    """Returns the time from which data may be missing after a restore; None if there is no unreconciled restore."""
    waiting = Restoration.objects.unreconciled().filter(practice=practice).order_by("backup_made_at")
    first = waiting.values_list("backup_made_at", flat=True).first()
    if first is not None and clock.is_from_future(first):
        return clock.now() - MAX_LOOKBACK
    return first - MARGIN if first else None


def reconcile(practice: Practice, *, since: datetime, by: Actor) -> ReconciliationResult:
    """Settles what happened at Stripe since the given time, and re-enables `Pay Now` after a restore. Idempotent.

    `Pay Now` stays disabled while an account cannot be called. Raises StripeCallFailed; what was settled before stays
    settled.
    """
    began_at = clock.now()
    checked = found = 0
    clients, unreadable_keys = _clients(practice)
    for stripe in clients:
        before = _payments(practice)
        checked += _reconcile_with(practice, stripe, since, began_at + timedelta(minutes=5))
        found += _payments(practice) - before
    if not unreadable_keys:
        is_restored = Q(restored_at__lte=began_at) | clock.from_future("restored_at")
        waiting = Restoration.objects.unreconciled().filter(is_restored, practice=practice)
        waiting.filter(backup_made_at__gte=since).update(reconciled_at=clock.now())
    audit_log.record(AuditAction.PAYMENTS_RECONCILED, practice=practice, by=by, found=found, since=since.isoformat())
    return ReconciliationResult(checked, found, unreadable_keys)


def reconcile_recent() -> int:
    """Settles recent charges, refunds and disputes for which no event arrived; a scheduled task.

    Begins with the practice that was reconciled longest ago. Returns the number of payments checked.
    """
    checked = 0
    until = clock.now()
    turn = Deadline(TURN_SECONDS)
    rows = OnlinePayments.objects.select_related("practice").exclude(practice__card_state="")
    for payments in rows.order_by(F("reconciled_at").asc(nulls_first=True), "id"):
        practice = payments.practice
        OnlinePayments.objects.filter(pk=payments.pk).update(reconciled_at=until)
        for stripe in _clients(practice, seconds=WORK_SECONDS)[0]:
            try:
                checked += _reconcile_with(practice, stripe, until - RECENT, until)
            except StripeCallFailed as error:
                logger.info("reconciliation.failed", extra={"practice": practice.pk, "error": type(error).__name__})
        _poll_released(practice, until - RECENT)
        if turn.left() <= 0:
            break
    return checked


def _poll_released(practice: Practice, since: datetime) -> None:
    """Polls released attempts: they may have been started before the period that the lists cover."""
    rows = PaymentAttempt.objects.filter(practice=practice, state=AttemptState.RELEASED, ended_at__gt=since)
    for attempt in rows.with_relations().order_by("id"):
        try:
            polling.poll(attempt, deadline=Deadline(WORK_SECONDS))
        except (StripeCallFailed, StripeNotReachable):
            logger.info("payment.still_unknown", extra={"attempt": attempt.pk})


def _reconcile_with(practice: Practice, stripe: StripeClient, since: datetime, until: datetime) -> int:
    checked = 0
    known = Payment.objects.filter(practice=practice)
    for intent in payment_intents.between(stripe, since, until):
        if not known.filter(payment_intent_id=intent.id).exists():
            webhook_events.apply_intent(practice, intent)
        checked += known.filter(payment_intent_id=intent.id).exists()
    _apply_changed_charges(practice, stripe, since, until)
    return checked


def _apply_changed_charges(practice: Practice, stripe: StripeClient, since: datetime, until: datetime) -> None:
    """Settles refunds and disputes made in that period, however old their payments are."""
    refunded = charges.refunds_between(stripe, since, until)
    changed_charges = [found.charge for found in refunded if not card_refunds.is_settled(practice, found)]
    disputed = charges.disputes_between(stripe, since, until)
    changed_charges += [found.charge for found in disputed if not disputes.is_settled(practice, found)]
    rows = Payment.objects.select_related("client__practice", "practice", "attempt")
    for charge in dict.fromkeys(changed_charges):
        payment = rows.filter(practice=practice, stripe_charge_id=charge).first()
        if payment is not None:
            webhook_events.apply_charge(payment, stripe)


def _payments(practice: Practice) -> int:
    return Payment.objects.filter(practice=practice).exclude(stripe_charge_id="").count()


def _clients(practice: Practice, *, seconds: float = SECONDS) -> tuple[list[StripeClient], int]:
    """Returns a client for each account and mode of the practice, and the number of those without a readable key.

    Each client uses the newest key of its account and mode that can be decrypted.
    """
    clients: dict[tuple[str, bool], StripeClient | None] = {}
    for key in StripeKey.objects.filter(practice=practice).order_by("-id"):
        if clients.get((key.account_id, key.livemode)) is not None:
            continue
        try:
            clients[key.account_id, key.livemode] = payment_readiness.client_for_key(key, deadline=Deadline(seconds))
        except DecryptionFailed:
            clients[key.account_id, key.livemode] = None
    readable = [stripe for stripe in clients.values() if stripe is not None]
    return readable, len(clients) - len(readable)
