"""Views of the portal by staff."""

from django.db import models
from django.db.models import Q

from portico.domain.access.models.accounts import name_of_contact
from portico.domain.clients.models import Client, Relationship
from portico.domain.practices.models import StaffMember
from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RefField, RowQuerySet
from portico.plumbing.database.constraints import SamePractice


class ViewEnd(models.TextChoices):
    """The reason for which a view ended."""

    BY_STAFF = "by_staff", "Ended by staff"
    EXPIRED = "expired", "Expired"
    REPLACED = "replaced", "Replaced by another view"
    # The staff session ended, the role changed, the client was archived or the practice was paused.
    NOT_ALLOWED = "not_allowed", "No longer allowed"


class ClientViewQuerySet(RowQuerySet["ClientView"]):
    def open(self) -> "ClientViewQuerySet":
        return self.filter(ended_at=None)


class ClientView(PracticeRow):
    """A read-only view of the portal as one client, or a contact of theirs, sees it, by a staff member in one browser.

    Only the hash of the cookie's key is stored. `staff_session` is the ref of the office session that started the
    view: no foreign key, because the rows of sessions are deleted when they end.
    """

    ref = RefField()
    client = models.ForeignKey(Client, models.PROTECT, related_name="+")
    # That of the contact as whom staff view the portal; null for the client.
    relationship = models.ForeignKey(Relationship, models.PROTECT, null=True, related_name="+")
    staff = models.ForeignKey(StaffMember, models.PROTECT, related_name="+")
    staff_session = models.CharField(max_length=26)
    key_hash = models.CharField(max_length=64, unique=True)
    reason = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    ended_at = models.DateTimeField(null=True)
    ended_because = models.CharField(max_length=20, choices=ViewEnd.choices, blank=True)

    objects = ClientViewQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("client", name="access_clientview_client"),
            SamePractice("relationship", name="access_clientview_relationship"),
            SamePractice("staff", name="access_clientview_staff"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_because="")
                | Q(ended_at__isnull=False, ended_because__in=ViewEnd.values),
                name="access_clientview_open_or_ended",
            ),
        )
        indexes = (models.Index(fields=("created_at",), name="access_client_views_by_time"),)

    def __str__(self) -> str:
        return self.ref

    @property
    def viewed_as(self) -> str:
        """Returns "Ana Abreu" for a view as the client, "Bruno Berg (guardian)" for one as a contact."""
        if self.relationship is None:
            return self.client.name
        return name_of_contact(self.relationship.contact.name, self.relationship.kind)

    @property
    def called(self) -> str:
        """The first name of the person as whom staff view the portal."""
        return self.client.called if self.relationship is None else self.relationship.contact.first_name
