"""The rows that `portico seed` has loaded, so that it can be repeated."""

from django.db import models

from portico.plumbing.database.base_models import PracticeRow, RowQuerySet


class SeedKind(models.TextChoices):
    STAFF = "staff"
    CLIENT = "client"
    INVOICE = "invoice"
    CONTACT = "contact"


class SeedRef(PracticeRow):
    """The ref of a row in seed files. Repeating a seed file leaves existing rows unchanged."""

    kind = models.CharField(max_length=10, choices=SeedKind.choices)
    seed_ref = models.CharField(max_length=100)
    # The ref of the row in the table that `kind` names.
    row_ref = models.CharField(max_length=26)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            models.UniqueConstraint(fields=("practice", "kind", "seed_ref"), name="operating_seedref_one_a_name"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.seed_ref}"
