"""Models of a practice, its logo and its default texts."""

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

# A slug is part of addresses that are read out on the phone: letters, digits and single dashes.
SLUG = RegexValidator(r"^[a-z0-9](?:-?[a-z0-9]){1,49}\Z", _("Use lowercase letters, digits and single hyphens."))


def refuse_unknown_zone(name: str) -> None:
    """Raises ValidationError unless the name is UTC or that of a place in the IANA time zone database."""
    if name not in time_zones.accepted():
        raise ValidationError(
            _("%(name)s is not a time zone. Enter a name such as America/New_York."), params={"name": name}
        )


class CardState(models.TextChoices):
    """Readiness for card payments, stored by `payment_readiness.update_state` so that pages need no extra query."""

    NOT_SET_UP = "", _("Not set up")
    NEEDS_ATTENTION = "trouble", _("Needs attention")
    TEST = "test", _("Test mode")
    LIVE = "live", _("Ready")


class HelpNotices(models.TextChoices):
    """The staff members to whom the practice sends an email about new help requests."""

    NOT_SENT = "not_sent", _("No one")
    OWNERS = "owners", _("Owners")
    CLIENT_EDITORS = "client_editors", _("Everyone who can edit clients: owners, clinicians and the front desk")


class DocumentNotices(models.TextChoices):
    """The staff members to whom the practice sends an email about documents that clients completed."""

    NOT_SENT = "not_sent", _("No one")
    CLINICIAN = "clinician", _("The client’s clinician, or owners if the client has none")
    OWNERS = "owners", _("Owners")
    CLIENT_EDITORS = "client_editors", _("Everyone who can review documents: owners, clinicians and the front desk")


class Practice(Row):
    """A practice; every row of the domain belongs to exactly one. Its slug never changes."""

    ref = RefField()
    slug = models.CharField(max_length=50, unique=True, validators=[SLUG])
    name = models.CharField(max_length=100)
    time_zone = models.CharField(max_length=50, default="UTC", validators=[refuse_unknown_zone])
    currency = models.CharField(max_length=3, default="USD")
    # When the first invoice or payment was saved: from then on the currency cannot change (`practice_currency`).
    currency_fixed_at = models.DateTimeField(null=True, blank=True, editable=False)
    country = models.CharField(max_length=2, default="US")
    # The age from which clients need no guardian.
    age_of_majority = models.PositiveSmallIntegerField(default=18)
    phone = models.CharField(max_length=20, blank=True)
    support_hours = models.CharField(max_length=150, blank=True)
    support_hours_es = models.CharField(max_length=150, blank=True)
    reply_to = models.CharField(max_length=254, blank=True)
    sender_name = models.CharField(max_length=100, blank=True)
    postal_address = models.CharField(max_length=300, blank=True)
    # Texts that clients read. Without a Spanish text, the English one is shown.
    greeting = models.CharField(max_length=300, blank=True)
    greeting_es = models.CharField(max_length=300, blank=True)
    emergency_text = models.CharField(max_length=500, blank=True)
    emergency_text_es = models.CharField(max_length=500, blank=True)
    # When clients are reminded of unpaid bills: days after the due date, negative for days before; empty for never.
    reminder_days = models.CharField(max_length=40, blank=True, default="-3,3,14,30")
    # When they are reminded of documents to complete: days after sharing; empty for never.
    document_reminder_days = models.CharField(max_length=40, blank=True, default="2,5")
    help_notices = models.CharField(max_length=20, choices=HelpNotices.choices, default=HelpNotices.OWNERS)
    document_notices = models.CharField(
        max_length=20, choices=DocumentNotices.choices, default=DocumentNotices.CLINICIAN
    )
    # The hue of the accent color, in degrees.
    hue = models.PositiveSmallIntegerField(default=218)
    # The digest of the logo's row, so that a page can link to the logo without a query; empty without a logo.
    logo_digest = models.CharField(max_length=64, blank=True)
    card_state = models.CharField(max_length=10, choices=CardState.choices, blank=True, editable=False)
    # Whether new clients may pay by card, once the practice takes cards.
    card_payment_by_default = models.BooleanField(default=True)
    # Incremented by every change in Settings, so that two owners cannot overwrite each other's changes unnoticed.
    version = models.PositiveIntegerField(default=1)
    # When an owner closed the list of what to set up; until then it is shown to owners while a step is left.
    set_up_closed_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Set by the operator: pages and mails stop, but payments are still settled.
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
        """True if key, account and charges are verified, in live or test mode."""
        return self.card_state in {CardState.TEST, CardState.LIVE}

    @property
    def new_clients_pay_by_card(self) -> bool:
        """True if the form of a new access starts with card payment ticked."""
        return self.takes_cards and self.card_payment_by_default

    def fix_currency(self) -> str:
        """Returns the currency, which cannot be changed from now on. Runs in the caller's transaction."""
        if self.currency_fixed_at is None:
            row = Practice.objects.locked().get(pk=self.pk)
            self.currency, self.currency_fixed_at = row.currency, row.currency_fixed_at or clock.now()
            Practice.objects.filter(pk=self.pk, currency_fixed_at=None).update(currency_fixed_at=self.currency_fixed_at)
        return self.currency

    @property
    def reminder_steps(self) -> list[int]:
        return [int(step) for step in self.reminder_days.split(",")] if self.reminder_days else []

    @property
    def document_reminder_steps(self) -> list[int]:
        return [int(step) for step in self.document_reminder_days.split(",")] if self.document_reminder_days else []

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def shown_sender(self) -> str:
        """The sender name of mails."""
        return self.sender_name or self.name

    @property
    def reply_address(self) -> str:
        """The address for replies to mails; empty if there is none that a header can contain."""
        try:
            return header_address(self.reply_to)
        except ValueError:
            return ""

    @property
    def shown_greeting(self) -> str:
        """The greeting in the active language."""
        return (self.greeting_es if get_language() == "es" else "") or self.greeting

    @property
    def shown_support_hours(self) -> str:
        return (self.support_hours_es if get_language() == "es" else "") or self.support_hours

    @property
    def shown_emergency_text(self) -> str:
        return (self.emergency_text_es if get_language() == "es" else "") or self.emergency_text

    @property
    def portal_path(self) -> str:
        return f"/portal/{self.slug}/"

    @property
    def portal_address(self) -> str:
        """The absolute URL that clients are given. It never changes."""
        return f"{settings.PUBLIC_BASE_URL}{self.portal_path}"


class Logo(PracticeRow):
    """A practice's logo, re-encoded, so that nothing else in the uploaded file is stored."""

    png = models.BinaryField()
    width = models.PositiveSmallIntegerField()
    height = models.PositiveSmallIntegerField()
    # The SHA-256 of the bytes. It is part of the image's address, so that browsers may cache it forever.
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
    """The practice's own text of one kind of mail in one language; without a row, Portico's text is used."""

    # The kind of mail, as in OutgoingEmail.
    kind = models.CharField(max_length=40, default="invitation")
    language = models.CharField(max_length=5)
    subject = models.CharField(max_length=150)
    message = models.TextField(max_length=5000)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            models.UniqueConstraint(
                fields=("practice", "kind", "language"), name="practices_defaulttext_one_a_kind_and_language"
            ),
        )

    def __str__(self) -> str:
        return str(self.pk)
