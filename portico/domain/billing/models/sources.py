"""What payments and credits have in common: they are put against invoices."""

from django.db import models

from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RefField


class Source(PracticeRow):
    """Something that is put against invoices. What is left over is the client's credit."""

    ref = RefField()
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    # What stands against invoices at present; written by `settling` alone.
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
