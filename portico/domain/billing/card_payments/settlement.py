"""What Stripe says of a payment, put into the books: the one path of return page, events and sweep.

Every function gets an object that was just fetched. What was settled once is settled for good.
"""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from portico.domain.access.models import PortalAccount
from portico.domain.audit_actions import AuditAction
from portico.domain.billing.card_payments import mismatch_mail, saved_cards, stripe_metadata
from portico.domain.billing.card_payments.stripe_metadata import PaymentMetadata
from portico.domain.billing.invoices import invoice_numbers
from portico.domain.billing.ledger import allocation, locks
from portico.domain.billing.ledger.allocation import AllocationTarget
from portico.domain.billing.models import (
    AttemptState,
    Invoice,
    Payment,
    PaymentAttempt,
    PaymentKind,
)
from portico.domain.billing.payments import account_credits, receipts
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.gateways.stripe.objects import CheckoutSession, PaymentIntent
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.text import times

STRIPE = Actor.system("Stripe")


@dataclass(frozen=True)
class SettledFor:
    """Who is credited with a payment, and what it was meant for."""

    client: Client
    account: PortalAccount | None
    toward: list[AllocationTarget]


def apply_session(attempt: PaymentAttempt, session: CheckoutSession) -> None:
    """Settles what a Checkout says. Safe to repeat, in any order."""
    intent = session.intent
    found = (session.amount_minor, session.currency, session.livemode)
    if not _is_as_asked(attempt, found):
        _set_aside(attempt, found, session.intent_id, intent)
    elif intent is not None and intent.is_paid:
        apply_intent(attempt, intent)
    elif session.status == "expired":
        end(attempt, AttemptState.EXPIRED)
    elif session.status == "complete" or (intent is not None and intent.status == "processing"):
        _is_moving(attempt)


def apply_intent(attempt: PaymentAttempt, intent: PaymentIntent) -> None:
    """Settles what a payment intent says. Safe to repeat, in any order."""
    found = (intent.amount_minor, intent.currency, intent.livemode)
    if intent.is_paid and intent.received_minor != intent.amount_minor:
        _set_aside(attempt, (intent.received_minor, intent.currency, intent.livemode), intent.id, intent)
        return
    if not _is_as_asked(attempt, found):
        _set_aside(attempt, found, intent.id, intent)
        return
    match intent.status:
        case "succeeded":
            succeed(attempt, intent)
        case "canceled":
            end(attempt, AttemptState.EXPIRED)
        case "requires_payment_method":
            end(attempt, AttemptState.FAILED, reason=intent.decline)
        case "requires_action":
            _is_at_bank(attempt, intent)
        case _:
            _is_moving(attempt)


@retry_on_deadlock
def succeed(attempt: PaymentAttempt, intent: PaymentIntent) -> Payment | None:
    """Writes the payment of a charge, once. What its invoices no longer take is credit, flagged for a refund."""
    with locks.lock_books(attempt.client) as held:
        if _is_known(held.practice, intent):
            return None
        covers = list(attempt.covers.select_related("invoice").order_by("invoice_id"))
        invoices = {each.pk: each for each in locks.lock_invoices(held, [cover.invoice_id for cover in covers])}
        row = PaymentAttempt.objects.locked().select_related("account").get(pk=attempt.pk)
        is_second = row.state == AttemptState.SUCCEEDED
        is_meant = not is_second and row.state != AttemptState.RELEASED
        toward = (
            [AllocationTarget(invoices[cover.invoice_id], cover.amount_minor) for cover in covers] if is_meant else []
        )
        payment = _write(SettledFor(held, row.account, toward), intent, attempt=None if is_second else row)
        if row.holds:
            allocation.end_attempt(row, AttemptState.SUCCEEDED, by=STRIPE)
        elif not is_second:
            PaymentAttempt.objects.filter(pk=row.pk).update(state=AttemptState.SUCCEEDED)
        if row.save_card:
            saved_cards.save(row, intent)
    return payment


@retry_on_deadlock
def rebuild(practice: Practice, intent: PaymentIntent, told: PaymentMetadata) -> Payment | None:
    """The payment of a charge whose attempt is not in the database, by what Stripe was told; None if it is known."""
    client = Client.objects.select_related("practice").filter(practice=practice, ref=told.client).first()
    if client is None or not intent.is_paid or intent.currency != practice.currency:
        return None
    with locks.lock_books(client) as held:
        if _is_known(practice, intent):
            return None
        amounts = {part.invoice: part.amount_minor for part in told.parts}
        known = Invoice.objects.filter(client=held, ref__in=amounts).values_list("pk", flat=True)
        toward = [AllocationTarget(each, amounts[each.ref]) for each in locks.lock_invoices(held, known)]
        account = PortalAccount.objects.filter(practice=practice, ref=told.account).first()
        left_over = _("It was meant for more invoices than Stripe’s record of it names.") if told.left_out else ""
        return _write(SettledFor(held, account, toward), intent, attempt=None, left_over=left_over)


@retry_on_deadlock
def end(attempt: PaymentAttempt, state: AttemptState, *, reason: str = "", by: Actor = STRIPE) -> None:
    """Nothing was charged. Again, or after a success: changes nothing."""
    with locks.lock_books(attempt.client) as held:
        row = PaymentAttempt.objects.get(pk=attempt.pk)
        if not row.holds or row.state == AttemptState.QUARANTINED:
            return
        allocation.end_attempt(row, state, by=by, reason=reason)
        if state == AttemptState.FAILED:
            record(AuditAction.PAYMENT_DECLINED, held, row.ref, row.amount_minor, by=by, reason=reason)


def missing_at_stripe(attempt: PaymentAttempt, *, code: str) -> None:
    """Stripe no longer has the attempt's page or payment, as after its test data was deleted.

    What was only begun is over. Where money may have moved nothing is concluded: staff release it after a day.
    """
    if not attempt.is_moving:
        end(attempt, AttemptState.EXPIRED, reason=code)


def end_if_never_sent(attempt: PaymentAttempt) -> bool:
    """Ends an attempt for which Stripe was never called. False: it was called meanwhile, and may have a page."""
    with locks.lock_books(attempt.client):
        # Locked: whoever is about to call notes that on this row first, and finds it ended.
        row = PaymentAttempt.objects.locked().get(pk=attempt.pk)
        if row.holds and row.called_at is not None:
            return False
        if row.holds:
            allocation.end_attempt(row, AttemptState.EXPIRED, by=STRIPE, reason="")
        return True


def record(
    verb: AuditAction, client: Client, about: str, amount_minor: int, *, by: Actor, **details: str | int | bool
) -> None:
    audit_log.record(
        verb,
        practice=client.practice,
        client=client,
        by=by,
        about=about,
        amount_minor=amount_minor,
        currency=client.practice.currency,
        **details,
    )


def _is_known(practice: Practice, intent: PaymentIntent) -> bool:
    """The client is held. A second charge of one intent cannot be: Stripe makes one that succeeds."""
    return Payment.objects.filter(practice=practice, stripe_charge_id=intent.charge_id).exists()


def _write(payer: SettledFor, intent: PaymentIntent, *, attempt: PaymentAttempt | None, left_over: str = "") -> Payment:
    """Writes and places the payment. `left_over` says why something may be left, where that is known."""
    client, charge = payer.client, intent.charge
    card = charge.card if charge else None
    charged_at = charge.created_at if charge else clock.now()
    payment = Payment.objects.create(
        practice=client.practice,
        client=client,
        kind=PaymentKind.ONLINE,
        amount_minor=intent.received_minor,
        currency=intent.currency,
        received_on=times.day_of(charged_at, client.practice.zone),
        number=invoice_numbers.next_receipt_number(client.practice),
        attempt=attempt,
        account=payer.account,
        stripe_charge_id=intent.charge_id,
        payment_intent_id=intent.id,
        livemode=intent.livemode,
        card_brand=card.brand[:20] if card else "",
        card_last4=card.last4[:4] if card else "",
    )
    left = allocation.allocate(payment, payer.toward)
    record(
        AuditAction.PAYMENT_CHARGED,
        client,
        payment.ref,
        payment.amount_minor,
        by=STRIPE,
        attempt=attempt.ref if attempt else "",
        left_over_minor=left,
    )
    if left:
        # Before anything applies credit: it must not be put against what it was never meant for.
        account_credits.ask_for_refund(payment, reason=left_over or _("It arrived when there was nothing left to pay."))
    receipts.send(payment, by=STRIPE)
    return payment


def _is_as_asked(attempt: PaymentAttempt, found: tuple[int, str, bool]) -> bool:
    return found == (attempt.amount_minor, attempt.currency, attempt.livemode)


def _set_aside(
    attempt: PaymentAttempt, found: tuple[int, str, bool], intent_id: str, intent: PaymentIntent | None
) -> None:
    """For staff to look at; once its invoices were let go, what was paid is credit, flagged for a refund."""
    _quarantine(attempt, found, intent=intent_id)
    is_ours = intent is not None and (intent.currency, intent.livemode) == (attempt.currency, attempt.livemode)
    if intent is not None and intent.is_paid and is_ours:
        _keep_for_refund(attempt, intent)


@retry_on_deadlock
def _keep_for_refund(attempt: PaymentAttempt, intent: PaymentIntent) -> None:
    with locks.lock_books(attempt.client) as held:
        row = PaymentAttempt.objects.select_related("account").get(pk=attempt.pk)
        if not row.holds and not _is_known(held.practice, intent):
            # It is not what the attempt asked for, so it is not the attempt's payment.
            _write(SettledFor(held, row.account, []), intent, attempt=None)


def _quarantine(attempt: PaymentAttempt, found: tuple[int, str, bool], *, intent: str) -> None:
    with locks.lock_books(attempt.client) as held:
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
            mismatch_mail.notify_owners(held.practice, attempt, by=STRIPE)
            record(
                AuditAction.PAYMENT_QUARANTINED,
                held,
                attempt.ref,
                attempt.amount_minor,
                by=STRIPE,
                found_minor=found[0],
                found_currency=found[1],
                found_live=found[2],
            )


def _is_moving(attempt: PaymentAttempt) -> None:
    with locks.lock_books(attempt.client):
        PaymentAttempt.objects.filter(pk=attempt.pk, state=AttemptState.OPEN).update(
            state=AttemptState.PROCESSING, unknown_since=clock.now()
        )


def _is_at_bank(attempt: PaymentAttempt, intent: PaymentIntent) -> None:
    """Nothing has moved: the bank waits for its customer."""
    with locks.lock_books(attempt.client):
        PaymentAttempt.objects.filter(pk=attempt.pk, state__in=(AttemptState.OPEN, AttemptState.PROCESSING)).update(
            state=AttemptState.OPEN, unknown_since=None, payment_intent_id=intent.id, bank_url=intent.bank_address
        )


def metadata_of(intent: PaymentIntent) -> PaymentMetadata | None:
    """What Portico wrote on the intent; None when it is none of ours."""
    return stripe_metadata.parse(intent.metadata)
