"""The abstract base of payments and credits, the amounts that can be allocated to invoices."""

from django.db import models

from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RefField


class FundingSource(PracticeRow):
    """An amount that can be allocated to invoices. The unused part is the client's credit."""

    ref = RefField()
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    # The amount currently allocated to invoices; written only by `ledger.allocation`.
    allocated_minor = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    taken_back_at = models.DateTimeField(null=True)
    taken_back_by = models.CharField(max_length=100, blank=True)
    taken_back_reason = models.CharField(max_length=300, blank=True)

    class Meta(PracticeRow.Meta):
        abstract = True

    @property
    def is_taken_back(self) -> bool:
        return self.taken_back_at is not None
