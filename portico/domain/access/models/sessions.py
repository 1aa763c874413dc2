"""Portal sessions, and the browsers that a mailbox has signed in with before."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q

from portico.domain.access.eligibility import Purpose
from portico.domain.access.models.accounts import PortalAccount
from portico.domain.clients.models import Client
from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RefField, RowQuerySet
from portico.plumbing.database.constraints import SamePractice

SESSIONS_PER_ACCOUNT = 5


class SignInMethod(models.TextChoices):
    """The method of a sign-in."""

    LINK = "link", "Link"
    CODE = "code", "Code"
    PIN = "pin", "PIN"


class PortalSessionQuerySet(RowQuerySet["PortalSession"]):
    def alive(self) -> "PortalSessionQuerySet":
        """Filters to sessions that have not ended, timed out or exceeded their maximum age, nor lie in the future."""
        return self.alive_between(**bounds_of_life())

    def alive_between(self, *, seen_after: object, created_after: object, latest: object) -> "PortalSessionQuerySet":
        """Filters as `alive`, by times from `bounds_of_life` or parameters for them."""
        return self.filter(
            seen_at__gt=seen_after,
            seen_at__lte=latest,
            created_at__gt=created_after,
            created_at__lte=latest,
            ended_at=None,
        )


def bounds_of_life() -> dict[str, datetime]:
    """Returns the times between which a session that is alive now was started and last seen."""
    now = clock.now()
    return {
        "seen_after": now - timedelta(seconds=settings.SESSION_IDLE_CLIENT),
        "created_after": now - timedelta(seconds=settings.SESSION_MAX_CLIENT),
        "latest": now + clock.SKEW,
    }


class PortalSession(PracticeRow):
    """A session of a mailbox in one browser. Only the hash of the cookie's key is stored."""

    ref = RefField()
    account = models.ForeignKey(PortalAccount, models.PROTECT, related_name="sessions")
    key_hash = models.CharField(max_length=64, unique=True)
    epoch = models.PositiveBigIntegerField()
    # Epoch of the link, code or PIN that started the session: it does not open clients that were revoked later.
    proof_epoch = models.PositiveBigIntegerField(default=0)
    method = models.CharField(max_length=4, choices=SignInMethod.choices, default=SignInMethod.LINK)
    # The one client that a session started by PIN shows; a session started by mail shows all clients of the mailbox.
    only_client = models.ForeignKey(Client, models.PROTECT, null=True, related_name="+")
    # The client that is currently shown, when the mailbox serves several.
    client = models.ForeignKey(Client, models.PROTECT, null=True, related_name="+")
    browser = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    seen_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=100, blank=True)
    # A person or a restore ended it from elsewhere, which also ends the change of address that it asked for. Signing
    # out does not: the client may be about to open the link of that change.
    revoked_at = models.DateTimeField(null=True)

    objects = PortalSessionQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("account", name="access_portalsession_account"),
            SamePractice("client", name="access_portalsession_client"),
            SamePractice("only_client", name="access_portalsession_only_client"),
            models.CheckConstraint(
                condition=Q(method=SignInMethod.PIN, only_client__isnull=False)
                | (~Q(method=SignInMethod.PIN) & Q(only_client__isnull=True)),
                name="access_portalsession_pin_shows_one",
            ),
        )
        indexes = (
            models.Index(fields=("account", "-id"), condition=Q(ended_at=None), name="access_open_sessions"),
            models.Index(fields=("seen_at",), condition=Q(ended_at=None), name="access_sessions_by_seen"),
            models.Index(fields=("created_at",), condition=Q(ended_at=None), name="access_sessions_by_created"),
        )

    def __str__(self) -> str:
        return self.ref

    @property
    def purpose(self) -> Purpose:
        """Returns the purpose whose eligibility steps decide which clients the session opens."""
        return Purpose.SIGN_IN_BY_PIN if self.method == SignInMethod.PIN else Purpose.SIGN_IN_BY_MAIL


class KnownBrowser(PracticeRow):
    """A browser in which a mailbox has signed in. Its cookie identifies no person and grants no access."""

    account = models.ForeignKey(PortalAccount, models.PROTECT, related_name="known_browsers")
    # Hash of the cookie and the account together, so that one browser cannot be matched across mailboxes.
    browser_hash = models.CharField(max_length=64)
    seen_at = models.DateTimeField(default=clock.now)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("account", name="access_knownbrowser_account"),
            models.UniqueConstraint(fields=("account", "browser_hash"), name="access_knownbrowser_once_an_account"),
        )
        indexes = (models.Index(fields=("seen_at",), name="access_browsers_by_seen"),)

    def __str__(self) -> str:
        return str(self.pk)
