"""Email addresses with consent, and phone numbers."""

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portico.domain.clients.models.clients import Client
from portico.domain.clients.models.contacts import Contact
from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RefField, RowQuerySet
from portico.plumbing.database.constraints import SamePractice

_HAS_ONE_OWNER = Q(client__isnull=False, contact=None) | Q(client=None, contact__isnull=False)


class AddressKind(models.TextChoices):
    HOME = "home", _("Home")
    WORK = "work", _("Work")
    OTHER = "other", _("Other")


class EmailAddressQuerySet(RowQuerySet["EmailAddress"]):
    def open(self) -> "EmailAddressQuerySet":
        """Returns addresses in use; a changed or removed address is closed and kept."""
        return self.filter(closed_at=None)


class EmailAddress(PracticeRow):
    """An address of a client or a contact, with its own consent.

    Never edited: a change closes the row and opens a new one.

    `email_ok_at` and `email_ok_by` are set while there is consent. When it is withdrawn they are cleared and
    `email_ok_withdrawn_at` is set; the full history is in the audit log.
    """

    ref = RefField()
    # Its owner: a client or a contact.
    client = models.ForeignKey(Client, models.PROTECT, null=True, related_name="email_addresses")
    contact = models.ForeignKey(Contact, models.PROTECT, null=True, related_name="email_addresses")
    address = models.CharField(max_length=254)
    # The form in which addresses are compared: mailboxes.mailbox_key.
    mailbox_key = models.CharField(max_length=320)
    kind = models.CharField(max_length=10, choices=AddressKind.choices, default=AddressKind.HOME)
    email_ok_at = models.DateTimeField(null=True)
    email_ok_by = models.CharField(max_length=100, blank=True)
    email_ok_withdrawn_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    closed_at = models.DateTimeField(null=True)

    objects = EmailAddressQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("client", name="clients_emailaddress_client"),
            SamePractice("contact", name="clients_emailaddress_contact"),
            models.UniqueConstraint(
                fields=("client", "mailbox_key"), condition=Q(closed_at=None), name="clients_emailaddress_once_a_client"
            ),
            models.UniqueConstraint(
                fields=("contact", "mailbox_key"),
                condition=Q(closed_at=None),
                name="clients_emailaddress_once_a_contact",
            ),
            models.CheckConstraint(condition=_HAS_ONE_OWNER, name="clients_emailaddress_one_owner"),
        )
        indexes = (models.Index(fields=("practice", "mailbox_key"), name="clients_by_mailbox"),)

    def __str__(self) -> str:
        return self.ref

    @property
    def owner(self) -> Client | Contact:
        """The client or contact whose address it is."""
        owner = self.client or self.contact
        if owner is None:
            raise AssertionError("An address has an owner.")
        return owner

    @property
    def email_ok(self) -> bool:
        return self.email_ok_at is not None

    def record_consent(self, *, by: str, at: datetime) -> None:
        self.email_ok_at, self.email_ok_by, self.email_ok_withdrawn_at = at, by, None

    def withdraw_consent(self, *, at: datetime) -> None:
        self.email_ok_at, self.email_ok_by, self.email_ok_withdrawn_at = None, "", at


class PhoneKind(models.TextChoices):
    MOBILE = "mobile", _("Mobile")
    HOME = "home", _("Home")
    WORK = "work", _("Work")


class PhoneNumber(PracticeRow):
    """A phone number of a client or a contact, in E.164."""

    # Its owner: a client or a contact.
    client = models.ForeignKey(Client, models.PROTECT, null=True, related_name="phone_numbers")
    contact = models.ForeignKey(Contact, models.PROTECT, null=True, related_name="phone_numbers")
    number = models.CharField(max_length=16)
    kind = models.CharField(max_length=10, choices=PhoneKind.choices, default=PhoneKind.MOBILE)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("client", name="clients_phonenumber_client"),
            SamePractice("contact", name="clients_phonenumber_contact"),
            models.UniqueConstraint(fields=("client", "number"), name="clients_phonenumber_once_a_client"),
            models.UniqueConstraint(fields=("contact", "number"), name="clients_phonenumber_once_a_contact"),
            models.CheckConstraint(condition=_HAS_ONE_OWNER, name="clients_phonenumber_one_owner"),
        )
        indexes = (models.Index(fields=("practice", "number"), name="clients_by_phone"),)

    def __str__(self) -> str:
        return str(self.pk)
