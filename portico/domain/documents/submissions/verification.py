"""Recomputes what is stored about documents: digests, the audit log's copies of them, and states."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import F, Q, QuerySet

from portico.domain.audit_actions import AuditAction
from portico.domain.documents.completion import uploads
from portico.domain.documents.forms import canonical_json
from portico.domain.documents.models import (
    COMPLETE_STATES,
    DocumentRequest,
    ResponseDraft,
    Submission,
    TemplateKind,
    TemplateVersion,
    Upload,
)
from portico.domain.documents.refusals import DigestOfSeveral
from portico.domain.practices.models import Practice
from portico.plumbing.files import file_content
from portico.plumbing.models import AuditEntry, FileState, StoredFile

_DIGEST_LENGTH = 64
# The entries that hold the digests of a submission.
COMPLETIONS = (AuditAction.DOCUMENT_SIGNED, AuditAction.DOCUMENT_SUBMITTED, AuditAction.DOCUMENT_SIGNED_ON_PAPER)


@dataclass(frozen=True)
class Discrepancy:
    """A row that is not as it was stored: its ref, and what is wrong, for the operator."""

    ref: str
    reason: str

    def __str__(self) -> str:
        return f"{self.ref}: {self.reason}"


def problems() -> Iterator[Discrepancy]:
    """Yields every problem of every practice. Reads the rows in a stream."""
    yield from _of_versions()
    yield from _of_submissions()
    yield from _of_states()
    yield from _of_files()


def check(submission: Submission) -> list[Discrepancy]:
    """Returns what is wrong with one submission, given with its request and version; an empty list if nothing is."""
    return list(_of_submission(submission, _recorded(submission)))


def find_submission(practice: Practice, text: str) -> Submission | None:
    """Returns the submission that a person names by its document number or by a digest; None if there is none.

    Raises DigestOfSeveral, with the field `number`: a text that several people signed has one digest.
    """
    # Copied from a PDF, a digest has line breaks and invisible places to break it.
    typed = "".join(each for each in text if each.isascii() and each.isalnum()).lower()
    if not typed or len(typed) > _DIGEST_LENGTH:
        return None
    named = Q(ref=typed)
    if len(typed) == _DIGEST_LENGTH:
        named = Q(document_digest=typed) | Q(answers_digest=typed)
    found = _with_version(Submission.objects.filter(named, practice=practice))[:2]
    if len(found) > 1:
        raise DigestOfSeveral(field="number")
    return found[0] if found else None


def _with_version(submissions: "QuerySet[Submission]") -> "QuerySet[Submission]":
    return submissions.select_related("request__version__template", "request__client", "request__practice")


def _of_versions() -> Iterator[Discrepancy]:
    for version in TemplateVersion.objects.order_by("id").iterator():
        if canonical_json.digest(version.content) != version.digest:
            yield Discrepancy(version.ref, "the content of the version does not match its digest")


def _of_submissions() -> Iterator[Discrepancy]:
    for submission in _with_version(Submission.objects.order_by("id")).iterator():
        yield from _of_submission(submission, _recorded(submission))


def _of_submission(submission: Submission, recorded: AuditEntry | None) -> Iterator[Discrepancy]:
    version = submission.request.version
    if canonical_json.digest(submission.answers) != submission.answers_digest:
        yield Discrepancy(submission.ref, "the answers do not match their digest")
    if canonical_json.digest(version.content) != submission.document_digest:
        yield Discrepancy(submission.ref, "the document is not the one that was completed")
    if version.template.kind == TemplateKind.CONSENT and not submission.signer_name:
        yield Discrepancy(submission.ref, "the consent has no signature")
    if stated := uploads.digests_in(submission.answers):
        files = Upload.objects.filter(request=submission.request_id).values_list("file__sha256", flat=True)
        if not stated <= set(files):
            yield Discrepancy(submission.ref, "a file is not the one that was sent")
    if recorded is None:
        yield Discrepancy(submission.ref, "the audit log has no entry about it")
    elif any(recorded.details.get(name) != getattr(submission, name) for name in ("document_digest", "answers_digest")):
        yield Discrepancy(submission.ref, "the audit log has other digests")


def _recorded(submission: Submission) -> AuditEntry | None:
    """Returns the entry of the submission, which is about its request."""
    return AuditEntry.objects.filter(
        practice=submission.practice_id,
        client=submission.request.client_id,
        action__in=COMPLETIONS,
        about=submission.request.ref,
    ).first()


def _of_states() -> Iterator[Discrepancy]:
    requests = DocumentRequest.objects.order_by("id")
    for ref in requests.complete().filter(submission=None).values_list("ref", flat=True):
        yield Discrepancy(ref, "the request is completed without a submission")
    for ref in requests.exclude(state__in=COMPLETE_STATES).exclude(submission=None).values_list("ref", flat=True):
        yield Discrepancy(ref, "the request has a submission and is not completed")
    for ref in requests.complete().exclude(completed_at=F("submission__submitted_at")).values_list("ref", flat=True):
        yield Discrepancy(ref, "the time of completion is not that of the submission")
    drafts = ResponseDraft.objects.exclude(request__in=DocumentRequest.objects.open())
    for ref in drafts.values_list("request__ref", flat=True):
        yield Discrepancy(ref, "a draft is left of a request that is not open")


def _of_files() -> Iterator[Discrepancy]:
    for file in StoredFile.objects.filter(state=FileState.COMPLETE).order_by("id").iterator():
        if not file_content.is_intact(file):
            yield Discrepancy(file.ref, "the content of the file does not match its digest")
