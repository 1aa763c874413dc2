"""Clients, their email addresses with consent, their phone numbers and their search terms."""

from datetime import date, datetime

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


ADULT_AGE = 18


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
    """A person in the care of the practice."""

    ref = RefField()
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
            models.CheckConstraint(
                condition=Q(portal_state__in=PortalState.values), name="clients_client_known_portal_state"
            ),
            models.UniqueConstraint(
                fields=("practice", "form_key"), condition=~Q(form_key=""), name="clients_client_one_per_form_key"
            ),
        )
        indexes = (
            models.Index(fields=("practice", "is_archived", "sort_key", "id"), name="clients_by_name"),
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
        """Returns True if the client is known to be under 18; without a date of birth it is False."""
        age = self._age_on(day)
        return age is not None and age < ADULT_AGE

    def is_adult_on(self, day: date) -> bool:
        """Returns True if the client is known to be an adult; without a date of birth it is False."""
        age = self._age_on(day)
        return age is not None and age >= ADULT_AGE

    def _age_on(self, day: date) -> int | None:
        born = self.date_of_birth
        return None if born is None else day.year - born.year - ((day.month, day.day) < (born.month, born.day))

    def greeted_as(self, day: date) -> str:
        """Returns the name with which a mail greets its reader on that day of the practice; empty for no name.

        A parent may read the mails of any client who is not known to be an adult.
        """
        return self.called if self.is_adult_on(day) else ""

    @property
    def is_archived_now(self) -> bool:
        """True if the status in memory is archived, before the database has computed its own column."""
        return self.status == Status.ARCHIVED


class AddressKind(models.TextChoices):
    HOME = "home", _("Home")
    WORK = "work", _("Work")
    OTHER = "other", _("Other")


class EmailAddressQuerySet(RowQuerySet["EmailAddress"]):
    def open(self) -> "EmailAddressQuerySet":
        """Returns addresses in use; a changed or removed address is closed and kept."""
        return self.filter(closed_at=None)


class EmailAddress(PracticeRow):
    """One of a client's addresses with its own consent. Never edited: a change closes the row and opens a new one.

    `email_ok_at` and `email_ok_by` are set while there is consent. When it is withdrawn they are cleared and
    `email_ok_withdrawn_at` is set; the full history is in the audit log.
    """

    ref = RefField()
    client = models.ForeignKey(Client, models.PROTECT, related_name="email_addresses")
    address = models.CharField(max_length=254)
    # The form in which addresses are compared: mailboxes.mailbox_key.
    mailbox_key = models.CharField(max_length=320)
    kind = models.CharField(max_length=10, choices=AddressKind.choices, default=AddressKind.HOME)
    email_ok_at = models.DateTimeField(null=True)
    email_ok_by = models.CharField(max_length=100, blank=True)
    email_ok_withdrawn_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    closed_at = models.DateTimeField(null=True)

    objects = EmailAddressQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("client", name="clients_emailaddress_client"),
            models.UniqueConstraint(
                fields=("client", "mailbox_key"), condition=Q(closed_at=None), name="clients_emailaddress_once_a_client"
            ),
        )
        indexes = (models.Index(fields=("practice", "mailbox_key"), name="clients_by_mailbox"),)

    def __str__(self) -> str:
        return self.ref

    @property
    def email_ok(self) -> bool:
        return self.email_ok_at is not None

    def record_consent(self, *, by: str, at: datetime) -> None:
        self.email_ok_at, self.email_ok_by, self.email_ok_withdrawn_at = at, by, None

    def withdraw_consent(self, *, at: datetime) -> None:
        self.email_ok_at, self.email_ok_by, self.email_ok_withdrawn_at = None, "", at


class PhoneKind(models.TextChoices):
    MOBILE = "mobile", _("Mobile")
    HOME = "home", _("Home")
    WORK = "work", _("Work")


class PhoneNumber(PracticeRow):
    """One of a client's phone numbers, in E.164."""

    client = models.ForeignKey(Client, models.PROTECT, related_name="phone_numbers")
    number = models.CharField(max_length=16)
    kind = models.CharField(max_length=10, choices=PhoneKind.choices, default=PhoneKind.MOBILE)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("client", name="clients_phonenumber_client"),
            models.UniqueConstraint(fields=("client", "number"), name="clients_phonenumber_once_a_client"),
        )
        indexes = (models.Index(fields=("practice", "number"), name="clients_by_phone"),)

    def __str__(self) -> str:
        return str(self.pk)


class SearchTerm(PracticeRow):
    """A word, address or number by whose prefix a client is found."""

    client = models.ForeignKey(
        Client,
        models.CASCADE,
        related_name="search_terms",
        db_index=False,  # The unique constraint below begins with practice and client.
    )
    term = models.CharField(max_length=320)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        # Without the unique pair of PracticeRow: no row references a term.
        constraints = (
            SamePractice("client", name="clients_searchterm_client"),
            models.UniqueConstraint(
                # Begins with the practice, so that for one client SQLite never takes the index below instead.
                fields=("practice", "client", "term"),
                name="clients_searchterm_once_a_client",
                opclasses=("int8_ops", "int8_ops", "varchar_pattern_ops"),
            ),
        )
        indexes = (
            models.Index(
                fields=("practice", "term", "client"),
                name="clients_by_term",
                opclasses=("int8_ops", "varchar_pattern_ops", "int8_ops"),
            ),
        )

    def __str__(self) -> str:
        return str(self.pk)
