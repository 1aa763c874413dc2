"""Bursts: unusual numbers of sign-in requests, mails or wrong PINs, shown to staff."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RefField, RowQuerySet


class BurstKind(models.TextChoices):
    REQUESTS = "asks", _("Requests for sign-in links")
    CAP = "cap", _("Sign-in emails over the hourly limit")
    PINS = "pins", _("Wrong PINs")


class BurstQuerySet(RowQuerySet["Burst"]):
    def ongoing(self) -> "BurstQuerySet":
        return self.filter(over_at=None)


class Burst(PracticeRow):
    """An unusual number of events of one kind within an hour; shown to staff while it lasts, then kept for a month."""

    ref = RefField()
    kind = models.CharField(max_length=10, choices=BurstKind.choices)
    # REQUESTS: those in the hour before `counted_at`. CAP and PINS: the events beyond the limit since `began_at`.
    number = models.PositiveIntegerField(default=0)
    # The requests that came from the network with the most requests.
    from_one_network = models.PositiveIntegerField(default=0)
    began_at = models.DateTimeField(default=clock.now, editable=False)
    counted_at = models.DateTimeField(default=clock.now)
    over_at = models.DateTimeField(null=True)

    objects = BurstQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            models.UniqueConstraint(
                fields=("practice", "kind"), condition=Q(over_at=None), name="access_burst_one_at_a_time"
            ),
        )
        indexes = (models.Index(fields=("practice", "-id"), name="access_bursts_newest"),)

    def __str__(self) -> str:
        return self.ref
