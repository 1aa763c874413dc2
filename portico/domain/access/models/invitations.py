"""Invitations: mails that tell clients that portal access is on."""

from django.db import models

from portico.domain.access.models.accounts import PortalAccess, PortalAccount
from portico.domain.clients.models import Client, EmailAddress
from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RefField, RowQuerySet
from portico.plumbing.database.constraints import SamePractice
from portico.plumbing.models import OutgoingEmail


class Invitation(PracticeRow):
    """An invitation mail that staff sent to a client or a contact.

    `form_key` is unique: a form submitted twice sends one mail.
    """

    ref = RefField()
    client = models.ForeignKey(Client, models.PROTECT, related_name="invitations")
    access = models.ForeignKey(PortalAccess, models.PROTECT, related_name="invitations")
    account = models.ForeignKey(PortalAccount, models.PROTECT, related_name="+")
    address = models.ForeignKey(EmailAddress, models.PROTECT, related_name="+")
    email = models.OneToOneField(OutgoingEmail, models.PROTECT, related_name="invitation")
    form_key = models.CharField(max_length=43)
    sent_by = models.CharField(max_length=100)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("client", name="access_invitation_client"),
            SamePractice("access", name="access_invitation_access"),
            SamePractice("account", name="access_invitation_account"),
            SamePractice("address", name="access_invitation_address"),
            SamePractice("email", name="access_invitation_email"),
            models.UniqueConstraint(fields=("client", "form_key"), name="access_invitation_one_per_form_key"),
        )

    def __str__(self) -> str:
        return self.ref
