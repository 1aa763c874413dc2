"""Products and services of a practice, with neutral names."""

from django.db import models
from django.db.models import Q

from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RefField, RowQuerySet


class ServiceItemQuerySet(RowQuerySet["ServiceItem"]):
    def offered(self) -> "ServiceItemQuerySet":
        return self.filter(retired_at=None)


class ServiceItem(PracticeRow):
    """A product or service with its price. Invoice lines copy both, so a new price changes no invoice."""

    ref = RefField()
    code = models.CharField(max_length=20)
    # Neutral: it is printed on invoices, which a client may forward.
    label = models.CharField(max_length=100)
    # For clients who read Spanish; if empty, `label` is used.
    label_es = models.CharField(max_length=100, blank=True)
    price_minor = models.BigIntegerField()
    retired_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = ServiceItemQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            models.CheckConstraint(condition=Q(price_minor__gte=0), name="billing_serviceitem_price"),
            models.UniqueConstraint(
                fields=("practice", "code"), condition=Q(retired_at=None), name="billing_serviceitem_one_a_code"
            ),
        )

    def __str__(self) -> str:
        return self.ref

    def label_in(self, language: str) -> str:
        """Returns the name on invoices in a language of clients."""
        return (self.label_es if language == "es" else "") or self.label
