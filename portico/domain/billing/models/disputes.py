"""Disputes of card payments."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from portico.domain.billing.models.payments import Payment
from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RefField, RowQuerySet
from portico.plumbing.database.constraints import SamePractice


class DisputeState(models.TextChoices):
    OPEN = "open", _("Disputed")
    WON = "won", _("Won")
    LOST = "lost", _("Lost")


class Dispute(PracticeRow):
    """A dispute of a charge. When it is lost, the money is gone and its invoices are owed again."""

    ref = RefField()
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="disputes")
    stripe_dispute_id = models.CharField(max_length=64)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=4, choices=DisputeState.choices, default=DisputeState.OPEN)
    reason = models.CharField(max_length=60, blank=True)
    opened_at = models.DateTimeField(default=clock.now)
    closed_at = models.DateTimeField(null=True)
    # The amount taken out of the books when it was lost; smaller than the dispute if part was refunded before.
    lost_minor = models.BigIntegerField(default=0)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("payment", name="billing_dispute_payment"),
            models.CheckConstraint(
                condition=Q(amount_minor__gt=0, lost_minor__gte=0) & Q(amount_minor__gte=F("lost_minor")),
                name="billing_dispute_amount",
            ),
            models.CheckConstraint(
                condition=Q(state=DisputeState.LOST) | Q(lost_minor=0), name="billing_dispute_takes_when_lost"
            ),
            models.UniqueConstraint(fields=("practice", "stripe_dispute_id"), name="billing_dispute_one_an_id"),
        )
        indexes = (models.Index(fields=("practice", "id"), condition=Q(state="open"), name="billing_open_disputes"),)

    def __str__(self) -> str:
        return self.ref
