"""Inbound webhook events: each is stored once, as a queued row."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portico.plumbing import clock
from portico.plumbing.database.base_models import RowQuerySet
from portico.plumbing.queue.leases import QueuedRow


class InboundEventState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    DONE = "done", _("Done")
    IGNORED = "ignored", _("Ignored")
    PARKED = "parked", _("Failed")


class InboundEventQuerySet(RowQuerySet["InboundEvent"]):
    def waiting(self) -> "InboundEventQuerySet":
        return self.filter(settled_at=None)


class InboundEvent(QueuedRow):
    """An event about an external object. Its state is not stored: the worker looks it up."""

    # The sender ("stripe"), and its own id of the event.
    source = models.CharField(max_length=20)
    event_id = models.CharField(max_length=255)
    kind = models.CharField(max_length=100)
    object_kind = models.CharField(max_length=100)
    object_id = models.CharField(max_length=255, blank=True)
    livemode = models.BooleanField()
    happened_at = models.DateTimeField()
    written_at = models.DateTimeField(default=clock.now, editable=False)
    state = models.CharField(max_length=10, choices=InboundEventState.choices, default=InboundEventState.WAITING)
    # The number of errors in processing it, and the location of the last one.
    errors = models.PositiveSmallIntegerField(default=0)
    detail = models.CharField(max_length=300, blank=True)
    settled_at = models.DateTimeField(null=True)

    objects = InboundEventQuerySet.as_manager()

    class Meta(QueuedRow.Meta):
        constraints = (
            *QueuedRow.Meta.constraints,
            models.UniqueConstraint(fields=("practice", "source", "event_id"), name="plumbing_inboxevent_once"),
            models.CheckConstraint(
                condition=Q(state__in=InboundEventState.values), name="plumbing_inboxevent_known_state"
            ),
            models.CheckConstraint(
                condition=Q(state=InboundEventState.WAITING, settled_at__isnull=True)
                | (~Q(state=InboundEventState.WAITING) & Q(settled_at__isnull=False)),
                name="plumbing_inboxevent_waits_or_settled",
            ),
        )
        indexes = (
            models.Index(fields=("id",), condition=Q(settled_at__isnull=True), name="inbox_waiting"),
            models.Index(fields=("practice", "source", "-written_at"), name="inbox_newest"),
        )

    def __str__(self) -> str:
        return f"{self.source} {self.event_id}"
