"""Models of documents: templates and versions, packets and requests, submissions and reviews."""

from portico.domain.documents.models.reminders import DocumentReminder
from portico.domain.documents.models.requests import (
    COMPLETE_STATES,
    OPEN_STATES,
    DocumentRequest,
    DocumentRequestQuerySet,
    Packet,
    RequestState,
    ResponseDraft,
)
from portico.domain.documents.models.runs import DocumentRun, DocumentRunVersion, Recipients
from portico.domain.documents.models.submissions import Countersignature, Submission, SubmissionReview
from portico.domain.documents.models.templates import DocumentTemplate, TemplateKind, TemplateVersion
from portico.domain.documents.models.uploads import TemplateFile, Upload

__all__ = [
    "COMPLETE_STATES",
    "OPEN_STATES",
    "Countersignature",
    "DocumentReminder",
    "DocumentRequest",
    "DocumentRequestQuerySet",
    "DocumentRun",
    "DocumentRunVersion",
    "DocumentTemplate",
    "Packet",
    "Recipients",
    "RequestState",
    "ResponseDraft",
    "Submission",
    "SubmissionReview",
    "TemplateFile",
    "TemplateKind",
    "TemplateVersion",
    "Upload",
]
