"""Completed documents, their reviews and countersignatures. None of these rows ever changes."""

from django.db import models
from django.db.models import Q

from portico.domain.access.models import PortalAccount, SignInMethod
from portico.domain.clients.models import Language
from portico.domain.documents.models.requests import DocumentRequest
from portico.domain.practices.models import StaffMember
from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RefField, RowQuerySet
from portico.plumbing.database.constraints import AppendOnly, SamePractice


class Submission(PracticeRow):
    """A completed document: the answers, and the evidence of the signature.

    `answers` is the item list of a FHIR R4 QuestionnaireResponse; it is empty for a consent. `document_digest` is the
    digest of the version, `answers_digest` the SHA-256 of the canonical JSON of `answers`, both in hex.
    `signer_name` is empty for what needs no signature. `method`, `mailbox` (masked) and `network_address` describe the
    session; they are empty for a document signed on paper, which has its date and the staff member who recorded it. Its
    `answers` name the scan, if there is one, as those of a request for a file do.
    """

    ref = RefField()
    request = models.OneToOneField(DocumentRequest, models.PROTECT, related_name="submission")
    # The client's name at that time.
    client_name = models.CharField(max_length=250, blank=True)
    language = models.CharField(max_length=5, choices=Language.choices)
    answers = models.JSONField(default=list)
    document_digest = models.CharField(max_length=64)
    answers_digest = models.CharField(max_length=64)
    signer_name = models.CharField(max_length=100, blank=True)
    relationship = models.CharField(max_length=100, blank=True)
    # The sentence beside the signature, as it was shown.
    statement = models.TextField(max_length=1000, blank=True)
    account = models.ForeignKey(PortalAccount, models.PROTECT, null=True, related_name="+")
    method = models.CharField(max_length=10, choices=SignInMethod.choices, blank=True)
    mailbox = models.CharField(max_length=320, blank=True)
    network_address = models.GenericIPAddressField(null=True)
    # The date on the paper; null for what was completed in the portal.
    signed_on = models.DateField(null=True)
    recorded_by = models.CharField(max_length=100, blank=True)
    witness = models.CharField(max_length=100, blank=True)
    submitted_at = models.DateTimeField(default=clock.now, editable=False)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("request", name="documents_submission_request"),
            SamePractice("account", name="documents_submission_account"),
            models.CheckConstraint(
                condition=Q(account__isnull=False, signed_on=None, recorded_by="", witness="")
                | Q(account=None, method="", mailbox="", network_address=None, signed_on__isnull=False)
                & ~Q(recorded_by="")
                & ~Q(signer_name=""),
                name="documents_submission_online_or_on_paper",
            ),
            AppendOnly(name="documents_submission_append_only"),
        )

    def __str__(self) -> str:
        return self.ref

    @property
    def is_on_paper(self) -> bool:
        return self.signed_on is not None


class SubmissionReview(PracticeRow):
    """A staff member's review of a submission, with their note."""

    submission = models.OneToOneField(Submission, models.PROTECT, related_name="review")
    reviewed_by = models.ForeignKey(StaffMember, models.PROTECT, related_name="+")
    note = models.TextField(max_length=1000, blank=True)
    reviewed_at = models.DateTimeField(default=clock.now, editable=False)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("submission", name="documents_submissionreview_submission"),
            SamePractice("reviewed_by", name="documents_submissionreview_reviewed_by"),
            AppendOnly(name="documents_submissionreview_append_only"),
        )

    def __str__(self) -> str:
        return str(self.pk)


class Countersignature(PracticeRow):
    """A staff member's signature under a submission."""

    submission = models.OneToOneField(Submission, models.PROTECT, related_name="countersignature")
    signed_by = models.ForeignKey(StaffMember, models.PROTECT, related_name="+")
    name = models.CharField(max_length=100)
    signed_at = models.DateTimeField(default=clock.now, editable=False)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("submission", name="documents_countersignature_submission"),
            SamePractice("signed_by", name="documents_countersignature_signed_by"),
            AppendOnly(name="documents_countersignature_append_only"),
        )

    def __str__(self) -> str:
        return str(self.pk)
