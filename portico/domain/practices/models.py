"""Practices, the staff who work there, and the rows by which staff get in."""

from datetime import datetime, timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portico.plumbing import clock
from portico.plumbing.actors import Actor, ActorKind
from portico.plumbing.constraints import SamePractice
from portico.plumbing.rows import PracticeRow, RefField, Row, RowQuerySet

SET_UP_LINK_TTL = timedelta(hours=72)

# In an address a slug stands where it can be read out: letters, digits and single dashes.
SLUG = RegexValidator(r"^[a-z0-9](?:-?[a-z0-9]){1,49}\Z", _("Use lower-case letters, digits and single dashes."))


def refuse_unknown_zone(name: str) -> None:
    """Raises ValidationError unless the name is in the IANA time zone database."""
    if name not in available_timezones():
        raise ValidationError(
            _("%(name)s is not a time zone. Use a name such as America/New_York."), params={"name": name}
        )


class Practice(Row):
    """The business; every other row belongs to exactly one. Its slug never changes."""

    ref = RefField()
    slug = models.CharField(max_length=50, unique=True, validators=[SLUG])
    name = models.CharField(max_length=100)
    time_zone = models.CharField(max_length=50, default="UTC", validators=[refuse_unknown_zone])
    currency = models.CharField(max_length=3, default="USD")
    country = models.CharField(max_length=2, default="US")
    phone = models.CharField(max_length=20, blank=True)
    support_hours = models.CharField(max_length=150, blank=True)
    reply_to = models.CharField(max_length=254, blank=True)
    sender_name = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = RowQuerySet.as_manager()

    def __str__(self) -> str:
        return self.slug

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def shown_sender(self) -> str:
        """The name that mails come from."""
        return self.sender_name or self.name

    @property
    def portal_path(self) -> str:
        return f"/portal/{self.slug}/"

    @property
    def portal_address(self) -> str:
        """The absolute address clients are given; always the same."""
        return f"{settings.PUBLIC_BASE_URL}{self.portal_path}"


class Role(models.TextChoices):
    """What a staff member may do; the matrix is in docs/security.md."""

    OWNER = "owner", _("Owner")
    CLINICIAN = "clinician", _("Clinician")
    FRONT_DESK = "front_desk", _("Front desk")
    BILLER = "biller", _("Biller")


class StaffMemberQuerySet(RowQuerySet["StaffMember"]):
    def active(self) -> "StaffMemberQuerySet":
        return self.filter(deactivated_at=None)

    def get_by_natural_key(self, email: str) -> "StaffMember":
        return self.get(email__iexact=email)


class StaffMember(AbstractBaseUser, PracticeRow):
    """Somebody who works at a practice. One email address is one staff member in the whole installation."""

    ref = RefField()
    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=100)
    role = models.CharField(max_length=20, choices=Role.choices)
    deactivated_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = StaffMemberQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            models.CheckConstraint(condition=Q(role__in=Role.values), name="practices_staffmember_known_role"),
        )
        indexes = (models.Index(fields=("practice", "name"), name="practices_staff_by_name"),)

    def __str__(self) -> str:
        return self.ref

    @property
    def is_active(self) -> bool:
        return self.deactivated_at is None

    @is_active.setter
    def is_active(self, value: bool) -> None:
        # AbstractBaseUser declares a plain attribute; the truth here is a time.
        raise AttributeError("Set deactivated_at.")

    @property
    def actor(self) -> Actor:
        return Actor(ActorKind.STAFF, self.name, staff_id=self.pk)

    @property
    def is_owner(self) -> bool:
        return self.role == Role.OWNER


class StaffSession(Row):
    """A browser's session at the office. The key in the cookie is stored only as its hash."""

    key_hash = models.CharField(max_length=64, unique=True)
    staff = models.ForeignKey(StaffMember, models.CASCADE, null=True, related_name="sessions")
    contents = models.BinaryField()
    created_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    objects = RowQuerySet.as_manager()

    class Meta:
        indexes = (models.Index(fields=("seen_at",), name="practices_session_by_seen"),)

    def __str__(self) -> str:
        return str(self.pk)


class SetUpLink(PracticeRow):
    """A one-time link by which a staff member chooses a password. Only the token's hash is stored."""

    staff = models.ForeignKey(StaffMember, models.PROTECT, related_name="set_up_links")
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=clock.now)
    used_at = models.DateTimeField(null=True)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (*PracticeRow.Meta.constraints, SamePractice("staff", name="practices_setuplink_staff"))

    def __str__(self) -> str:
        return str(self.pk)

    def has_expired(self, at: datetime) -> bool:
        return at >= self.created_at + SET_UP_LINK_TTL

    @property
    def expires_at(self) -> datetime:
        return self.created_at + SET_UP_LINK_TTL


class KeptPost(PracticeRow):
    """A form that was posted after its session had ended, kept for its sender alone. The contents are encrypted."""

    ref = RefField()
    staff = models.ForeignKey(StaffMember, models.PROTECT, related_name="kept_posts")
    path = models.TextField()
    contents = models.BinaryField()
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (*PracticeRow.Meta.constraints, SamePractice("staff", name="practices_keptpost_staff"))
        indexes = (models.Index(fields=("created_at",), name="practices_kept_by_created"),)

    def __str__(self) -> str:
        return self.ref
