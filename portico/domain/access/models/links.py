"""Sign-in requests, and the links and codes that are mailed."""

from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q

from portico.domain.access.eligibility import Purpose
from portico.domain.access.models.accounts import PortalAccess, PortalAccount
from portico.domain.clients.models import EmailAddress
from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RefField, RowQuerySet
from portico.plumbing.database.constraints import SamePractice
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.queue.leases import QueuedRow

MAX_LIVE_LINKS = 3
CODE_LIFETIME = timedelta(minutes=15)
ATTEMPTS_PER_CODE = 5


def link_lifetime() -> timedelta:
    return timedelta(seconds=settings.SIGNIN_LINK_TTL)


class RequestOutcome(models.TextChoices):
    """The outcome of a sign-in request; never shown to the person who made it."""

    WAITING = "waiting", "Waiting"
    MAILED = "mailed", "Mailed"
    UNKNOWN = "unknown", "No client's address"
    NOT_ALLOWED = "not_allowed", "Access off, no Email ok, or archived"
    BEYOND_LIMIT = "beyond_limit", "Too many asks for this address"
    BEYOND_CAP = "beyond_cap", "Too many sign-in mails in the practice"
    # Waited longer than its link would have worked, or was parked when a backup was restored.
    TOO_LATE = "too_late", "Too late"


class SignInRequestQuerySet(RowQuerySet["SignInRequest"]):
    def waiting(self) -> "SignInRequestQuerySet":
        return self.filter(answered_at=None)


class SignInRequest(QueuedRow):
    """A request for a sign-in mail. Every request gets a row, known address or not; the worker looks the address up.

    Deleted after a month. `browser_hash` is the hash of the requesting browser's cookie, `network` a keyed digest of
    the network it came from: both are only compared.
    """

    LONGEST_WAIT: ClassVar[timedelta] = timedelta(minutes=5)

    ref = RefField()
    address = models.CharField(max_length=254)
    mailbox_key = models.CharField(max_length=320)
    # False if the request came from a page that already knew the address: then it is only shown masked.
    is_typed = models.BooleanField(default=True)
    browser_hash = models.CharField(max_length=64)
    network = models.CharField(max_length=32)
    # Path in the portal to redirect to after signing in.
    goes_to = models.CharField(max_length=300, blank=True)
    # True if the rate limit of the address was used up when the request was made.
    is_beyond_limit = models.BooleanField(default=False)
    written_at = models.DateTimeField(default=clock.now, editable=False)
    answered_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=12, choices=RequestOutcome.choices, default=RequestOutcome.WAITING)

    objects = SignInRequestQuerySet.as_manager()

    class Meta(QueuedRow.Meta):
        constraints = (
            *QueuedRow.Meta.constraints,
            models.CheckConstraint(
                condition=Q(answered_at__isnull=True, outcome=RequestOutcome.WAITING)
                | (
                    Q(answered_at__isnull=False, outcome__in=RequestOutcome.values) & ~Q(outcome=RequestOutcome.WAITING)
                ),
                name="access_signinask_waits_or_answered",
            ),
        )
        indexes = (
            models.Index(fields=("id",), condition=Q(answered_at=None), name="access_waiting_requests"),
            models.Index(fields=("browser_hash", "-id"), name="access_asks_of_browser"),
            models.Index(fields=("practice", "written_at"), name="access_asks_by_time"),
            models.Index(fields=("written_at",), name="access_asks_by_written"),
        )

    def __str__(self) -> str:
        return self.ref


class SignInLinkQuerySet(RowQuerySet["SignInLink"]):
    def unspent(self) -> "SignInLinkQuerySet":
        return self.filter(used_at=None, voided_at=None)

    def usable(self) -> "SignInLinkQuerySet":
        """Filters to links that are unspent, not expired, and still open at least one client."""
        return self._handed_over_within(link_lifetime())

    def with_usable_code(self) -> "SignInLinkQuerySet":
        """Filters as `usable`, with the shorter lifetime of the code in the same mail. Callers count the attempts."""
        return self.exclude(code_hash="")._handed_over_within(CODE_LIFETIME)

    def with_usability(self) -> "SignInLinkQuerySet":
        """Annotates what `is_usable` needs."""
        return self.annotate(usable_now=Exists(SignInLink.objects.usable().filter(pk=OuterRef("pk"))))

    def with_mailbox(self) -> "SignInLinkQuerySet":
        """Annotates what `opens_any_client` and `is_mail_stopped` need."""
        accesses = PortalAccess.objects.filter(account_id=OuterRef("account_id"))
        return self.annotate(
            opens=Exists(accesses.opened_by(Purpose.SIGN_IN_BY_MAIL, OuterRef("epoch"))),
            stopped=Exists(accesses.filter(enabled_at__isnull=False, mail_stopped_at__isnull=False)),
        )

    def _handed_over_within(self, lifetime: timedelta) -> "SignInLinkQuerySet":
        """Filters to unspent links handed over within the lifetime that still open a client.

        Uses only the row's own columns and `Exists`: an update with a filter across a join becomes `id IN (SELECT …)`,
        which PostgreSQL does not re-evaluate after waiting for the row lock.
        """
        in_time = clock.within("handing_over_at", lifetime)
        handed_over = OutgoingEmail.objects.filter(in_time, pk=OuterRef("email_id"))
        accesses = PortalAccess.objects.filter(account_id=OuterRef("account_id"))
        opens = accesses.opened_by(Purpose.SIGN_IN_BY_MAIL, OuterRef("epoch"))
        return self.unspent().filter(Exists(handed_over), Exists(opens))


class SignInLink(PracticeRow):
    """A mailed single-use sign-in link, and the code in the same mail. Only hashes of both are stored.

    Their lifetime starts with the mail's first hand-over (`OutgoingEmail.handing_over_at`). An invitation has no
    code, because a code works only in the browser that requested it.
    """

    account = models.ForeignKey(PortalAccount, models.PROTECT, related_name="links")
    email = models.OneToOneField(OutgoingEmail, models.PROTECT, related_name="sign_in_link")
    address = models.ForeignKey(EmailAddress, models.PROTECT, related_name="+")
    is_invitation = models.BooleanField(default=False)
    request = models.OneToOneField(SignInRequest, models.PROTECT, null=True, related_name="link")
    token_hash = models.CharField(max_length=64, unique=True)
    code_hash = models.CharField(max_length=64, blank=True)
    code_attempts = models.PositiveSmallIntegerField(default=0)
    epoch = models.PositiveBigIntegerField()
    created_at = models.DateTimeField(default=clock.now, editable=False)
    fetched_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)
    voided_at = models.DateTimeField(null=True)

    objects = SignInLinkQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("account", name="access_signinlink_account"),
            SamePractice("email", name="access_signinlink_email"),
            SamePractice("address", name="access_signinlink_address"),
            SamePractice("request", name="access_signinlink_request"),
            models.CheckConstraint(
                condition=Q(code_attempts__lte=ATTEMPTS_PER_CODE), name="access_signinlink_code_attempts"
            ),
        )
        indexes = (
            models.Index(
                fields=("account", "-id"),
                condition=Q(used_at=None, voided_at=None),
                name="access_unspent_links",
            ),
        )

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def goes_to(self) -> str:
        """Returns the path to open after signing in: the page requested, or the subject of the mail; empty is Home."""
        return self.request.goes_to if self.request is not None else str(self.email.content.get("goes_to", ""))

    @property
    def is_usable(self) -> bool:
        """Returns True if the link was `usable` when it was loaded. Requires the row from `with_usability`."""
        return bool(self.__dict__["usable_now"])

    @property
    def opens_any_client(self) -> bool:
        """Returns True if the link would open at least one client now. Requires the row from `with_mailbox`."""
        return bool(self.__dict__["opens"])

    @property
    def is_mail_stopped(self) -> bool:
        """Returns True if a mail to the mailbox was refused and none was accepted since. Requires `with_mailbox`."""
        return bool(self.__dict__["stopped"])
