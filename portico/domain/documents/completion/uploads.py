"""Files that clients send: added and removed until the request is completed, listed and found."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, BinaryIO

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client
from portico.domain.documents.completion import request_states
from portico.domain.documents.models import DocumentRequest, RequestState, TemplateFile, Upload
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.database.compiled import CompiledQuery, Parameter
from portico.plumbing.files import file_content, file_names, inspection
from portico.plumbing.models import FileKind, StoredFile
from portico.plumbing.refusals import Refused
from portico.plumbing.security import rate_limits
from portico.plumbing.security.rate_limits import Limit, RateLimitExceeded

MAX_A_DAY = 20
# By all accesses to a client together.
MAX_OF_CLIENT_A_DAY = 40
MAX_OF_REQUEST = 20
MAX_LISTED = 200
# In the answers of a submission, the question that a request for a file asks.
FILES_LINK_ID = "files"
DIGEST_URN = "urn:sha256:"


class FileMissing(Refused):
    message = _("Choose a file first.")
    status = 422


class TooManyFiles(Refused):
    message = _("These are too many files for one request. Remove one, or ask us.")
    status = 422


class TooManyFilesToday(Refused):
    message = _("We can’t take more files today. Send the rest tomorrow, or ask us.")
    status = 429


class TooManyFilesOfAccessToday(TooManyFilesToday):
    def __init__(self) -> None:
        message = _("You can send up to %(count)s files a day. Send the rest tomorrow, or ask us.")
        super().__init__(message % {"count": MAX_A_DAY})


def add(request: DocumentRequest, content: BinaryIO, *, name: str, by: Actor, link_id: str = "") -> Upload:
    """Stores a file for an open request. The same content sent again returns the first upload, unless it had a virus.

    Must be called outside any transaction, since the file is stored in several. Raises FileRejected,
    DocumentCompleted, DocumentDeclined, DocumentWithdrawn, TooManyFiles, TooManyFilesToday.
    """
    facts = inspection.inspect(content)
    request_states.refuse_unless_open(request)
    limits = _spend(request)
    needs_virus_check = bool(settings.CLAMD_URL)
    file = upload = None
    try:
        file = file_content.receive(request.practice, content, facts, name=name, needs_virus_check=needs_virus_check)
        upload = _store(request, file, link_id, by=by)
    finally:
        if file is None or upload is None or upload.file_id != file.pk:
            # Only what was added counts.
            rate_limits.give_back(*limits)
            if file is not None:
                file_content.discard(file)
    return upload


def remove(upload: Upload, *, by: Actor) -> None:
    """Removes a file before the request is completed; its content is deleted soon after. Idempotent.

    Raises DocumentCompleted, DocumentDeclined, DocumentWithdrawn.
    """
    with transaction.atomic():
        row = request_states.lock(upload.request)
        current = Upload.objects.locked().select_related("file").get(pk=upload.pk)
        if current.removed_at is not None:
            return
        request_states.refuse_unless_open(row)
        current.removed_at = clock.now()
        current.save(update_fields=["removed_at"])
        file_content.discard(current.file)
        request_states.record(AuditAction.UPLOAD_REMOVED, row, by=by, upload=current.ref)


def of_request(request: DocumentRequest) -> list[Upload]:
    """Returns the request's files that were not removed, in their order."""
    return _of_request.rows(request=request.pk)


def find_of_request(request: DocumentRequest, ref: str) -> Upload | None:
    return next((each for each in of_request(request) if each.ref == ref), None)


def of_client(client: Client) -> list[Upload]:
    """Returns the files that the client sent, newest first, with request and version: up to MAX_LISTED, and one more.

    The scan of a signed paper is not among them: staff added it.
    """
    return _of_client.rows(client=client.pk)


def find_of_client(client: Client, ref: str) -> Upload | None:
    """Returns the client's upload with its file; None if there is none, or it was removed."""
    return Upload.objects.present().filter(client=client, ref=ref).select_related("file").first()


def answers_of(request: DocumentRequest) -> list[dict[str, Any]]:  # Any: JSON.
    """Returns the files of a request as the items of a QuestionnaireResponse, without those that had a virus.

    Raises FileMissing if none is left.

    Called under the request's lock, when it is submitted.
    """
    answers = [
        {
            "valueAttachment": {
                "contentType": FileKind(each.file.kind).content_type,
                "title": each.file.name,
                "size": each.file.size,
                "url": f"{DIGEST_URN}{each.file.sha256}",
            }
        }
        for each in of_request(request)
        if each.may_be_submitted
    ]
    if not answers:
        raise FileMissing
    return [{"linkId": FILES_LINK_ID, "answer": answers}]


def digests_in(answers: Iterable[Mapping[str, Any]]) -> set[str]:  # Any: JSON.
    """Returns the digests that `answers_of` has stated, in hex; an empty set for other answers.

    Rows that were tampered with may lack any of their parts.
    """
    given = [answer for item in answers if item.get("linkId") == FILES_LINK_ID for answer in item.get("answer", [])]
    return {
        str(answer["valueAttachment"].get("url")).removeprefix(DIGEST_URN)
        for answer in given
        if "valueAttachment" in answer
    }


def record_virus(file: StoredFile) -> None:
    """Records that a virus was found in a client's file or a document's, in the transaction that marks the file."""
    upload = Upload.objects.filter(file=file).select_related("client", "practice").first()
    document = TemplateFile.objects.filter(file=file).select_related("template", "practice").first()
    found = upload or document
    if found is not None:
        audit_log.record(
            AuditAction.VIRUS_FOUND,
            practice=found.practice,
            client=upload.client if upload else None,
            by=Actor.system(),
            about=upload.ref if upload else document.template.ref if document else "",
            virus=file.virus_name,
        )


def _spend(request: DocumentRequest) -> tuple[Limit, Limit]:
    """Counts a file of the access and of the client; returns their limits. Raises TooManyFilesToday."""
    day = timedelta(days=1)
    of_access = Limit.on("files-of-access", str(request.access_id), max_attempts=MAX_A_DAY, window=day)
    of_client = Limit.on("files-of-client", str(request.client_id), max_attempts=MAX_OF_CLIENT_A_DAY, window=day)
    try:
        rate_limits.spend(of_access, of_client)
    except RateLimitExceeded as error:
        raise (TooManyFilesOfAccessToday if error.limit == of_access else TooManyFilesToday) from error
    return of_access, of_client


def _store(request: DocumentRequest, file: StoredFile, link_id: str, *, by: Actor) -> Upload:
    """Adds the received file to the request, or returns the usable upload that has the same content."""
    with transaction.atomic():
        row = request_states.lock(request)
        request_states.refuse_unless_open(row)
        present = [each for each in of_request(row) if each.link_id == link_id]
        usable = [each for each in present if each.may_be_submitted]
        if same := next((each for each in usable if each.file.sha256 == file.sha256), None):
            return same
        if len(present) >= MAX_OF_REQUEST:
            raise TooManyFiles
        file.name = file_names.unused(file.name, {each.file.name for each in present})
        file_content.complete(file)
        upload = Upload.objects.create(
            practice_id=row.practice_id, request=row, client=row.client, link_id=link_id, file=file
        )
        if row.started_at is None:
            row.state, row.started_at = RequestState.STARTED, clock.now()
            row.save(update_fields=["state", "started_at"])
        request_states.record(
            AuditAction.FILE_UPLOADED,
            row,
            by=by,
            upload=upload.ref,
            kind=file.kind,
            size=file.size,
            sha256=file.sha256,
        )
    return upload


@CompiledQuery
def _of_request(request: Parameter) -> QuerySet[Upload]:
    return Upload.objects.present().filter(request=request).select_related("file").order_by("id")


@CompiledQuery
def _of_client(client: Parameter) -> QuerySet[Upload]:
    rows = Upload.objects.present().filter(client=client, request__submission__signed_on=None)
    return rows.select_related("file", "request__version").order_by("-id")[: MAX_LISTED + 1]
