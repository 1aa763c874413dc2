"""Credits that a practice gives to clients."""

from django.db import models
from django.db.models import F, Q

from portico.domain.billing.models.funding_sources import FundingSource
from portico.domain.clients.models import Client
from portico.plumbing.database.base_models import RowQuerySet
from portico.plumbing.database.constraints import SamePractice


class CreditQuerySet(RowQuerySet["Credit"]):
    def not_taken_back(self) -> "CreditQuerySet":
        return self.filter(taken_back_at=None)

    def spendable(self) -> "CreditQuerySet":
        return self.filter(taken_back_at=None, unused_minor__gt=0)


class Credit(FundingSource):
    """Credit given without a payment: goodwill, or a credit balance brought forward."""

    client = models.ForeignKey(Client, models.PROTECT, related_name="credits")
    reason = models.CharField(max_length=300)
    given_by = models.CharField(max_length=100, blank=True)
    form_key = models.CharField(max_length=43, blank=True, editable=False)
    unused_minor = models.GeneratedField(
        expression=F("amount_minor") - F("allocated_minor"), output_field=models.BigIntegerField(), db_persist=True
    )

    objects = CreditQuerySet.as_manager()

    class Meta(FundingSource.Meta):
        constraints = (
            *FundingSource.Meta.constraints,
            SamePractice("client", name="billing_credit_client"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="billing_credit_amount"),
            models.CheckConstraint(
                condition=Q(allocated_minor__gte=0) & Q(amount_minor__gte=F("allocated_minor")),
                name="billing_credit_never_overspent",
            ),
            models.CheckConstraint(
                condition=Q(taken_back_at=None, taken_back_reason="")
                | (Q(taken_back_at__isnull=False, allocated_minor=0) & ~Q(taken_back_reason="")),
                name="billing_credit_taken_back_with_reason",
            ),
            models.UniqueConstraint(
                fields=("practice", "form_key"), condition=~Q(form_key=""), name="billing_credit_one_per_form_key"
            ),
        )
        indexes = (
            models.Index(fields=("client", "-id"), name="billing_credits_of_client"),
            models.Index(
                fields=("practice", "client"),
                condition=Q(taken_back_at=None, unused_minor__gt=0),
                name="billing_credits_left_over",
            ),
        )

    def __str__(self) -> str:
        return self.ref

    @property
    def still_unused_minor(self) -> int:
        return 0 if self.is_taken_back else self.amount_minor - self.allocated_minor
