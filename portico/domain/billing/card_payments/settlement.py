"""Settlement: records the outcome that Stripe reports for a payment. Used by return page, webhooks and polling.

Every function takes an object that was just fetched from Stripe. A settled payment is not settled again.
"""

from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from portico.domain.access.models import PortalAccount
from portico.domain.audit_actions import AuditAction
from portico.domain.billing import audit_entries, bill_mails
from portico.domain.billing.card_payments import mismatch_mail, saved_cards, stripe_metadata
from portico.domain.billing.card_payments.stripe_metadata import PaymentMetadata
from portico.domain.billing.ledger import allocation, locks
from portico.domain.billing.ledger.allocation import AllocationTarget
from portico.domain.billing.models import (
    AttemptState,
    Invoice,
    Payment,
    PaymentAttempt,
    PaymentKind,
    ReceiptCounter,
)
from portico.domain.billing.payments import account_credits
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.gateways.stripe.objects import CheckoutSession, PaymentIntent
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.database.compiled import CompiledQuery, Parameter
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.text import time_formatting

STRIPE = Actor.system("Stripe")


@dataclass(frozen=True)
class SettledFor:
    """The client and account credited with a payment, and the invoices it was meant for."""

    client: Client
    account: PortalAccount | None
    targets: list[AllocationTarget]


def apply_session(attempt: PaymentAttempt, session: CheckoutSession) -> None:
    """Settles the state of a Checkout Session. Idempotent, in any order of events."""
    intent = session.intent
    found = (session.amount_minor, session.currency, session.livemode)
    if not _matches_attempt(attempt, found):
        _flag_mismatch(attempt, found, session.intent_id, intent)
    elif intent is not None and intent.is_paid:
        apply_intent(attempt, intent)
    elif session.status == "expired":
        end(attempt, AttemptState.EXPIRED)
    elif session.status == "complete" or (intent is not None and intent.status == "processing"):
        _mark_processing(attempt)


def apply_intent(attempt: PaymentAttempt, intent: PaymentIntent) -> None:
    """Settles the state of a payment intent. Idempotent, in any order of events."""
    found = (intent.amount_minor, intent.currency, intent.livemode)
    if intent.is_paid and intent.received_minor != intent.amount_minor:
        _flag_mismatch(attempt, (intent.received_minor, intent.currency, intent.livemode), intent.id, intent)
        return
    if not _matches_attempt(attempt, found):
        _flag_mismatch(attempt, found, intent.id, intent)
        return
    match intent.status:
        case "succeeded":
            succeed(attempt, intent)
        case "canceled":
            end(attempt, AttemptState.EXPIRED)
        case "requires_payment_method":
            end(attempt, AttemptState.FAILED, reason=intent.decline)
        case "requires_action":
            _mark_at_bank(attempt, intent)
        case _:
            _mark_processing(attempt)


@retry_on_deadlock
def succeed(attempt: PaymentAttempt, intent: PaymentIntent) -> Payment | None:
    """Records the payment of a charge, once. What exceeds its invoices' amounts due is credit, flagged for a refund."""
    # Stripe reports most charges several times: what is recorded needs no lock, and is asked again under it.
    if _is_known(attempt.practice, intent):
        return None
    with locks.lock_books(attempt.client) as locked:
        if _is_known(locked.practice, intent):
            return None
        covers = list(attempt.covers.select_related("invoice").order_by("invoice_id"))
        invoices = {each.pk: each for each in locks.lock_invoices(locked, [cover.invoice_id for cover in covers])}
        row = PaymentAttempt.objects.locked().select_related("account").get(pk=attempt.pk)
        is_second = row.state == AttemptState.SUCCEEDED
        counts_for_invoices = not is_second and row.state != AttemptState.RELEASED
        targets = (
            [AllocationTarget(invoices[cover.invoice_id], cover.amount_minor) for cover in covers]
            if counts_for_invoices
            else []
        )
        payment = _write(SettledFor(locked, row.account, targets), intent, attempt=None if is_second else row)
        if row.holds_invoices:
            allocation.end_attempt(row, AttemptState.SUCCEEDED, by=STRIPE)
        elif not is_second:
            PaymentAttempt.objects.filter(pk=row.pk).update(state=AttemptState.SUCCEEDED)
        if row.save_card:
            saved_cards.save(row, intent)
    return payment


@retry_on_deadlock
def rebuild(practice: Practice, intent: PaymentIntent, metadata: PaymentMetadata) -> Payment | None:
    """Records the payment of a charge whose attempt is not in the database, using the metadata at Stripe.

    Returns None if the payment is recorded already, or the client or the currency is not the practice's.
    """
    client = Client.objects.select_related("practice").filter(practice=practice, ref=metadata.client).first()
    if client is None or not intent.is_paid or intent.currency != practice.currency:
        return None
    with locks.lock_books(client) as locked:
        if _is_known(practice, intent):
            return None
        amounts = {part.invoice: part.amount_minor for part in metadata.parts}
        known = Invoice.objects.filter(client=locked, ref__in=amounts).values_list("pk", flat=True)
        targets = [AllocationTarget(each, amounts[each.ref]) for each in locks.lock_invoices(locked, known)]
        account = PortalAccount.objects.filter(practice=practice, ref=metadata.account).first()
        reason_unallocated = _("It was for more invoices than Stripe has on record.") if metadata.left_out else ""
        return _write(SettledFor(locked, account, targets), intent, attempt=None, reason_unallocated=reason_unallocated)


@retry_on_deadlock
def end(attempt: PaymentAttempt, state: AttemptState, *, reason: str = "", by: Actor = STRIPE) -> None:
    """Ends an attempt without a charge. Idempotent, and without effect after a success."""
    with locks.lock_books(attempt.client) as locked:
        row = PaymentAttempt.objects.get(pk=attempt.pk)
        if not row.holds_invoices or row.state == AttemptState.QUARANTINED:
            return
        allocation.end_attempt(row, state, by=by, reason=reason)
        if state == AttemptState.FAILED:
            audit_entries.record_amount(
                AuditAction.PAYMENT_DECLINED, locked, row.ref, row.amount_minor, by=by, reason=reason
            )


def end_missing_at_stripe(attempt: PaymentAttempt, *, code: str) -> None:
    """Ends an open attempt that Stripe no longer knows, for example because its test data were deleted.

    If money may have moved, the attempt stays as it is; staff can release it after 24 hours.
    """
    if not attempt.is_moving:
        end(attempt, AttemptState.EXPIRED, reason=code)


def end_if_never_sent(attempt: PaymentAttempt) -> bool:
    """Ends an attempt for which Stripe was never called. Returns False if it has been called in the meantime."""
    with locks.lock_books(attempt.client):
        # Locked: a request about to call Stripe first writes `called_at` on this row, and finds it ended.
        row = PaymentAttempt.objects.locked().get(pk=attempt.pk)
        if row.holds_invoices and row.called_at is not None:
            return False
        if row.holds_invoices:
            allocation.end_attempt(row, AttemptState.EXPIRED, by=STRIPE, reason="")
        return True


def _is_known(practice: Practice, intent: PaymentIntent) -> bool:
    """Returns True if the charge is recorded. At most one charge of an intent succeeds.

    It is False for certain only while the client is locked.
    """
    return bool(_payment_of.rows(practice=practice.pk, charge=intent.charge_id))


@CompiledQuery
def _payment_of(practice: Parameter, charge: Parameter) -> QuerySet[Payment, tuple[int]]:
    charged = Payment.objects.exclude(stripe_charge_id="").filter(practice=practice, stripe_charge_id=charge)
    return charged.values_list("pk")[:1]


def _write(
    settled_for: SettledFor, intent: PaymentIntent, *, attempt: PaymentAttempt | None, reason_unallocated: str = ""
) -> Payment:
    """Records and allocates the payment. `reason_unallocated` explains an unallocated rest, if known."""
    client, charge = settled_for.client, intent.charge
    card = charge.card if charge else None
    charged_at = charge.created_at if charge else clock.now()
    payment = Payment.objects.create(
        practice=client.practice,
        client=client,
        kind=PaymentKind.ONLINE,
        amount_minor=intent.received_minor,
        currency=intent.currency,
        received_on=time_formatting.day_of(charged_at, client.practice.zone),
        number=ReceiptCounter.objects.take_number(client.practice),
        attempt=attempt,
        account=settled_for.account,
        stripe_charge_id=intent.charge_id,
        payment_intent_id=intent.id,
        livemode=intent.livemode,
        card_brand=card.brand[:20] if card else "",
        card_last4=card.last4[:4] if card else "",
    )
    unallocated = allocation.allocate(payment, settled_for.targets)
    audit_entries.record_amount(
        AuditAction.PAYMENT_CHARGED,
        client,
        payment.ref,
        payment.amount_minor,
        by=STRIPE,
        attempt=attempt.ref if attempt else "",
        left_over_minor=unallocated,
    )
    if unallocated:
        # Before credit is applied: the rest must not be used for invoices it was not meant for.
        account_credits.ask_for_refund(payment, reason=reason_unallocated or _("It arrived when nothing was due."))
    bill_mails.send_receipt(payment, by=STRIPE)
    return payment


def _matches_attempt(attempt: PaymentAttempt, found: tuple[int, str, bool]) -> bool:
    return found == (attempt.amount_minor, attempt.currency, attempt.livemode)


def _flag_mismatch(
    attempt: PaymentAttempt, found: tuple[int, str, bool], intent_id: str, intent: PaymentIntent | None
) -> None:
    """Quarantines the attempt for staff; if it was released before, records its payment as credit to be refunded."""
    _quarantine(attempt, found, intent=intent_id)
    is_ours = intent is not None and (intent.currency, intent.livemode) == (attempt.currency, attempt.livemode)
    if intent is not None and intent.is_paid and is_ours:
        _credit_for_refund(attempt, intent)


@retry_on_deadlock
def _credit_for_refund(attempt: PaymentAttempt, intent: PaymentIntent) -> None:
    with locks.lock_books(attempt.client) as locked:
        row = PaymentAttempt.objects.select_related("account").get(pk=attempt.pk)
        if not row.holds_invoices and not _is_known(locked.practice, intent):
            # It does not match the attempt, so it is not recorded as the attempt's payment.
            _write(SettledFor(locked, row.account, []), intent, attempt=None)


def _quarantine(attempt: PaymentAttempt, found: tuple[int, str, bool], *, intent: str) -> None:
    with locks.lock_books(attempt.client) as locked:
        changed = (
            PaymentAttempt.objects.filter(pk=attempt.pk, state__in=(AttemptState.OPEN, AttemptState.PROCESSING))
        ).update(
            state=AttemptState.QUARANTINED,
            unknown_since=attempt.unknown_since or clock.now(),
            payment_intent_id=intent or attempt.payment_intent_id,
            found_minor=found[0],
            found_currency=found[1][:3],
            found_livemode=found[2],
        )
        if changed:
            mismatch_mail.notify_owners(locked.practice, attempt, by=STRIPE)
            audit_entries.record_amount(
                AuditAction.PAYMENT_QUARANTINED,
                locked,
                attempt.ref,
                attempt.amount_minor,
                by=STRIPE,
                found_minor=found[0],
                found_currency=found[1],
                found_live=found[2],
            )


def _mark_processing(attempt: PaymentAttempt) -> None:
    with locks.lock_books(attempt.client):
        PaymentAttempt.objects.filter(pk=attempt.pk, state=AttemptState.OPEN).update(
            state=AttemptState.PROCESSING, unknown_since=clock.now()
        )


def _mark_at_bank(attempt: PaymentAttempt, intent: PaymentIntent) -> None:
    """Reopens the attempt: no money has moved, and the bank waits for the cardholder."""
    with locks.lock_books(attempt.client):
        PaymentAttempt.objects.filter(pk=attempt.pk, state__in=(AttemptState.OPEN, AttemptState.PROCESSING)).update(
            state=AttemptState.OPEN, unknown_since=None, payment_intent_id=intent.id, bank_url=intent.bank_address
        )


def metadata_of(intent: PaymentIntent) -> PaymentMetadata | None:
    """Returns Portico's metadata on the intent; None if Portico did not create it."""
    return stripe_metadata.parse(intent.metadata)
