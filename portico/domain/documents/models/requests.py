"""Documents shared with clients: packets, the requests in them, and drafts of answers."""

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portico.domain.access.models import PortalAccess
from portico.domain.clients.models import Client, Language
from portico.domain.documents.models.runs import DocumentRun
from portico.domain.documents.models.templates import TemplateVersion
from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RefField, RowQuerySet
from portico.plumbing.database.constraints import SamePractice
from portico.plumbing.models import OutgoingEmail


class Packet(PracticeRow):
    """The documents shared with one portal access at one time, with the mail that announced them.

    Documents shared with a client and a contact at once are two packets with the same `form_key`.
    """

    ref = RefField()
    client = models.ForeignKey(Client, models.PROTECT, related_name="+", db_index=False)
    access = models.ForeignKey(PortalAccess, models.PROTECT, related_name="packets", db_index=False)
    # Null if they were shared without a mail, or announced by an invitation that was not sent in the end.
    email = models.ForeignKey(OutgoingEmail, models.PROTECT, null=True, related_name="+")
    # The run that shared them with many people, if one did.
    document_run = models.ForeignKey(DocumentRun, models.PROTECT, null=True, related_name="packets", db_index=False)
    form_key = models.CharField(max_length=43)
    shared_by = models.CharField(max_length=100)
    shared_at = models.DateTimeField(default=clock.now, editable=False)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("client", name="documents_packet_client"),
            SamePractice("access", name="documents_packet_access"),
            SamePractice("email", name="documents_packet_email"),
            SamePractice("document_run", name="documents_packet_document_run"),
            models.UniqueConstraint(fields=("access", "form_key"), name="documents_packet_one_per_form_key"),
        )
        indexes = (
            models.Index(fields=("client", "-id"), name="documents_packets_newest"),
            models.Index(
                fields=("document_run", "id"),
                condition=Q(document_run__isnull=False),
                name="documents_packets_of_run",
            ),
            # For reminders.
            models.Index(fields=("shared_at",), name="documents_packets_by_time"),
        )

    def __str__(self) -> str:
        return self.ref


class RequestState(models.TextChoices):
    """The state of a request as staff see it. Each comes from a page of a signed-in client or from staff."""

    SENT = "sent", _("Sent")
    OPENED = "opened", _("Opened")
    STARTED = "started", _("Started")
    COMPLETED = "completed", _("Completed")
    REVIEWED = "reviewed", _("Reviewed")
    DECLINED = "declined", _("Declined")
    WITHDRAWN = "withdrawn", _("Withdrawn")


OPEN_STATES = (RequestState.SENT, RequestState.OPENED, RequestState.STARTED)
COMPLETE_STATES = (RequestState.COMPLETED, RequestState.REVIEWED)
UNANNOUNCED = Q(state=RequestState.COMPLETED, announced_at=None)


class DocumentRequestQuerySet(RowQuerySet["DocumentRequest"]):
    def open(self) -> "DocumentRequestQuerySet":
        """Filters to requests that the client has still to complete."""
        return self.filter(state__in=OPEN_STATES)

    def unannounced(self) -> "DocumentRequestQuerySet":
        """Filters to completed requests about which staff got no email, and which they have not reviewed."""
        return self.filter(UNANNOUNCED)

    def complete(self) -> "DocumentRequestQuerySet":
        return self.filter(state__in=COMPLETE_STATES)


class DocumentRequest(PracticeRow):
    """A version of a document that one portal access is asked to complete, with its state.

    Each state has its time. `opened_at` and `started_at` are set by pages of a signed-in client, never by a mail.
    """

    ref = RefField()
    packet = models.ForeignKey(
        Packet,
        models.PROTECT,
        related_name="requests",
        db_index=False,  # The unique constraint below begins with it.
    )
    client = models.ForeignKey(Client, models.PROTECT, related_name="document_requests", db_index=False)
    access = models.ForeignKey(PortalAccess, models.PROTECT, related_name="document_requests", db_index=False)
    version = models.ForeignKey(TemplateVersion, models.PROTECT, related_name="requests")
    # The time at which staff moved the open request to a later version; null if they never did.
    version_changed_at = models.DateTimeField(null=True)
    position = models.PositiveIntegerField(default=0)
    # The language in which the client reads and signs; empty until the request is opened.
    language = models.CharField(max_length=5, choices=Language.choices, blank=True)
    state = models.CharField(max_length=10, choices=RequestState.choices, default=RequestState.SENT)
    sent_at = models.DateTimeField(default=clock.now, editable=False)
    opened_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    # When staff were sent an email about the completion.
    announced_at = models.DateTimeField(null=True)
    reviewed_at = models.DateTimeField(null=True)
    declined_at = models.DateTimeField(null=True)
    decline_reason = models.CharField(max_length=500, blank=True)
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.CharField(max_length=100, blank=True)
    # The completed request that this one asks again.
    asks_again = models.ForeignKey("self", models.PROTECT, null=True, related_name="asked_again")

    objects = DocumentRequestQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("packet", name="documents_documentrequest_packet"),
            SamePractice("client", name="documents_documentrequest_client"),
            SamePractice("access", name="documents_documentrequest_access"),
            SamePractice("version", name="documents_documentrequest_version"),
            SamePractice("asks_again", name="documents_documentrequest_asks_again"),
            models.UniqueConstraint(
                fields=("packet", "version", "access"), name="documents_documentrequest_once_a_packet"
            ),
            models.CheckConstraint(
                condition=Q(state__in=OPEN_STATES, completed_at=None, reviewed_at=None, declined_at=None)
                & Q(withdrawn_at=None)
                | Q(state=RequestState.COMPLETED, completed_at__isnull=False, reviewed_at=None, withdrawn_at=None)
                | Q(
                    state=RequestState.REVIEWED,
                    completed_at__isnull=False,
                    reviewed_at__isnull=False,
                    withdrawn_at=None,
                )
                | Q(state=RequestState.DECLINED, declined_at__isnull=False, completed_at=None, withdrawn_at=None)
                | Q(state=RequestState.WITHDRAWN, withdrawn_at__isnull=False, completed_at=None),
                name="documents_documentrequest_state_fits",
            ),
        )
        indexes = (
            models.Index(fields=("access", "state", "position", "id"), name="documents_requests_of_access"),
            models.Index(fields=("client", "-id"), name="documents_requests_of_client"),
            models.Index(fields=("practice", "state", "id"), name="documents_requests_by_state"),
            models.Index(fields=("completed_at",), condition=UNANNOUNCED, name="documents_requests_unannounced"),
            models.Index(
                fields=("practice", "announced_at"),
                condition=Q(announced_at__isnull=False),
                name="documents_requests_announced",
            ),
        )

    def __str__(self) -> str:
        return self.ref

    @property
    def state_since(self) -> datetime:
        """The time of the newest state."""
        ended = self.withdrawn_at or self.declined_at or self.reviewed_at or self.completed_at
        return ended or self.started_at or self.opened_at or self.sent_at

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def is_complete(self) -> bool:
        return self.state in COMPLETE_STATES


class ResponseDraft(PracticeRow):
    """Answers that are saved and not submitted: an item list of a FHIR R4 QuestionnaireResponse, at most 250 kB.

    `number` is raised by each save. A signature that refers to an older one is refused; so is a save, if another page
    has changed the same answers since.
    """

    request = models.OneToOneField(DocumentRequest, models.PROTECT, related_name="draft")
    answers = models.JSONField(default=list)
    number = models.PositiveIntegerField(default=1)
    # The linkId of the question that was answered last.
    place = models.CharField(max_length=64, blank=True)
    saved_at = models.DateTimeField(default=clock.now, editable=False)
    # The key of the page that saved last, a dot, and its turn; see `drafts.OpenedPage`.
    saved_from = models.CharField(max_length=60, blank=True)
    # By linkId: the draft's number after the save that changed the answer last, and `saved_from` of that save.
    changes = models.JSONField(default=dict)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("request", name="documents_responsedraft_request"),
        )

    def __str__(self) -> str:
        return str(self.pk)
