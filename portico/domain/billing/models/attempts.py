"""Payment attempts by card: rows that are committed before Stripe is called."""

from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portico.domain.access.models import PortalAccount
from portico.domain.billing.models.attempt_states import (
    STATES_HOLDING_INVOICES,
    STATES_IN_PROGRESS,
    AttemptFailure,
    AttemptState,
)
from portico.domain.billing.models.cards import SavedCard
from portico.domain.billing.models.invoices import Invoice
from portico.domain.clients.models import Client
from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RefField, RowQuerySet
from portico.plumbing.database.constraints import SamePractice
from portico.plumbing.queue.leases import QueuedRow

# The longest time for which the payment page of an attempt stays open.
MAX_LIFETIME = timedelta(minutes=45)


class AttemptMethod(models.TextChoices):
    CHECKOUT = "checkout", _("Stripe’s page")
    SAVED_CARD = "saved_card", _("Saved card")


class PaymentAttemptQuerySet(RowQuerySet["PaymentAttempt"]):
    def with_relations(self) -> "PaymentAttemptQuerySet":
        """Loads what every operation on an attempt reads, in the same query."""
        return self.select_related("client__practice", "account", "practice", "card")

    def holding_invoices(self) -> "PaymentAttemptQuerySet":
        return self.filter(state__in=STATES_HOLDING_INVOICES)

    def waiting(self) -> "PaymentAttemptQuerySet":
        """Attempts whose outcome is polled at Stripe."""
        return self.filter(state__in=(AttemptState.OPEN, AttemptState.PROCESSING))


class PaymentAttempt(QueuedRow):
    """An attempt to pay whole invoices of one client. Its idempotency key never changes and is never reused.

    Ended only by `allocation.end_attempt`, which releases the invoices in the same transaction.
    """

    LONGEST_WAIT: ClassVar[timedelta] = timedelta(minutes=5)

    ref = RefField()
    account = models.ForeignKey(PortalAccount, models.PROTECT, related_name="attempts")
    client = models.ForeignKey(Client, models.PROTECT, related_name="attempts")
    method = models.CharField(max_length=10, choices=AttemptMethod.choices)
    card = models.ForeignKey(SavedCard, models.PROTECT, null=True, blank=True, related_name="attempts")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    # True for the full balance, False for one invoice: decides what the client is shown on return.
    is_balance = models.BooleanField(default=False)
    state = models.CharField(max_length=11, choices=AttemptState.choices, default=AttemptState.OPEN)
    # The reason why it failed or was released: a short code, or text that staff entered.
    reason = models.CharField(max_length=300, blank=True)
    # The failure of the call to Stripe, the parameter that Stripe named, and the id of the request in Stripe's log.
    failure = models.CharField(max_length=14, choices=AttemptFailure.choices, blank=True)
    failure_param = models.CharField(max_length=100, blank=True)
    stripe_request_id = models.CharField(max_length=64, blank=True)
    # The values that Stripe reports, if they differ from the requested ones.
    found_minor = models.BigIntegerField(null=True)
    found_currency = models.CharField(max_length=3, blank=True)
    found_livemode = models.BooleanField(null=True)
    idempotency_key = models.CharField(max_length=64, unique=True)
    # As sent to Stripe: opaque refs and amounts, from which a payment can be restored without this row.
    metadata = models.JSONField(default=dict, blank=True)
    livemode = models.BooleanField()
    stripe_account_id = models.CharField(max_length=64, blank=True)
    stripe_customer_id = models.CharField(max_length=64, blank=True)
    checkout_session_id = models.CharField(max_length=100, blank=True)
    checkout_url = models.TextField(blank=True)
    payment_intent_id = models.CharField(max_length=64, blank=True)
    # The bank's confirmation page, while a confirmation is required.
    bank_url = models.TextField(blank=True)
    save_card = models.BooleanField(default=False)
    consent_text = models.CharField(max_length=500, blank=True)
    consented_at = models.DateTimeField(null=True)
    written_at = models.DateTimeField(default=clock.now, editable=False)
    # When the first call was made: the create call is not repeated long after it.
    called_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    # When its outcome became unknown; after a day staff may release it.
    unknown_since = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = PaymentAttemptQuerySet.as_manager()

    class Meta(QueuedRow.Meta):
        constraints = (
            *QueuedRow.Meta.constraints,
            SamePractice("account", name="billing_paymentattempt_account"),
            SamePractice("client", name="billing_paymentattempt_client"),
            SamePractice("card", name="billing_paymentattempt_card"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="billing_paymentattempt_amount"),
            models.CheckConstraint(
                condition=Q(state__in=AttemptState.values), name="billing_paymentattempt_known_state"
            ),
            models.CheckConstraint(
                condition=Q(state__in=STATES_HOLDING_INVOICES, ended_at=None)
                | (~Q(state__in=STATES_HOLDING_INVOICES) & Q(ended_at__isnull=False)),
                name="billing_paymentattempt_holding_or_ended",
            ),
            models.CheckConstraint(
                condition=Q(method=AttemptMethod.CHECKOUT, card=None)
                | Q(method=AttemptMethod.SAVED_CARD, card__isnull=False),
                name="billing_paymentattempt_card_of_method",
            ),
            models.CheckConstraint(
                condition=Q(save_card=False) | (Q(consented_at__isnull=False) & ~Q(consent_text="")),
                name="billing_paymentattempt_saves_with_consent",
            ),
            models.UniqueConstraint(
                fields=("practice", "checkout_session_id"),
                condition=~Q(checkout_session_id=""),
                name="billing_paymentattempt_one_a_session",
            ),
            models.UniqueConstraint(
                fields=("practice", "payment_intent_id"),
                condition=~Q(payment_intent_id=""),
                name="billing_paymentattempt_one_an_intent",
            ),
        )
        indexes = (
            models.Index(
                fields=("id",),
                condition=Q(state__in=("open", "processing")),
                name="billing_waiting_attempts",
            ),
            models.Index(
                fields=("practice", "id"),
                condition=Q(state__in=("processing", "quarantined")),
                name="billing_moving_attempts",
            ),
            models.Index(
                fields=("practice", "id"),
                condition=Q(failure__in=("refused", "key_refused", "permission", "account_closed")),
                name="billing_refused_attempts",
            ),
            models.Index(fields=("account", "-id"), name="billing_attempts_of_account"),
            models.Index(fields=("client", "-id"), name="billing_attempts_of_client"),
        )

    def __str__(self) -> str:
        return self.ref

    @property
    def holds_invoices(self) -> bool:
        return self.state in STATES_HOLDING_INVOICES

    @property
    def is_moving(self) -> bool:
        return self.state in STATES_IN_PROGRESS

    @property
    def is_quarantined(self) -> bool:
        return self.state == AttemptState.QUARANTINED

    def has_expired(self, at: datetime) -> bool:
        """True if its page has closed. An expiry too far ahead was set by a wrong clock and counts as expired."""
        latest = at + MAX_LIFETIME + clock.SKEW
        return self.expires_at is not None and not at < self.expires_at <= latest


class AttemptInvoice(PracticeRow):
    """An invoice that an attempt covers, with the amount. A constraint allows one open row per invoice."""

    attempt = models.ForeignKey(PaymentAttempt, models.PROTECT, related_name="covers")
    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="attempts")
    amount_minor = models.BigIntegerField()
    is_open = models.BooleanField(default=True)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("attempt", name="billing_attemptinvoice_attempt"),
            SamePractice("invoice", name="billing_attemptinvoice_invoice"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="billing_attemptinvoice_amount"),
            models.UniqueConstraint(fields=("attempt", "invoice"), name="billing_attemptinvoice_once_an_attempt"),
            models.UniqueConstraint(
                fields=("invoice",), condition=Q(is_open=True), name="billing_attemptinvoice_one_open"
            ),
        )

    def __str__(self) -> str:
        return str(self.pk)
