"""The business, its logo and its own words."""

from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from portico.domain.practices import time_zones
from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RefField, Row, RowQuerySet
from portico.plumbing.text.mailboxes import header_address

# In an address a slug stands where it can be read out: letters, digits and single dashes.
SLUG = RegexValidator(r"^[a-z0-9](?:-?[a-z0-9]){1,49}\Z", _("Use lower-case letters, digits and single dashes."))


def refuse_unknown_zone(name: str) -> None:
    """Raises ValidationError unless the name is a place's in the IANA time zone database, or UTC."""
    if name not in time_zones.accepted():
        raise ValidationError(
            _("%(name)s is not a time zone. Use a name such as America/New_York."), params={"name": name}
        )


class CardState(models.TextChoices):
    """Whether clients can pay by card; kept by `online_payments.settle`, so that no page has to ask."""

    NOT_SET_UP = "", _("Not set up")
    TROUBLE = "trouble", _("Needs attention")
    TEST = "test", _("Test mode")
    LIVE = "live", _("Ready")


class Practice(Row):
    """The business; every other row belongs to exactly one. Its slug never changes."""

    ref = RefField()
    slug = models.CharField(max_length=50, unique=True, validators=[SLUG])
    name = models.CharField(max_length=100)
    time_zone = models.CharField(max_length=50, default="UTC", validators=[refuse_unknown_zone])
    currency = models.CharField(max_length=3, default="USD")
    # Since the first invoice or payment the currency stays what it is; written by `billing.currencies`.
    currency_fixed_at = models.DateTimeField(null=True, blank=True, editable=False)
    country = models.CharField(max_length=2, default="US")
    phone = models.CharField(max_length=20, blank=True)
    support_hours = models.CharField(max_length=150, blank=True)
    reply_to = models.CharField(max_length=254, blank=True)
    sender_name = models.CharField(max_length=100, blank=True)
    postal_address = models.CharField(max_length=300, blank=True)
    # What clients read, in the practice's own words; who reads Spanish gets the English where there is no Spanish.
    greeting = models.CharField(max_length=300, blank=True)
    greeting_es = models.CharField(max_length=300, blank=True)
    emergency_text = models.CharField(max_length=500, blank=True)
    emergency_text_es = models.CharField(max_length=500, blank=True)
    # The one number of the practice's accent, in degrees.
    hue = models.PositiveSmallIntegerField(default=218)
    # Of the logo's row, so that a page knows its address without asking for it; empty without a logo.
    logo_digest = models.CharField(max_length=64, blank=True)
    card_state = models.CharField(max_length=10, choices=CardState.choices, blank=True, editable=False)
    # Of everything in Settings: two owners never overwrite each other unseen.
    version = models.PositiveIntegerField(default=1)
    # Set by the operator: pages and mails stand still, money that is on its way does not.
    suspended_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = RowQuerySet.as_manager()

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(hue__lt=360), name="practices_practice_hue"),)

    def __str__(self) -> str:
        return self.slug

    @property
    def is_suspended(self) -> bool:
        return self.suspended_at is not None

    @property
    def takes_cards(self) -> bool:
        """Key, account and charges are verified; in test mode too."""
        return self.card_state in {CardState.TEST, CardState.LIVE}

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def shown_sender(self) -> str:
        """The name that mails come from."""
        return self.sender_name or self.name

    @property
    def reply_address(self) -> str:
        """Where answers to its mails go; empty when it has no address that a header can carry."""
        try:
            return header_address(self.reply_to)
        except ValueError:
            return ""

    @property
    def shown_greeting(self) -> str:
        """In the language of the page or mail that is being made."""
        return (self.greeting_es if get_language() == "es" else "") or self.greeting

    @property
    def shown_emergency_text(self) -> str:
        return (self.emergency_text_es if get_language() == "es" else "") or self.emergency_text

    @property
    def portal_path(self) -> str:
        return f"/portal/{self.slug}/"

    @property
    def portal_address(self) -> str:
        """The absolute address clients are given; always the same."""
        return f"{settings.PUBLIC_BASE_URL}{self.portal_path}"


class Logo(PracticeRow):
    """A practice's logo as a row: re-encoded by us, so that nothing of the file that was sent is kept."""

    png = models.BinaryField()
    width = models.PositiveSmallIntegerField()
    height = models.PositiveSmallIntegerField()
    # Of the bytes: names the picture in its address, so that browsers may keep it for good.
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            models.UniqueConstraint(fields=("practice",), name="practices_logo_one_a_practice"),
        )

    def __str__(self) -> str:
        return self.digest


class DefaultText(PracticeRow):
    """The practice's own text of an invitation in one language; without a row, Portico's own stands."""

    language = models.CharField(max_length=5)
    subject = models.CharField(max_length=150)
    message = models.TextField(max_length=5000)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            models.UniqueConstraint(fields=("practice", "language"), name="practices_defaulttext_one_a_language"),
        )

    def __str__(self) -> str:
        return str(self.pk)
