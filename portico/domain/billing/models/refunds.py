"""Refunds of payments."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portico.domain.billing.models.payments import Payment
from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RefField, RowQuerySet
from portico.plumbing.database.constraints import SamePractice


class RefundMethod(models.TextChoices):
    STRIPE = "stripe", _("Through Stripe")
    BY_HAND = "by_hand", _("Refunded manually")


class RefundState(models.TextChoices):
    # Already counted in the books; undone if it fails.
    PENDING = "pending", _("Pending")
    SUCCEEDED = "succeeded", _("Refunded")
    FAILED = "failed", _("Failed")


class RefundQuerySet(RowQuerySet["Refund"]):
    def not_failed(self) -> "RefundQuerySet":
        return self.exclude(state=RefundState.FAILED)


class Refund(PracticeRow):
    """A refund: through Stripe for online payments, by hand for payments recorded by hand."""

    ref = RefField()
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="refunds")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    method = models.CharField(max_length=7, choices=RefundMethod.choices)
    state = models.CharField(max_length=9, choices=RefundState.choices, default=RefundState.PENDING)
    reason = models.CharField(max_length=300, blank=True)
    note = models.CharField(max_length=500, blank=True)
    failure = models.CharField(max_length=300, blank=True)
    stripe_refund_id = models.CharField(max_length=64, blank=True)
    idempotency_key = models.CharField(max_length=64, blank=True)
    made_by = models.CharField(max_length=100, blank=True)
    form_key = models.CharField(max_length=43, blank=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    settled_at = models.DateTimeField(null=True)

    objects = RefundQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("payment", name="billing_refund_payment"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="billing_refund_amount"),
            models.CheckConstraint(condition=Q(state__in=RefundState.values), name="billing_refund_known_state"),
            models.CheckConstraint(
                condition=Q(method=RefundMethod.STRIPE) | Q(method=RefundMethod.BY_HAND, stripe_refund_id=""),
                name="billing_refund_by_stripe_or_hand",
            ),
            models.UniqueConstraint(
                fields=("practice", "stripe_refund_id"),
                condition=~Q(stripe_refund_id=""),
                name="billing_refund_one_an_id",
            ),
            models.UniqueConstraint(
                fields=("practice", "idempotency_key"),
                condition=~Q(idempotency_key=""),
                name="billing_refund_one_a_key",
            ),
            models.UniqueConstraint(
                fields=("practice", "form_key"), condition=~Q(form_key=""), name="billing_refund_one_per_form_key"
            ),
        )
        indexes = (
            models.Index(fields=("practice", "id"), condition=Q(state="pending"), name="billing_refunds_pending"),
            models.Index(fields=("practice", "id"), condition=Q(state="failed"), name="billing_refunds_failed"),
        )

    def __str__(self) -> str:
        return self.ref
