"""Readiness for card payments, and the practice's Stripe clients.

New payments use `client_for`; what was started with an older key is fetched with `read_client_of`. The clients refuse
to be used inside a transaction.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _

from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import CardState, OnlinePayments, PaymentProblem, Practice, StripeKey
from portico.gateways.stripe.client import StripeClient
from portico.gateways.stripe.deadline import Deadline
from portico.gateways.stripe.objects import StripeAccount
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.clock_skew import OtherClock
from portico.plumbing.database import transaction_guard
from portico.plumbing.database.compiled import CompiledQuery, Parameter
from portico.plumbing.refusals import Refused
from portico.plumbing.security.encryption import DecryptionFailed

# A slow clock makes Stripe reject new Checkout Sessions, and any wrong clock makes us reject its webhooks. Messages
# must name the clock as the cause, not Stripe.
STRIPE_CLOCK = OtherClock("stripe")


class CardsNotAccepted(Refused):
    """The practice has no key, or one that cannot be used for charges."""

    message = _("Card payment isn’t available right now.")


class StripeRow(Protocol):
    """A row with a counterpart in one Stripe account and mode: an attempt, a payment or a customer."""

    @property
    def practice(self) -> Practice: ...
    @property
    def stripe_account_id(self) -> str: ...
    @property
    def livemode(self) -> bool: ...


def online_payments_of(practice: Practice) -> OnlinePayments | None:
    """Returns the practice's row with its key and the clock difference; None before the first key is saved."""
    return _online_payments.first(practice=practice.pk)


@CompiledQuery
def _online_payments(practice: Parameter) -> QuerySet[OnlinePayments]:
    rows = OnlinePayments.objects.annotate(clock_ahead_seconds=STRIPE_CLOCK.ahead_seconds_in_query())
    return rows.select_related("key", "practice").filter(practice=practice)


def current_key(practice: Practice) -> StripeKey | None:
    """Returns the practice's key for new payments; None without one."""
    return _current_key.first(practice=practice.pk)


@CompiledQuery
def _current_key(practice: Parameter) -> QuerySet[StripeKey]:
    return StripeKey.objects.filter(pk__in=OnlinePayments.objects.filter(practice=practice).values("key"))


def client_for(practice: Practice, *, deadline: Deadline | None = None) -> StripeClient:
    """Returns the client for new payments. Raises CardsNotAccepted."""
    key = current_key(practice) if practice.takes_cards else None
    if key is None:
        raise CardsNotAccepted
    try:
        return client_for_key(key, deadline=deadline)
    except DecryptionFailed as lost:
        raise CardsNotAccepted from lost


def read_client_of(row: StripeRow, *, deadline: Deadline | None = None) -> StripeClient | None:
    """Returns a client for the row's Stripe account and mode, as `read_client_for` does."""
    return read_client_for(row.practice, account_id=row.stripe_account_id, livemode=row.livemode, deadline=deadline)


def read_client_for(
    practice: Practice, *, account_id: str, livemode: bool, deadline: Deadline | None = None
) -> StripeClient | None:
    """Returns a client for that account and mode, even with a replaced key; None if there is no key.

    A seeded key has no account id; it matches every account of its mode.
    """
    return _read_client(_keys.rows(practice=practice.pk, livemode=livemode), account_id=account_id, deadline=deadline)


def read_client_for_mode(practice: Practice, *, livemode: bool) -> StripeClient | None:
    """Returns a client with the current key if it is of that mode, else with a replaced key; None without either.

    Its reads share a connection; the caller closes it.
    """
    keys = _keys.rows(practice=practice.pk, livemode=livemode)
    account_id = next((key.account_id for key in keys if key.__dict__["is_current"]), "")
    return _read_client(keys, account_id=account_id, keeps_connection=True)


def _read_client(
    keys: list[StripeKey], *, account_id: str, deadline: Deadline | None = None, keeps_connection: bool = False
) -> StripeClient | None:
    same = [key for key in keys if key.account_id == account_id]
    unsaid = [key for key in keys if not key.account_id or not account_id]
    for key in (*same, *unsaid):
        try:
            return client_for_key(key, deadline=deadline, keeps_connection=keeps_connection)
        except DecryptionFailed:
            continue
    return None


@CompiledQuery
def _keys(practice: Parameter, livemode: Parameter) -> QuerySet[StripeKey]:
    current = OnlinePayments.objects.filter(practice=OuterRef("practice"), key=OuterRef("pk"))
    keys = StripeKey.objects.filter(practice=practice, livemode=livemode)
    return keys.annotate(is_current=Exists(current)).order_by("-id")


def client_for_key(key: StripeKey, *, deadline: Deadline | None = None, keeps_connection: bool = False) -> StripeClient:
    """Raises encryption.DecryptionFailed."""
    return new_client(key.decrypted(), deadline=deadline, keeps_connection=keeps_connection)


def new_client(
    secret: str,
    *,
    deadline: Deadline | None = None,
    keeps_connection: bool = False,
    after_answer: Callable[[datetime], None] = STRIPE_CLOCK.record,
) -> StripeClient:
    return StripeClient(
        secret,
        base=settings.STRIPE_API_BASE,
        deadline=deadline,
        keeps_connection=keeps_connection,
        before_call=transaction_guard.refuse_inside_transaction,
        after_answer=after_answer,
    )


def delete_replaced_key(key: StripeKey) -> None:
    """Deletes a replaced key; the current one stays."""
    StripeKey.objects.filter(pk=key.pk, replaced_at__isnull=False).delete()


def record_account(payments: OnlinePayments, account: StripeAccount, practice: Practice) -> None:
    """Copies Stripe's account onto the row, unsaved; the caller saves it and calls `update_state`."""
    payments.account_name = account.name[:200]
    payments.country = account.country[:2]
    payments.currency = account.currency[:3]
    payments.problem = PaymentProblem.NONE
    if account.currency != practice.currency:
        payments.problem = PaymentProblem.CURRENCY
    if not account.charges_enabled:
        payments.problem = PaymentProblem.CHARGES_OFF


def record_currency(practice: Practice, *, by: Actor) -> None:
    """Updates the state after a change of the practice's currency. In the caller's transaction, practice locked."""
    payments = OnlinePayments.objects.locked().select_related("key").filter(practice=practice).first()
    if payments is None or payments.key is None:
        return
    if payments.problem in {PaymentProblem.NONE, PaymentProblem.CURRENCY}:
        payments.problem = PaymentProblem.NONE if payments.currency == practice.currency else PaymentProblem.CURRENCY
        payments.save(update_fields=["problem"])
        update_state(practice, payments, by=by)


def record_problem(practice: Practice, problem: PaymentProblem, *, by: Actor) -> None:
    """Records a problem found during a call, which turns card payments off until it is fixed."""
    with transaction.atomic():
        payments = lock_online_payments(practice)
        if payments.key is not None and payments.problem != problem:
            payments.problem = problem
            payments.save(update_fields=["problem"])
            update_state(practice, payments, by=by)


def lock_online_payments(practice: Practice) -> OnlinePayments:
    """Returns the practice's row, created if necessary, with row and practice locked. In the caller's transaction."""
    row = Practice.objects.locked().get(pk=practice.pk)
    OnlinePayments.objects.get_or_create(practice=row)
    return OnlinePayments.objects.locked().select_related("key").get(practice=row)


def update_state(practice: Practice, payments: OnlinePayments, *, by: Actor) -> None:
    """Saves the state on the practice, and records a change in the audit log. In the caller's transaction."""
    state = _state(payments)
    changed = Practice.objects.filter(pk=practice.pk).exclude(card_state=state).update(card_state=state)
    practice.card_state = state
    if changed:
        audit_log.record(
            AuditAction.ONLINE_PAYMENTS_CHANGED,
            practice=practice,
            by=by,
            state=state.value or "not_set_up",
            trouble=payments.problem,
        )


def _state(payments: OnlinePayments) -> CardState:
    if payments.key is None:
        return CardState.NOT_SET_UP
    if payments.problem or payments.checked_at is None:
        return CardState.NEEDS_ATTENTION
    return CardState.LIVE if payments.key.livemode else CardState.TEST
