"""Consents signed on paper: staff record who signed and when, with a scan if they have one."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from portico.domain.access import access_grants
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
from portico.domain.documents.refusals import DocumentCompleted, NotSignedOnPaper, PaperOutOfDate, StillOpen
from portico.domain.documents.sharing import packets
from portico.domain.documents.templates.template_files import UploadedFile
from portico.domain.documents.templates.version_content import language_for
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.files import file_content, inspection
from portico.plumbing.files.inspection import FileRejected
from portico.plumbing.form_keys import FormSentBefore
from portico.plumbing.models import StoredFile


@dataclass(frozen=True)
class PaperSignature:
    """The facts on a signed paper. `language` is that of its text; `witness` is empty if it names none."""

    signed_on: date
    signer_name: str
    relationship: str
    witness: str
    language: str


def record(request: DocumentRequest, paper: PaperSignature, *, scan: UploadedFile | None, by: Actor) -> Submission:
    """Completes an open request for a consent; a second call returns the first submission.

    Must be called outside any transaction, since the scan is stored in several. Raises NotSignedOnPaper, FileRejected
    with the field `scan`, DocumentCompleted if it was signed in the portal, DocumentDeclined, DocumentWithdrawn, and
    PaperOutOfDate if `request` has an earlier version.
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

    A second call with the same `form_key` returns the first submission. Must be called outside any transaction. Raises
    NotSignedOnPaper, StillOpen, FormSentBefore, ClientConflict, and FileRejected with the field `scan`.
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
    is_scanned = bool(settings.CLAMD_URL)
    file = file_content.receive(practice, scan.content, facts, name=scan.name, is_scanned=is_scanned)
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
            if first.is_on_paper:
                return first
            raise DocumentCompleted
        request_states.refuse_unless_open(row)
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
    with access_grants.lock_access(access.client, access.relationship) as (_client, locked):
        packets.save_first(locked)
        if Packet.objects.filter(access=locked, form_key=form_key).exists():
            return _recorded_with(locked, form_key)
        if DocumentRequest.objects.open().filter(access=locked, version__template=version.template_id).exists():
            raise StillOpen(locked.holder_name())
        packet = packets.create(locked, [version], email=None, form_key=form_key, by=by)
        row = request_states.lock(packet.requests.get())
        # The same time as it was sent says that it was never shared.
        return _store(row, paper, file, at=row.sent_at, by=by)


def _recorded_with(access: PortalAccess, form_key: str) -> Submission:
    """Returns the submission of the form with this key. Raises FormSentBefore if the form shared something instead."""
    recorded = Submission.objects.filter(request__packet__access=access, request__packet__form_key=form_key)
    first = recorded.filter(signed_on__isnull=False).first()
    if first is None:
        raise FormSentBefore(_("documents were shared"))
    return first


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
