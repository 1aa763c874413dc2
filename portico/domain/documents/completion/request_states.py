"""The states of a request before it is completed: opened, declined and withdrawn."""

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from portico.domain.access import holders
from portico.domain.audit_actions import AuditAction
from portico.domain.documents.models import DocumentRequest, RequestState, ResponseDraft, Upload
from portico.domain.documents.refusals import (
    DocumentCompleted,
    DocumentDeclined,
    DocumentUpdated,
    DocumentWithdrawn,
    NotDeclinable,
)
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.database.compiled import CompiledQuery, Parameter
from portico.plumbing.files import file_content


def lock(request: DocumentRequest) -> DocumentRequest:
    """Locks and returns the row with client and access. Saving, signing, withdrawing wait for each other.

    The version is not joined: one that the request gets during the wait would be missing.
    """
    row = _locked.first(request=request.pk)
    if row is None:
        raise DocumentRequest.DoesNotExist
    return row


@CompiledQuery
def _locked(request: Parameter) -> QuerySet[DocumentRequest]:
    rows = DocumentRequest.objects.locked().filter(pk=request)
    return rows.select_related("client", "practice", "access__relationship__contact")


def refuse_unless_open(request: DocumentRequest) -> None:
    """Raises DocumentCompleted, DocumentDeclined or DocumentWithdrawn."""
    if request.is_complete:
        raise DocumentCompleted
    if request.state == RequestState.DECLINED:
        raise DocumentDeclined
    if request.state == RequestState.WITHDRAWN:
        raise DocumentWithdrawn


def refuse_if_updated(row: DocumentRequest, shown: DocumentRequest) -> None:
    """Raises DocumentUpdated if the locked row has another version than the request had when its page was read."""
    if row.version_id != shown.version_id:
        raise DocumentUpdated


def mark_opened(request: DocumentRequest, *, language: str, by: Actor) -> DocumentRequest:
    """Records that the client opened the document, in that language; later calls change nothing."""
    if request.state != RequestState.SENT:
        return request
    with transaction.atomic():
        row = lock(request)
        if row.state == RequestState.SENT:
            row.state, row.opened_at, row.language = RequestState.OPENED, clock.now(), language
            row.save(update_fields=["state", "opened_at", "language"])
            record(AuditAction.DOCUMENT_OPENED, row, by=by)
    return row


def decline(request: DocumentRequest, *, reason: str, by: Actor) -> DocumentRequest:
    """Declines a document that the practice allows to be declined; repeating it changes nothing.

    Deletes its draft and its files. Raises NotDeclinable, DocumentCompleted, DocumentWithdrawn.
    """
    with transaction.atomic():
        row = lock(request)
        if row.state == RequestState.DECLINED:
            return row
        refuse_unless_open(row)
        if not row.version.template.may_be_declined:
            raise NotDeclinable
        row.state, row.declined_at, row.decline_reason = RequestState.DECLINED, clock.now(), reason
        row.save(update_fields=["state", "declined_at", "decline_reason"])
        delete_draft(row)
        discard_uploads(row)
        record(AuditAction.DOCUMENT_DECLINED, row, by=by)
    return row


def withdraw(request: DocumentRequest, *, by: Actor) -> DocumentRequest:
    """Takes back a request that is not completed, and deletes its draft and files; repeating it changes nothing.

    Raises DocumentCompleted, DocumentDeclined.
    """
    with transaction.atomic():
        row = lock(request)
        if row.state == RequestState.WITHDRAWN:
            return row
        if row.state == RequestState.DECLINED:
            raise DocumentDeclined(_("This document was declined, so it can’t be withdrawn."))
        refuse_unless_open(row)
        row.state, row.withdrawn_at, row.withdrawn_by = RequestState.WITHDRAWN, clock.now(), by.name[:100]
        row.save(update_fields=["state", "withdrawn_at", "withdrawn_by"])
        delete_draft(row)
        discard_uploads(row)
        record(AuditAction.DOCUMENT_WITHDRAWN, row, by=by)
    return row


def delete_draft(request: DocumentRequest) -> None:
    ResponseDraft.objects.filter(request=request).delete()


def discard_uploads(request: DocumentRequest) -> None:
    """Removes the files of a request that is never submitted, under its lock; their content is deleted soon after."""
    for upload in Upload.objects.present().filter(request=request).select_related("file").order_by("id"):
        upload.removed_at = clock.now()
        upload.save(update_fields=["removed_at"])
        file_content.discard(upload.file)


def record(action: AuditAction, request: DocumentRequest, *, by: Actor, **details: str | int | bool | None) -> None:
    """Records what happened to the request, its version and the contact whose access it is for, if any."""
    audit_log.record(
        action,
        practice=request.practice,
        client=request.client,
        by=by,
        about=request.ref,
        version=request.version.ref,
        **holders.details_of(request.access),
        **details,
    )
