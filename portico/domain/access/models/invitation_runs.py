"""Runs: invitations, or documents, to many clients at once, which the worker sends one after the other."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portico.domain.access.models.invitations import Invitation
from portico.domain.clients.models import Client, Relationship
from portico.domain.practices.models import StaffMember
from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RefField, RowQuerySet
from portico.plumbing.database.constraints import SamePractice


class RunKind(models.TextChoices):
    """The job of a run: inviting clients for the first time, inviting again those not signed in, or sharing documents.

    The documents of SHARE are rows of a higher step, `DocumentRun`.
    """

    INVITE = "invite", _("Invite")
    RESEND = "resend", _("Resend")
    SHARE = "share", _("Share documents")


INVITING = (RunKind.INVITE, RunKind.RESEND)


class ItemState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    INVITED = "invited", _("Invited")
    SHARED = "shared", _("Shared")
    LEFT_OUT = "left_out", _("Left out")
    STOPPED = "stopped", _("Stopped")


class LeftOutReason(models.TextChoices):
    """The reason why a run sends nothing to a person."""

    ARCHIVED = "archived", _("Archived")
    ACCESS_OFF = "access_off", _("Client Portal Access is off")
    NO_ADDRESS = "no_address", _("No email address is chosen")
    SEVERAL_ADDRESSES = "several_addresses", _("Several email addresses could be used. Choose one in Client Portal")
    NO_EMAIL_OK = "no_email_ok", _("No Email ok")
    MAILBOX_TAKEN = (
        "mailbox_taken",
        _("A contact already opens this client’s portal with the address. Choose another one"),
    )
    NO_GUARDIAN = "no_guardian", _("Under age, and no guardian is a contact")
    MAIL_STOPPED = "mail_stopped", _("We stopped emailing this address")
    SIGNED_IN = "signed_in", _("Already signed in")
    ALREADY_INVITED = "already_invited", _("Already invited")
    NOT_INVITED = "not_invited", _("Not invited yet")
    STILL_WAITING = "still_waiting", _("The last invitation has not been sent yet")
    JUST_INVITED = "just_invited", _("Invited less than an hour ago")
    NO_RECIPIENT = "no_recipient", _("No contact may sign documents")
    NOT_SIGNING = "not_signing", _("“Sign documents” is off")
    STILL_OPEN = "still_open", _("Still has to complete these documents")
    COMPLETED = "completed", _("Has completed these documents")
    DOCUMENT_ARCHIVED = "document_archived", _("The documents were archived")
    # An error while this item was written; the log names it.
    ERROR = "error", _("Something went wrong. Open the client and send it there")


class InvitationRunQuerySet(RowQuerySet["InvitationRun"]):
    def unfinished(self) -> "InvitationRunQuerySet":
        return self.filter(ended_at=None)

    def in_progress(self) -> "InvitationRunQuerySet":
        """Excludes paused runs, and those of suspended practices."""
        return self.unfinished().filter(paused_at=None, practice__suspended_at=None)


class InvitationRun(PracticeRow):
    """Sends the practice's default invitation to the clients of its items, or shares documents with their people.

    `form_key` is unique: a form submitted twice starts one run. A run ends when no item waits any more.
    """

    ref = RefField()
    kind = models.CharField(max_length=10, choices=RunKind.choices)
    requested_by = models.ForeignKey(StaffMember, models.PROTECT, related_name="+")
    form_key = models.CharField(max_length=43)
    # The number of people who were to get something when the run was started.
    total = models.PositiveIntegerField()
    # With those who were left out.
    item_count = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    paused_at = models.DateTimeField(null=True)
    stopped_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = InvitationRunQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("requested_by", name="access_invitationrun_requested_by"),
            models.UniqueConstraint(fields=("practice", "form_key"), name="access_invitationrun_one_per_form_key"),
            models.CheckConstraint(condition=Q(kind__in=RunKind.values), name="access_invitationrun_known_kind"),
            models.CheckConstraint(
                condition=Q(stopped_at__isnull=True) | Q(ended_at__isnull=False),
                name="access_invitationrun_stopped_has_ended",
            ),
        )
        indexes = (
            models.Index(fields=("id",), condition=Q(ended_at=None), name="access_unfinished_runs"),
            models.Index(fields=("practice", "-id"), name="access_runs_newest"),
        )

    def __str__(self) -> str:
        return self.ref

    @property
    def is_over(self) -> bool:
        return self.ended_at is not None

    @property
    def is_paused(self) -> bool:
        return self.paused_at is not None and not self.is_over


class InvitationRunItemQuerySet(RowQuerySet["InvitationRunItem"]):
    def waiting(self) -> "InvitationRunItemQuerySet":
        return self.filter(state=ItemState.WAITING)


class InvitationRunItem(PracticeRow):
    """A client of a run, or with `relationship` a contact of theirs.

    The state is changed in the transaction that writes the invitation or shares the documents.
    """

    run = models.ForeignKey(
        InvitationRun,
        models.PROTECT,
        related_name="items",
        db_index=False,  # The index below begins with it.
    )
    client = models.ForeignKey(Client, models.PROTECT, related_name="+")
    relationship = models.ForeignKey(Relationship, models.PROTECT, null=True, related_name="+")
    state = models.CharField(max_length=10, choices=ItemState.choices, default=ItemState.WAITING)
    reason = models.CharField(max_length=20, choices=LeftOutReason.choices, blank=True)
    invitation = models.OneToOneField(Invitation, models.PROTECT, null=True, related_name="+")

    objects = InvitationRunItemQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("run", name="access_invitationrunitem_run"),
            SamePractice("client", name="access_invitationrunitem_client"),
            SamePractice("invitation", name="access_invitationrunitem_invitation"),
            SamePractice("relationship", name="access_invitationrunitem_relationship"),
            models.UniqueConstraint(
                fields=("run", "client"),
                condition=Q(relationship__isnull=True),
                name="access_invitationrunitem_client_once",
            ),
            models.UniqueConstraint(
                fields=("run", "relationship"),
                condition=Q(relationship__isnull=False),
                name="access_invitationrunitem_contact_once",
            ),
            models.CheckConstraint(
                condition=Q(state=ItemState.INVITED, invitation__isnull=False, reason="")
                | Q(state=ItemState.LEFT_OUT, invitation__isnull=True, reason__in=LeftOutReason.values)
                | Q(
                    state__in=(ItemState.WAITING, ItemState.SHARED, ItemState.STOPPED),
                    invitation__isnull=True,
                    reason="",
                ),
                name="access_invitationrunitem_state_fits",
            ),
        )
        indexes = (models.Index(fields=("run", "state", "id"), name="access_run_items_by_state"),)

    def __str__(self) -> str:
        return str(self.pk)
