"""Invitation runs: invitations to many clients at once, which the worker sends one after the other."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portico.domain.access.models.invitations import Invitation
from portico.domain.clients.models import Client
from portico.domain.practices.models import StaffMember
from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RefField, RowQuerySet
from portico.plumbing.database.constraints import SamePractice


class RunKind(models.TextChoices):
    """The recipients of a run: clients who were never invited, or those who were and have not signed in."""

    INVITE = "invite", _("Invite")
    RESEND = "resend", _("Resend")


class ItemState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    INVITED = "invited", _("Invited")
    LEFT_OUT = "left_out", _("Left out")
    STOPPED = "stopped", _("Stopped")


class LeftOutReason(models.TextChoices):
    """Why a run sends no invitation to a client."""

    ARCHIVED = "archived", _("Archived")
    ACCESS_OFF = "access_off", _("Client Portal Access is off")
    NO_ADDRESS = "no_address", _("No email address is chosen")
    SEVERAL_ADDRESSES = "several_addresses", _("Several email addresses could be used. Choose one in Client Portal")
    NO_EMAIL_OK = "no_email_ok", _("No Email ok")
    NO_GUARDIAN = "no_guardian", _("Under age, and no guardian is a contact")
    MAIL_STOPPED = "mail_stopped", _("We stopped emailing this address")
    SIGNED_IN = "signed_in", _("Already signed in")
    ALREADY_INVITED = "already_invited", _("Already invited")
    NOT_INVITED = "not_invited", _("Not invited yet")
    STILL_WAITING = "still_waiting", _("The last invitation has not been sent yet")
    JUST_INVITED = "just_invited", _("Invited less than an hour ago")
    # An error while this invitation was written; the log names it.
    ERROR = "error", _("Something went wrong. Open the client and send the invitation there")


class InvitationRunQuerySet(RowQuerySet["InvitationRun"]):
    def unfinished(self) -> "InvitationRunQuerySet":
        return self.filter(ended_at=None)

    def in_progress(self) -> "InvitationRunQuerySet":
        """Excludes paused runs, and those of suspended practices."""
        return self.unfinished().filter(paused_at=None, practice__suspended_at=None)


class InvitationRun(PracticeRow):
    """Sends the practice's default invitation to the clients of its items.

    `form_key` is unique: a form submitted twice starts one run. A run ends when no item waits any more.
    """

    ref = RefField()
    kind = models.CharField(max_length=10, choices=RunKind.choices)
    requested_by = models.ForeignKey(StaffMember, models.PROTECT, related_name="+")
    form_key = models.CharField(max_length=43)
    # The number of clients who were to be invited when the run was started.
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
    """A client of a run. The state is changed in the transaction that writes the invitation."""

    run = models.ForeignKey(
        InvitationRun,
        models.PROTECT,
        related_name="items",
        db_index=False,  # The unique constraint below begins with it.
    )
    client = models.ForeignKey(Client, models.PROTECT, related_name="+")
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
            models.UniqueConstraint(fields=("run", "client"), name="access_invitationrunitem_once_a_run"),
            models.CheckConstraint(
                condition=Q(state=ItemState.INVITED, invitation__isnull=False, reason="")
                | Q(state=ItemState.LEFT_OUT, invitation__isnull=True, reason__in=LeftOutReason.values)
                | Q(state__in=(ItemState.WAITING, ItemState.STOPPED), invitation__isnull=True, reason=""),
                name="access_invitationrunitem_state_fits",
            ),
        )
        indexes = (models.Index(fields=("run", "state", "id"), name="access_run_items_by_state"),)

    def __str__(self) -> str:
        return str(self.pk)
