"""PINs that staff read out to a client by phone when mail fails."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q

from portico.domain.access.eligibility import Purpose
from portico.domain.access.models.accounts import PortalAccess, PortalAccount
from portico.domain.clients.models import Client
from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RefField, RowQuerySet
from portico.plumbing.database.constraints import SamePractice

ATTEMPTS_PER_PIN = 5


def pin_lifetime() -> timedelta:
    return timedelta(seconds=settings.PIN_TTL)


class PinQuerySet(RowQuerySet["Pin"]):
    def usable(self) -> "PinQuerySet":
        """Filters to PINs that are unspent, not expired, within their attempts, and still open their client.

        Evaluated after the attempt was counted, so the fifth attempt still succeeds. Uses only own columns and
        `Exists`, for the reason given at `SignInLinkQuerySet._handed_over_within`.
        """
        accesses = PortalAccess.objects.filter(client_id=OuterRef("client_id"), account_id=OuterRef("account_id"))
        opens = accesses.opened_by(Purpose.SIGN_IN_BY_PIN, OuterRef("epoch"))
        return self.unspent().filter(Exists(opens), attempts__lte=ATTEMPTS_PER_PIN)

    def unspent(self) -> "PinQuerySet":
        return self.filter(clock.within("created_at", pin_lifetime()), used_at=None, voided_at=None)


class Pin(PracticeRow):
    """A single-use PIN of eight digits for one client. Only a keyed digest is stored; shown once, to its maker."""

    ref = RefField()
    client = models.ForeignKey(Client, models.PROTECT, related_name="pins")
    account = models.ForeignKey(PortalAccount, models.PROTECT, related_name="pins")
    pin_hash = models.CharField(max_length=64)
    # The form's random key: a form that is submitted twice makes one PIN.
    form_key = models.CharField(max_length=43)
    epoch = models.PositiveBigIntegerField()
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    created_by = models.CharField(max_length=100)
    used_at = models.DateTimeField(null=True)
    voided_at = models.DateTimeField(null=True)

    objects = PinQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("client", name="access_pin_client"),
            SamePractice("account", name="access_pin_account"),
            models.UniqueConstraint(fields=("client", "form_key"), name="access_pin_one_per_form_key"),
            models.CheckConstraint(condition=Q(attempts__lte=ATTEMPTS_PER_PIN), name="access_pin_attempts"),
        )
        indexes = (
            models.Index(fields=("account", "-id"), condition=Q(used_at=None, voided_at=None), name="access_live_pins"),
            models.Index(fields=("client", "-id"), name="access_pins_of_client"),
            models.Index(
                fields=("created_at",), condition=Q(used_at=None, voided_at=None), name="access_live_pins_by_created"
            ),
        )

    def __str__(self) -> str:
        return self.ref

    @property
    def works_until(self) -> datetime:
        return self.created_at + pin_lifetime()
