"""Portal accounts, and the grants that let each see clients."""

from datetime import date
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from portico.domain.access import eligibility
from portico.domain.access.eligibility import Purpose
from portico.domain.clients.models import Client, Contact, EmailAddress, Language, Relationship, RelationshipKind
from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RefField, RowQuerySet
from portico.plumbing.database.constraints import SamePractice
from portico.plumbing.database.mailbox_parts import MailboxHead, MailboxName, MailboxTail
from portico.plumbing.models import Restoration

if TYPE_CHECKING:
    _OneToOneField = models.OneToOneField[Client | None, Client | None]
else:
    _OneToOneField = models.OneToOneField


class PortalAccount(PracticeRow):
    """One mailbox at one practice, which signs in to the portal, or a client without an email address.

    `mailbox_key` of the latter is the client number, with the ref of the relationship for a contact: such an account is
    opened by PIN only.
    `epoch` orders changes and credentials without a clock: each change to an access takes the next epoch, and each
    link, code, PIN and session records the epoch at which it was made.
    """

    ref = RefField()
    mailbox_key = models.CharField(max_length=320)
    epoch = models.PositiveBigIntegerField(default=1)
    # The language last chosen in the portal; if empty, the client's language is used.
    language = models.CharField(max_length=5, choices=Language.choices, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            models.UniqueConstraint(fields=("practice", "mailbox_key"), name="access_portalaccount_one_a_mailbox"),
        )
        # For `near_misses`; with the key itself, so that SQLite reads nothing but the index.
        indexes = (
            models.Index(F("practice"), MailboxName("mailbox_key"), F("mailbox_key"), name="access_mailbox_name"),
            models.Index(F("practice"), MailboxHead("mailbox_key"), F("mailbox_key"), name="access_mailbox_head"),
            models.Index(F("practice"), MailboxTail("mailbox_key"), F("mailbox_key"), name="access_mailbox_tail"),
        )

    def __str__(self) -> str:
        return self.ref

    @property
    def email(self) -> str:
        """The mailbox; empty if the account is that of a client without an email address."""
        return self.mailbox_key if "@" in self.mailbox_key else ""


class PortalAccessQuerySet(RowQuerySet["PortalAccess"]):
    def eligible(self, purpose: Purpose) -> "PortalAccessQuerySet":
        """Filters to the rows for which every step of the purpose holds."""
        return self.filter(eligibility.condition(purpose))

    def opened_by(self, purpose: Purpose, epoch: object, *, proof_epoch: object = None) -> "PortalAccessQuerySet":
        """Filters to the rows that a link, PIN or session of that epoch opens; see `eligibility.epoch_condition`."""
        return self.eligible(purpose).filter(eligibility.epoch_condition(purpose, epoch, proof_epoch=proof_epoch))

    def with_restoration(self) -> "PortalAccessQuerySet":
        """Annotates what `is_practice_reconciled` needs."""
        missing = Restoration.objects.unreconciled().filter(practice=OuterRef("practice"))
        return self.annotate(reconciled=~Exists(missing))


class OwnClientField(_OneToOneField):
    """The client of their own access. Where it is loaded, `client` is the same object, and needs no query."""

    def set_cached_value(self, instance: models.Model, value: models.Model | None) -> None:
        super().set_cached_value(instance, value)
        if value is not None:
            instance._state.fields_cache["client"] = value


def name_of_contact(name: str, kind: str) -> str:
    """Returns "Bruno Berg (guardian)"."""
    return f"{name} ({str(RelationshipKind(kind).label).lower()})"


class PortalAccess(PracticeRow):
    """The grant that lets a mailbox see one client, with its options; on or off.

    A client has at most one access of their own, which sets `own_client`, and one for each relationship. While an
    access is on, no other one of the same client belongs to the same account: the two together name it.
    `changed_epoch` is the account's epoch at the last change of access, address or archiving; `ended_epoch` its epoch
    at the last revocation; `consent_epoch` its epoch when consent was last withdrawn, which PINs ignore.
    """

    client = models.ForeignKey(Client, models.PROTECT, related_name="accesses")
    # Exactly one of the two is set.
    own_client = OwnClientField(Client, models.PROTECT, null=True, related_name="portal_access")
    relationship = models.OneToOneField(Relationship, models.PROTECT, null=True, related_name="access")
    account = models.ForeignKey(PortalAccount, models.PROTECT, null=True, related_name="accesses")
    address = models.ForeignKey(EmailAddress, models.PROTECT, null=True, related_name="+")
    enabled_at = models.DateTimeField(null=True)
    enabled_by = models.CharField(max_length=100, blank=True)
    changed_epoch = models.PositiveBigIntegerField(default=0)
    ended_epoch = models.PositiveBigIntegerField(default=0)
    consent_epoch = models.PositiveBigIntegerField(default=0)
    access_billing_documents = models.BooleanField(default=True)
    pay_by_card = models.BooleanField(default=False)
    signs_documents = models.BooleanField(default=True)
    # These describe the current address; a change of address resets them.
    invited_at = models.DateTimeField(null=True)
    pin_given_at = models.DateTimeField(null=True)
    first_signed_in_at = models.DateTimeField(null=True)
    last_signed_in_at = models.DateTimeField(null=True)
    mail_stopped_at = models.DateTimeField(null=True)
    mail_stopped_reason = models.CharField(max_length=300, blank=True)
    # True if an earlier address was used to sign in: the banner then mentions the new one.
    had_signed_in_before = models.BooleanField(default=False)
    # Draft of the invitation.
    draft_subject = models.CharField(max_length=150, blank=True)
    draft_message = models.TextField(max_length=5000, blank=True)
    version = models.PositiveIntegerField(default=1)

    objects = PortalAccessQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("client", name="access_portalaccess_client"),
            SamePractice("own_client", name="access_portalaccess_own_client"),
            SamePractice("relationship", name="access_portalaccess_relationship"),
            SamePractice("account", name="access_portalaccess_account"),
            SamePractice("address", name="access_portalaccess_address"),
            models.CheckConstraint(
                condition=Q(account__isnull=False) | Q(address__isnull=True),
                name="access_portalaccess_account_with_address",
            ),
            models.CheckConstraint(
                condition=Q(own_client__isnull=False, own_client=F("client"), relationship=None)
                | Q(own_client=None, relationship__isnull=False),
                name="access_portalaccess_own_or_relationship",
            ),
            models.UniqueConstraint(
                fields=("account", "client"),
                condition=Q(enabled_at__isnull=False),
                name="access_portalaccess_one_a_mailbox",
            ),
        )

    def __str__(self) -> str:
        return str(self.pk)

    @classmethod
    def of(cls, client: Client, **values: object) -> "PortalAccess":
        """Returns an unsaved access of the client's own, which is off."""
        return cls(client=client, own_client=client, **values)

    @property
    def is_own(self) -> bool:
        """Returns True for the client's own access, False for that of a contact."""
        return self.relationship_id is None

    @property
    def holder(self) -> "Client | Contact":
        """The person who signs in: the client, or the contact. Requires the row with client and relationship."""
        return self.client if self.relationship is None else self.relationship.contact

    @property
    def called(self) -> str:
        """The first name of the person who signs in."""
        return self.client.called if self.relationship is None else self.relationship.contact.first_name

    def greeted_as(self, day: date) -> str:
        """Returns the name with which a mail greets its reader on that day of the practice; empty for no name."""
        return self.client.greeted_as(day) if self.relationship is None else self.called

    @property
    def holder_language(self) -> str:
        return self.holder.language

    def holder_name(self) -> str:
        """Returns "Ana Abreu" for the client's own access, "Bruno Berg (guardian)" for that of a contact."""
        if self.relationship is None:
            return self.client.name
        return name_of_contact(self.relationship.contact.name, self.relationship.kind)

    @property
    def is_on(self) -> bool:
        return self.enabled_at is not None

    @property
    def was_used(self) -> bool:
        """Returns True if the person has signed in, with this address or an earlier one."""
        return self.had_signed_in_before or self.first_signed_in_at is not None

    @property
    def is_practice_reconciled(self) -> bool:
        """Returns False if the practice was restored and events are missing still. Needs `with_restoration`."""
        return bool(self.__dict__["reconciled"])

    @property
    def sees_bills(self) -> bool:
        """Returns True if the client sees bills in the portal. Requires the row with its client and address."""
        return eligibility.is_eligible(self, Purpose.BILLS)

    @property
    def sees_documents(self) -> bool:
        """Returns True if the client fills in and signs documents in the portal. Requires the row as `sees_bills`."""
        return eligibility.is_eligible(self, Purpose.DOCUMENTS)
