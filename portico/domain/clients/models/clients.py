"""Clients: people in the care of the practice."""

from calendar import isleap
from datetime import date

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portico.domain.practices.models import StaffMember
from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RefField, RowQuerySet
from portico.plumbing.database.constraints import SamePractice


class Status(models.TextChoices):
    ACTIVE = "active", _("Active")
    INACTIVE = "inactive", _("Inactive")
    ARCHIVED = "archived", _("Archived")


class ClientKind(models.TextChoices):
    PERSON = "person", _("Person")
    COUPLE = "couple", _("Couple")


class PortalState(models.TextChoices):
    """A client's portal state; stored, and recomputed in every transaction that may change it."""

    NO_ACCESS = "no_access", _("No access")
    INVITED = "invited", _("Invited")
    SIGNED_IN = "signed_in", _("Signed in")
    NEEDS_ATTENTION = "needs_attention", _("Needs attention")


class Language(models.TextChoices):
    ENGLISH = "en", "English"
    SPANISH = "es", "Español"


class ClientQuerySet(RowQuerySet["Client"]):
    # Compared with a Value: a plain bool becomes `NOT is_archived`, for which SQLite uses no index.
    def archived(self) -> "ClientQuerySet":
        return self.filter(is_archived=models.Value(value=True))

    def present(self) -> "ClientQuerySet":
        """Returns active and inactive clients, without archived ones."""
        return self.filter(is_archived=models.Value(value=False))


class Client(PracticeRow):
    """A person in the care of the practice, or a couple, whose members are contacts of the kind `member`."""

    ref = RefField()
    kind = models.CharField(max_length=10, choices=ClientKind.choices, default=ClientKind.PERSON)
    first_name = models.CharField(max_length=100)
    last_name = models.CharField(max_length=100, blank=True)
    preferred_name = models.CharField(max_length=100, blank=True)
    date_of_birth = models.DateField(null=True, blank=True)
    language = models.CharField(max_length=5, choices=Language.choices, default=Language.ENGLISH)
    clinician = models.ForeignKey(StaffMember, models.PROTECT, null=True, blank=True, related_name="+")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ACTIVE)
    is_archived = models.GeneratedField(
        expression=models.Case(
            models.When(status=Status.ARCHIVED, then=models.Value(value=True)),
            default=models.Value(value=False),
        ),
        output_field=models.BooleanField(),
        db_persist=True,
    )
    portal_state = models.CharField(max_length=16, choices=PortalState.choices, default=PortalState.NO_ACCESS)
    portal_reason = models.CharField(max_length=30, blank=True)
    # The sort key of the list: the displayed name, folded; written by `registration.set_details`.
    sort_key = models.CharField(max_length=210)
    # When staff turned off reminders of unpaid bills for this client.
    reminders_off_at = models.DateTimeField(null=True, blank=True)
    # When staff recorded that the client's parents live apart, which pages for sharing point out.
    parents_apart_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)
    # The random key of the form that created the client, so that submitting it twice creates one client.
    form_key = models.CharField(max_length=43, blank=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    last_signed_in_at = models.DateTimeField(null=True, blank=True)

    objects = ClientQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("clinician", name="clients_client_clinician"),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="clients_client_known_status"),
            models.CheckConstraint(condition=Q(kind__in=ClientKind.values), name="clients_client_known_kind"),
            models.CheckConstraint(
                condition=Q(portal_state__in=PortalState.values), name="clients_client_known_portal_state"
            ),
            models.UniqueConstraint(
                fields=("practice", "form_key"), condition=~Q(form_key=""), name="clients_client_one_per_form_key"
            ),
        )
        indexes = (
            models.Index(fields=("practice", "is_archived", "sort_key", "id"), name="clients_by_name"),
            models.Index(fields=("practice", "date_of_birth"), name="clients_by_birth"),
            models.Index(fields=("practice", "is_archived", "portal_state", "sort_key", "id"), name="clients_by_state"),
            models.Index(fields=("practice", "is_archived", "-created_at", "-id"), name="clients_by_newest"),
            models.Index(
                fields=("practice", "is_archived", "portal_state", "-created_at", "-id"), name="clients_newest_by_state"
            ),
        )

    def __str__(self) -> str:
        return self.ref

    @property
    def name(self) -> str:
        """The full name, as the office shows it."""
        return f"{self.called} {self.last_name}".strip()

    @property
    def called(self) -> str:
        """The preferred first name."""
        return self.preferred_name or self.first_name

    def is_minor_on(self, day: date) -> bool:
        """Returns True if the client is known to be under age; without a date of birth it is False."""
        comes_of_age_on = self.comes_of_age_on
        return comes_of_age_on is not None and day < comes_of_age_on

    def is_adult_on(self, day: date) -> bool:
        """Returns True if the client is known to be of age; without a date of birth it is False."""
        comes_of_age_on = self.comes_of_age_on
        return comes_of_age_on is not None and day >= comes_of_age_on

    @property
    def comes_of_age_on(self) -> date | None:
        """The birthday on which the client reaches the practice's age of majority; None without a date of birth."""
        born = self.date_of_birth
        if born is None:
            return None
        year = born.year + self.practice.age_of_majority
        # Born on February 29, people come of age on March 1 where the year has none.
        is_leap_day = (born.month, born.day) == (2, 29) and not isleap(year)
        return date(year, 3, 1) if is_leap_day else born.replace(year=year)

    def greeted_as(self, day: date) -> str:
        """Returns the name with which a mail greets its reader on that day of the practice; empty for no name.

        A parent may read the mails of any client who is not known to be an adult.
        """
        return self.called if self.is_adult_on(day) else ""

    @property
    def is_archived_now(self) -> bool:
        """True if the status in memory is archived, before the database has computed its own column."""
        return self.status == Status.ARCHIVED
