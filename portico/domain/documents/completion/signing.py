"""Completing a document: its answers and signature are stored, with their evidence, in one transaction."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from portico.domain.access.models import PortalAccess, PortalSession
from portico.domain.access.sign_in import portal_sessions
from portico.domain.audit_actions import AuditAction
from portico.domain.documents.completion import drafts, request_states, signatures, uploads
from portico.domain.documents.completion.signatures import Signature, Signer
from portico.domain.documents.forms import canonical_json
from portico.domain.documents.forms.answers import check_answers
from portico.domain.documents.models import DocumentRequest, RequestState, ResponseDraft, Submission, TemplateKind
from portico.domain.documents.refusals import (
    AnswersIncomplete,
    DraftChanged,
    FileNotReadable,
    SignatureMissing,
    SigningNotAllowed,
)
from portico.domain.documents.templates import version_files
from portico.domain.documents.templates.version_content import language_for
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.database.deadlocks import retry_on_deadlock


@retry_on_deadlock
def submit(
    request: DocumentRequest,
    *,
    language: str,
    draft_number: int,
    signature: Signature | None,
    signer: Signer,
    by: Actor,
) -> Submission:
    """Completes the document with the answers of its draft, and deletes the draft.

    `language` is that of the page that was sent, as it was shown; the document's is the same, or English.
    `draft_number` is that of the draft on the page, 0 without one, and `request` has the version of the page. A second
    call returns the first submission, whatever the page contained. Raises DocumentDeclined, DocumentWithdrawn,
    DocumentUpdated, SigningNotAllowed, DraftChanged, AnswersIncomplete, FileMissing, FileNotReadable, SignatureMissing.
    """
    with transaction.atomic():
        access = _lock_access(request, signer.session)
        row = request_states.lock(request)
        if row.is_complete:
            return Submission.objects.get(request=row)
        request_states.refuse_unless_open(row)
        request_states.refuse_if_updated(row, request)
        draft = drafts.of(row)
        if (draft.number if draft else 0) != draft_number:
            raise DraftChanged
        answers = _complete_answers(row, draft, language)
        signed = _check_signature(row, access, language, signature)
        submission = Submission.objects.create(
            practice_id=row.practice_id,
            request=row,
            client_name=access.client.name,
            language=language_for(row.version, language),
            answers=answers,
            document_digest=row.version.digest,
            answers_digest=canonical_json.digest(answers),
            signer_name=signed.name,
            relationship=signed.relationship,
            statement=signed.statement,
            account=access.account,
            method=signer.session.method,
            mailbox=signer.mailbox,
            network_address=signer.network_address,
            submitted_at=clock.now(),
        )
        row.state, row.completed_at, row.language = RequestState.COMPLETED, submission.submitted_at, submission.language
        row.opened_at = row.opened_at or submission.submitted_at
        row.save(update_fields=["state", "completed_at", "language", "opened_at"])
        request_states.delete_draft(row)
        request_states.record(
            AuditAction.DOCUMENT_SIGNED if submission.signer_name else AuditAction.DOCUMENT_SUBMITTED,
            row,
            by=by,
            submission=submission.ref,
            document_digest=submission.document_digest,
            answers_digest=submission.answers_digest,
            method=submission.method,
        )
    return submission


def _lock_access(request: DocumentRequest, session: PortalSession) -> PortalAccess:
    """Locks the access, for which changes to it wait. Raises SigningNotAllowed unless the session opens it now."""
    rows = PortalAccess.objects.locked().select_related("client", "address", "account", "relationship__contact")
    access = rows.get(pk=request.access_id)
    is_alive = PortalSession.objects.alive().filter(pk=session.pk, account=access.account_id).exists()
    if not is_alive or not portal_sessions.opens(session, access) or not access.sees_documents:
        raise SigningNotAllowed
    return access


def _complete_answers(
    row: DocumentRequest, draft: ResponseDraft | None, language: str
) -> list[dict[str, Any]]:  # Any: JSON.
    """Returns the answers to the open questions. Raises AnswersIncomplete, FileMissing, FileNotReadable."""
    if row.version.template.kind == TemplateKind.UPLOAD:
        return uploads.answers_of(row)
    if row.version.template.kind == TemplateKind.FILE:
        file = version_files.find(row.version, language)
        if file is None or not file.may_be_opened:
            raise FileNotReadable
    if row.version.template.kind != TemplateKind.FORM:
        return []
    form = drafts.questionnaire_of(row.version, language)
    checked = check_answers(form, draft.answers if draft else [], complete=True)
    if not checked.is_valid:
        raise AnswersIncomplete(checked.errors)
    return checked.items


@dataclass(frozen=True)
class _Signed:
    """The columns of a signature; empty for a document that needs none."""

    name: str = ""
    relationship: str = ""
    statement: str = ""


def _check_signature(row: DocumentRequest, access: PortalAccess, language: str, signature: Signature | None) -> _Signed:
    """Returns what is stored of the signature. Raises SignatureMissing."""
    if not signatures.is_needed(row.version.template.kind):
        return _Signed()
    if signature is None or access.account is None:
        raise SignatureMissing
    is_first = signatures.is_first(access.account)
    signatures.refuse_incomplete(signature, is_first=is_first)
    statement = signatures.statement(language, with_agreement=signature.agrees)
    return _Signed(signature.name, signature.relationship, statement)
