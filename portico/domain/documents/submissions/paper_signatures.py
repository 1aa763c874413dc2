"""Consents signed on paper: staff record who signed and when, with a scan if they have one."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from portico.domain.access import access_locks
from portico.domain.access.models import PortalAccess
from portico.domain.audit_actions import AuditAction
from portico.domain.documents.completion import request_states, uploads
from portico.domain.documents.forms import canonical_json
from portico.domain.documents.models import (
    DocumentRequest,
    Packet,
    RequestState,
    Submission,
    TemplateKind,
    TemplateVersion,
    Upload,
)
from portico.domain.documents.refusals import (
    DocumentCompleted,
    DocumentDeclined,
    DocumentWithdrawn,
    NotSignedOnPaper,
    PaperOutOfDate,
    PaperRecorded,
    StillOpen,
)
from portico.domain.documents.sharing import packet_sharing
from portico.domain.documents.templates.template_files import UploadedFile
from portico.domain.documents.templates.version_content import language_for
from portico.domain.practices.models import Practice
from portico.plumbing import clock, form_keys
from portico.plumbing.actors import Actor
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.files import file_content, inspection
from portico.plumbing.files.inspection import FileRejected
from portico.plumbing.models import StoredFile
from portico.plumbing.text import time_formatting

FORM_KIND = "paper_signature"
_WITHDRAWN = gettext_lazy(
    "This document was withdrawn. To record the paper, use “Signed on paper” above the list of documents."
)
_DECLINED = gettext_lazy(
    "This document was declined. To record the paper, use “Signed on paper” above the list of documents."
)


@dataclass(frozen=True)
class PaperSignature:
    """The facts on a signed paper. `language` is that of its text; `witness` is empty if it names none."""

    signed_on: date
    signer_name: str
    relationship: str
    witness: str
    language: str


def record(request: DocumentRequest, paper: PaperSignature, *, scan: UploadedFile | None, by: Actor) -> Submission:
    """Completes an open request for a consent; a second call with the same paper returns the first submission.

    Must be called outside any transaction, since the scan is stored in several. Raises NotSignedOnPaper, FileRejected
    with the field `scan`, DocumentCompleted if it was signed in the portal, PaperRecorded if another paper was
    recorded, DocumentDeclined, DocumentWithdrawn, and PaperOutOfDate if `request` has an earlier version.
    """
    _refuse_unless_consent(request.version)
    return _with_scan(request.practice, scan, lambda file: _complete(request, paper, file, by=by))


def record_unshared(
    access: PortalAccess,
    version: TemplateVersion,
    paper: PaperSignature,
    *,
    scan: UploadedFile | None,
    form_key: str,
    by: Actor,
) -> Submission:
    """Records a consent that was never shared with the person, who may be without access to the portal.

    A second call with the same `form_key` and paper returns the first submission. Must be called outside any
    transaction. Raises NotSignedOnPaper, StillOpen, FormSentBefore, ClientConflict, and FileRejected with the field
    `scan`.
    """
    _refuse_unless_consent(version)

    def store(file: StoredFile | None) -> Submission:
        return _complete_unshared(access, version, paper, file, form_key=form_key, by=by)

    return _with_scan(access.client.practice, scan, store)


def _refuse_unless_consent(version: TemplateVersion) -> None:
    if version.template.kind != TemplateKind.CONSENT:
        raise NotSignedOnPaper


def _with_scan(
    practice: Practice, scan: UploadedFile | None, store: Callable[[StoredFile | None], Submission]
) -> Submission:
    """Receives the scan and calls `store` with it; discards a scan that was not stored with a submission."""
    if scan is None:
        return store(None)
    try:
        facts = inspection.inspect(scan.content)
    except FileRejected as rejected:
        rejected.field = "scan"
        raise
    needs_virus_check = bool(settings.CLAMD_URL)
    file = file_content.receive(practice, scan.content, facts, name=scan.name, needs_virus_check=needs_virus_check)
    try:
        return store(file)
    finally:
        if not Upload.objects.filter(file=file).exists():
            file_content.discard(file)


@retry_on_deadlock
def _complete(request: DocumentRequest, paper: PaperSignature, file: StoredFile | None, *, by: Actor) -> Submission:
    with transaction.atomic():
        row = request_states.lock(request)
        if row.is_complete:
            first = Submission.objects.get(request=row)
            if not first.is_on_paper:
                raise DocumentCompleted
            if not _is_of(first, paper, file):
                raise PaperRecorded(first.signer_name, first.recorded_by)
            return first
        if row.state == RequestState.WITHDRAWN:
            raise DocumentWithdrawn(_WITHDRAWN)
        if row.state == RequestState.DECLINED:
            raise DocumentDeclined(_DECLINED)
        if row.version_id != request.version_id:
            raise PaperOutOfDate
        return _store(row, paper, file, at=clock.now(), by=by)


@retry_on_deadlock
def _complete_unshared(
    access: PortalAccess,
    version: TemplateVersion,
    paper: PaperSignature,
    file: StoredFile | None,
    *,
    form_key: str,
    by: Actor,
) -> Submission:
    person = access.relationship.pk if access.relationship is not None else 0
    content = (person, version.pk, paper, file.sha256 if file is not None else "")
    with access_locks.lock_access(access.client, access.relationship) as (client, locked):
        rows = Packet.objects.filter(client=client)
        if earlier := form_keys.find_result(rows, form_key, content, kind=FORM_KIND, describe=_summary):
            return Submission.objects.get(request__packet=earlier)
        packet_sharing.save_first(locked)
        if DocumentRequest.objects.open().filter(access=locked, version__template=version.template_id).exists():
            raise StillOpen(locked.holder_name())
        packet = packet_sharing.create(locked, [version], email=None, form_key=form_key, by=by)
        form_keys.store(packet, form_key, content, kind=FORM_KIND)
        row = request_states.lock(packet.requests.get())
        # Equal to the time of sending, which says that it was never shared.
        return _store(row, paper, file, at=row.sent_at, by=by)


def _is_of(submission: Submission, paper: PaperSignature, file: StoredFile | None) -> bool:
    """Returns True if the submission has the facts of the paper and its scan."""
    names = ("signed_on", "signer_name", "relationship", "witness")
    scans = {file.sha256} if file is not None else set()
    return (
        all(getattr(submission, name) == getattr(paper, name) for name in names)
        and submission.language == language_for(submission.request.version, paper.language)
        and uploads.digests_in(submission.answers) == scans
    )


def _summary(packet: Packet) -> str:
    """Returns what a form with the key of the packet did, in a few words."""
    recorded = Submission.objects.filter(request__packet=packet).first()
    if recorded is None or recorded.signed_on is None:
        return _("documents were shared")
    day = time_formatting.full_day(recorded.signed_on, get_language())
    return _("a paper signed by %(name)s on %(day)s") % {"name": recorded.signer_name, "day": day}


def _store(
    row: DocumentRequest, paper: PaperSignature, file: StoredFile | None, *, at: datetime, by: Actor
) -> Submission:
    if file is not None:
        file_content.complete(file)
        Upload.objects.create(practice_id=row.practice_id, request=row, client=row.client, file=file)
    answers = uploads.answers_of(row) if file is not None else []
    submission = Submission.objects.create(
        practice_id=row.practice_id,
        request=row,
        client_name=row.client.name,
        language=language_for(row.version, paper.language),
        answers=answers,
        document_digest=row.version.digest,
        answers_digest=canonical_json.digest(answers),
        signer_name=paper.signer_name,
        relationship=paper.relationship,
        signed_on=paper.signed_on,
        recorded_by=by.name[:100],
        witness=paper.witness,
        submitted_at=at,
    )
    row.state, row.completed_at, row.language = RequestState.COMPLETED, at, submission.language
    row.save(update_fields=["state", "completed_at", "language"])
    request_states.record(
        AuditAction.DOCUMENT_SIGNED_ON_PAPER,
        row,
        by=by,
        submission=submission.ref,
        document_digest=submission.document_digest,
        answers_digest=submission.answers_digest,
        signed_on=paper.signed_on.isoformat(),
    )
    return submission
