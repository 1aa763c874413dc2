"""Idempotency keys of processed forms, each with a digest of the form's content."""

from django.db import models

from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RowQuerySet


class FormKey(PracticeRow):
    """A key of one kind of form, and a keyed digest of the content first posted with it. Deleted after a month."""

    kind = models.CharField(max_length=20)
    key = models.CharField(max_length=43)
    digest = models.CharField(max_length=64)
    written_at = models.DateTimeField(default=clock.now, editable=False)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            models.UniqueConstraint(fields=("practice", "kind", "key"), name="plumbing_formkey_once"),
        )
        indexes = (models.Index(fields=("written_at",), name="plumbing_formkeys_by_written"),)

    def __str__(self) -> str:
        return str(self.pk)
