"""Models of staff members, their sessions, set-up links, password resets and saved forms."""

from datetime import datetime, timedelta
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portico.plumbing import clock
from portico.plumbing.actors import Actor, ActorKind
from portico.plumbing.database.base_models import PracticeRow, RefField, Row, RowQuerySet
from portico.plumbing.database.constraints import SamePractice
from portico.plumbing.form_recovery import SavedFormRow
from portico.plumbing.models import OutgoingEmail

SET_UP_LINK_TTL = timedelta(hours=72)
RESET_LINK_TTL = timedelta(hours=1)


class Role(models.TextChoices):
    """The role of a staff member; docs/security.md has the matrix of permissions."""

    OWNER = "owner", _("Owner")
    CLINICIAN = "clinician", _("Clinician")
    FRONT_DESK = "front_desk", _("Front desk")
    BILLER = "biller", _("Biller")


# May edit clients, their addresses and their access, and help them. Billers have read access.
CLIENT_EDITORS = (Role.OWNER, Role.CLINICIAN, Role.FRONT_DESK)


class StaffMemberQuerySet(RowQuerySet["StaffMember"]):
    def active(self) -> "StaffMemberQuerySet":
        return self.filter(deactivated_at=None)

    def get_by_natural_key(self, email: str) -> "StaffMember":
        return self.get(email__iexact=email)


class StaffMember(AbstractBaseUser, PracticeRow):
    """A member of a practice's staff. An email address belongs to one staff member in the whole installation."""

    ref = RefField()
    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=100)
    role = models.CharField(max_length=20, choices=Role.choices)
    deactivated_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    last_signed_in_at = models.DateTimeField(null=True, blank=True)
    # The time step of the last used authenticator code: each code is accepted once (RFC 6238, section 5.2).
    authenticator_step = models.PositiveBigIntegerField(default=0)
    version = models.PositiveIntegerField(default=1)

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
        # AbstractBaseUser declares a plain attribute; here it is derived from a time.
        raise AttributeError("Set deactivated_at.")

    @property
    def may_sign_in(self) -> bool:
        """True if the account is active and the practice is not suspended."""
        return self.is_active and not self.practice.is_suspended

    @property
    def actor(self) -> Actor:
        return Actor(ActorKind.STAFF, self.name, staff_id=self.pk)

    @property
    def is_owner(self) -> bool:
        return self.role == Role.OWNER


class StaffSession(Row):
    """A session of the office. The key in the cookie is stored only as a hash."""

    ref = RefField()
    key_hash = models.CharField(max_length=64, unique=True)
    browser = models.CharField(max_length=100, blank=True)
    staff = models.ForeignKey(StaffMember, models.CASCADE, null=True, related_name="sessions")
    contents = models.BinaryField()
    created_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    objects = RowQuerySet.as_manager()

    class Meta:
        indexes = (models.Index(fields=("seen_at",), name="practices_session_by_seen"),)

    def __str__(self) -> str:
        return str(self.pk)


class SetUpPurpose(models.TextChoices):
    """The purpose of a set-up link: the first password, or a forgotten one."""

    BEGIN = "begin", "To begin"
    RESET = "reset", "It was forgotten"


class SetUpLinkQuerySet(RowQuerySet["SetUpLink"]):
    def unspent(self) -> "SetUpLinkQuerySet":
        return self.filter(used_at=None)


class SetUpLink(PracticeRow):
    """A one-time link with which a staff member chooses a password. Only the token's hash is stored.

    Its lifetime begins when its mail is handed over; without a mail (`create-practice` prints it) at its creation.
    """

    purpose = models.CharField(max_length=5, choices=SetUpPurpose.choices, default=SetUpPurpose.BEGIN)
    staff = models.ForeignKey(StaffMember, models.PROTECT, related_name="set_up_links")
    email = models.OneToOneField(OutgoingEmail, models.PROTECT, null=True, related_name="set_up_link")
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=clock.now)
    # Set also when a newer link or the staff member's deactivation ended it.
    used_at = models.DateTimeField(null=True)

    objects = SetUpLinkQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("staff", name="practices_setuplink_staff"),
            SamePractice("email", name="practices_setuplink_email"),
        )

    def __str__(self) -> str:
        return str(self.pk)

    def has_expired(self, at: datetime) -> bool:
        """Returns True if the lifetime is over, or not begun: such a link was created while the clock was ahead."""
        return not clock.is_within(self.began_at, self.lifetime, at=at)

    @property
    def began_at(self) -> datetime:
        handed_over_at = self.email.handing_over_at if self.email is not None else None
        return handed_over_at or self.created_at

    @property
    def expires_at(self) -> datetime:
        return self.began_at + self.lifetime

    @property
    def lifetime(self) -> timedelta:
        return RESET_LINK_TTL if self.purpose == SetUpPurpose.RESET else SET_UP_LINK_TTL


class PasswordResetRequest(Row):
    """An address entered under "Forgot your password?", known or not; the worker deletes the row when it is processed.

    It belongs to no practice: the office's sign-in page does not ask for one.
    """

    address = models.CharField(max_length=254)
    # The rate limit of the address was exceeded at the time of the request.
    is_beyond_limit = models.BooleanField(default=False)
    written_at = models.DateTimeField(default=clock.now, editable=False)

    objects = RowQuerySet.as_manager()

    def __str__(self) -> str:
        return str(self.pk)


class StaffSavedForm(SavedFormRow):
    """A form that was posted after its session had ended, for the same staff member only."""

    KIND = "kept-post"

    staff = models.ForeignKey(StaffMember, models.PROTECT, related_name="saved_forms")

    objects = RowQuerySet.as_manager()

    class Meta(SavedFormRow.Meta):
        constraints = (*SavedFormRow.Meta.constraints, SamePractice("staff", name="practices_staffsavedform_staff"))
        indexes = (models.Index(fields=("created_at",), name="practices_savedform_by_created"),)
