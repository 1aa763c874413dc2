"""Mailboxes that sign in, and what each may see."""

from django.db import models
from django.db.models import Q

from portico.domain.access import eligibility
from portico.domain.access.eligibility import Purpose
from portico.domain.clients.models import Client, EmailAddress, Language
from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RefField, RowQuerySet
from portico.plumbing.database.constraints import SamePractice


class PortalAccount(PracticeRow):
    """One mailbox at one practice: the one who signs in.

    `epoch` orders facts and credentials without a clock: each change of a fact takes the next epoch, and each link,
    code, PIN and session records the epoch at which it was made.
    """

    ref = RefField()
    mailbox_key = models.CharField(max_length=320)
    epoch = models.PositiveBigIntegerField(default=1)
    # The language last chosen in the portal; without one, each client's own.
    language = models.CharField(max_length=5, choices=Language.choices, blank=True)
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
    def eligible(self, purpose: Purpose) -> "PortalAccessQuerySet":
        """Those for which every step of the purpose holds."""
        return self.filter(eligibility.condition(purpose))

    def opened(self, purpose: Purpose, epoch: object, *, proof_epoch: object = None) -> "PortalAccessQuerySet":
        """What a link, PIN or session of that epoch opens now; `eligibility.epoch_condition` explains the epochs."""
        return self.eligible(purpose).filter(eligibility.epoch_condition(purpose, epoch, proof_epoch=proof_epoch))


class PortalAccess(PracticeRow):
    """The grant that lets a mailbox see one client, with its options. A client has one row, on or off.

    `changed_epoch` is the account's epoch at the last change of access, address or archiving; `ended_epoch` that
    of the last one which took something away; `consent_epoch` that of the last withdrawn consent, which PINs ignore.
    """

    client = models.OneToOneField(Client, models.PROTECT, related_name="portal_access")
    account = models.ForeignKey(PortalAccount, models.PROTECT, null=True, related_name="accesses")
    address = models.ForeignKey(EmailAddress, models.PROTECT, null=True, related_name="+")
    enabled_at = models.DateTimeField(null=True)
    enabled_by = models.CharField(max_length=100, blank=True)
    changed_epoch = models.PositiveBigIntegerField(default=0)
    ended_epoch = models.PositiveBigIntegerField(default=0)
    consent_epoch = models.PositiveBigIntegerField(default=0)
    access_billing_documents = models.BooleanField(default=True)
    pay_by_card = models.BooleanField(default=False)
    # Facts about the present address; a change of address begins them anew.
    invited_at = models.DateTimeField(null=True)
    pin_given_at = models.DateTimeField(null=True)
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

    @property
    def sees_bills(self) -> bool:
        """Whether the client is shown bills in the portal. Wants the row with its client and address."""
        return eligibility.is_eligible(self, Purpose.BILLS)
