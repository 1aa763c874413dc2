"""Mailboxes that sign in, what each may see, and the rows by which they get in."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q

from portico.domain.clients.models import Client, EmailAddress, Status
from portico.plumbing import clock
from portico.plumbing.constraints import SamePractice
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.rows import PracticeRow, RefField, RowQuerySet

LIVE_LINKS = 3
SESSIONS_PER_ACCOUNT = 5


def link_lifetime() -> timedelta:
    return timedelta(seconds=settings.SIGNIN_LINK_TTL)


class PortalAccount(PracticeRow):
    """One mailbox at one practice: the one who signs in.

    `counter` orders facts and proofs without a clock: each change of a fact takes its next number, each link
    and session notes the number it was made at.
    """

    ref = RefField()
    mailbox_key = models.CharField(max_length=320)
    counter = models.PositiveBigIntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            models.UniqueConstraint(fields=("practice", "mailbox_key"), name="access_portalaccount_one_a_mailbox"),
        )

    def __str__(self) -> str:
        return self.ref


class PortalAccessQuerySet(RowQuerySet["PortalAccess"]):
    def chain_holds(self) -> "PortalAccessQuerySet":
        """Access on, an address chosen and open, the client not archived."""
        return self.filter(enabled_at__isnull=False, address__closed_at=None, address__isnull=False).exclude(
            client__status=Status.ARCHIVED
        )

    def mailable(self) -> "PortalAccessQuerySet":
        """The chain holds and the chosen address has `Email ok`."""
        return self.chain_holds().filter(address__email_ok_at__isnull=False)

    def opened_by_mail(self, number: object) -> "PortalAccessQuerySet":
        """What a link, or a session begun by one, opens when it carries this number of its account."""
        return self.mailable().filter(changed_number__lte=number, consent_number__lte=number)


class PortalAccess(PracticeRow):
    """The grant that lets a mailbox see one client, with its options. A client has one row, on or off.

    `changed_number` is the account's number of the last change of access, address or archiving;
    `consent_number` that of the last withdrawn consent, which a PIN would ignore.
    """

    client = models.OneToOneField(Client, models.PROTECT, related_name="portal_access")
    account = models.ForeignKey(PortalAccount, models.PROTECT, null=True, related_name="accesses")
    address = models.ForeignKey(EmailAddress, models.PROTECT, null=True, related_name="+")
    enabled_at = models.DateTimeField(null=True)
    enabled_by = models.CharField(max_length=100, blank=True)
    changed_number = models.PositiveBigIntegerField(default=0)
    consent_number = models.PositiveBigIntegerField(default=0)
    access_billing_documents = models.BooleanField(default=True)
    pay_by_card = models.BooleanField(default=False)
    # Facts about the present address; a change of address begins them anew.
    invited_at = models.DateTimeField(null=True)
    first_signed_in_at = models.DateTimeField(null=True)
    last_signed_in_at = models.DateTimeField(null=True)
    mail_stopped_at = models.DateTimeField(null=True)
    mail_stopped_reason = models.CharField(max_length=300, blank=True)
    # Whether somebody had signed in with an earlier address: the banner then speaks of the new one.
    had_signed_in_before = models.BooleanField(default=False)
    # The invitation as typed and not yet sent.
    draft_subject = models.CharField(max_length=150, blank=True)
    draft_message = models.TextField(max_length=5000, blank=True)
    version = models.PositiveIntegerField(default=1)

    objects = PortalAccessQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("client", name="access_portalaccess_client"),
            SamePractice("account", name="access_portalaccess_account"),
            SamePractice("address", name="access_portalaccess_address"),
            models.CheckConstraint(
                condition=Q(account__isnull=True, address__isnull=True)
                | Q(account__isnull=False, address__isnull=False),
                name="access_portalaccess_account_with_address",
            ),
        )

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def is_on(self) -> bool:
        return self.enabled_at is not None


class Invitation(PracticeRow):
    """A mail by which staff told a client that access is on; `press` makes a double press one mail."""

    ref = RefField()
    client = models.ForeignKey(Client, models.PROTECT, related_name="invitations")
    account = models.ForeignKey(PortalAccount, models.PROTECT, related_name="+")
    address = models.ForeignKey(EmailAddress, models.PROTECT, related_name="+")
    email = models.OneToOneField(OutgoingEmail, models.PROTECT, related_name="invitation")
    press = models.CharField(max_length=43)
    sent_by = models.CharField(max_length=100)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("client", name="access_invitation_client"),
            SamePractice("account", name="access_invitation_account"),
            SamePractice("address", name="access_invitation_address"),
            SamePractice("email", name="access_invitation_email"),
            models.UniqueConstraint(fields=("client", "press"), name="access_invitation_one_a_press"),
        )

    def __str__(self) -> str:
        return self.ref


class SignInLinkQuerySet(RowQuerySet["SignInLink"]):
    def unspent(self) -> "SignInLinkQuerySet":
        return self.filter(used_at=None, voided_at=None)

    def usable(self) -> "SignInLinkQuerySet":
        """Unspent, in time, and still opening at least one client.

        Only the row's own columns and `Exists`: a filter across a join would become `id IN (SELECT …)`, which
        PostgreSQL does not look at again after waiting for the row.
        """
        handed_over = OutgoingEmail.objects.filter(
            pk=OuterRef("email_id"), handing_over_at__gt=clock.now() - link_lifetime()
        )
        opens = PortalAccess.objects.filter(account_id=OuterRef("account_id")).opened_by_mail(OuterRef("number"))
        return self.unspent().filter(Exists(handed_over), Exists(opens))


class SignInLink(PracticeRow):
    """A mailed link that signs a mailbox in, once. The token itself is only ever in the mail.

    Its time runs from its mail's first hand-over (`OutgoingEmail.handing_over_at`).
    """

    account = models.ForeignKey(PortalAccount, models.PROTECT, related_name="links")
    email = models.OneToOneField(OutgoingEmail, models.PROTECT, related_name="sign_in_link")
    address = models.ForeignKey(EmailAddress, models.PROTECT, related_name="+")
    is_invitation = models.BooleanField(default=False)
    token_hash = models.CharField(max_length=64, unique=True)
    number = models.PositiveBigIntegerField()
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


class PortalSessionQuerySet(RowQuerySet["PortalSession"]):
    def alive(self) -> "PortalSessionQuerySet":
        """Neither ended nor left idle nor older than the longest a session may last."""
        now = clock.now()
        return self.filter(
            ended_at=None,
            seen_at__gt=now - timedelta(seconds=settings.SESSION_IDLE_CLIENT),
            created_at__gt=now - timedelta(seconds=settings.SESSION_MAX_CLIENT),
        )


class PortalSession(PracticeRow):
    """A browser in which a mailbox is signed in. The key in the cookie is stored only as its hash."""

    ref = RefField()
    account = models.ForeignKey(PortalAccount, models.PROTECT, related_name="sessions")
    key_hash = models.CharField(max_length=64, unique=True)
    number = models.PositiveBigIntegerField()
    # Whom the person is looking at, when the mailbox serves several.
    client = models.ForeignKey(Client, models.PROTECT, null=True, related_name="+")
    browser = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    seen_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=100, blank=True)

    objects = PortalSessionQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("account", name="access_portalsession_account"),
            SamePractice("client", name="access_portalsession_client"),
        )
        indexes = (
            models.Index(fields=("account", "-id"), condition=Q(ended_at=None), name="access_open_sessions"),
            models.Index(fields=("seen_at",), condition=Q(ended_at=None), name="access_sessions_by_seen"),
        )

    def __str__(self) -> str:
        return self.ref
