"""Writes, reads and deletes the content of stored files."""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import BinaryIO

from django.db import DatabaseError, transaction
from django.db.models import Model

from portico.plumbing import clock
from portico.plumbing.files import file_names
from portico.plumbing.files.inspection import FileFacts
from portico.plumbing.models.files import CHUNK_BYTES, FileChunk, FileState, StoredFile, VirusCheck

# Far longer than it takes to write 25 MB.
RECEIVING_TIME = timedelta(hours=2)
_CHUNKS_READ = 4
_FILES_DELETED = 200


class FileCorrupt(Exception):
    """The content of a stored file is not what was stored."""


class FileGone(Exception):
    """The file was removed while it was received, which took longer than RECEIVING_TIME."""


def receive(practice: Model, content: BinaryIO, facts: FileFacts, *, name: str, needs_virus_check: bool) -> StoredFile:
    """Stores the content, each chunk in a transaction of its own, and returns the file, which is not yet complete.

    With `needs_virus_check`, the file cannot be opened until the worker has had it checked. Must be called outside any
    transaction; call `complete` in the transaction that refers to the file. If storing fails, what was stored is
    deleted, at the latest by `delete_unused`.
    """
    file = StoredFile.objects.create(
        practice_id=practice.pk,
        name=file_names.cleaned(name, facts.kind),
        kind=facts.kind,
        has_scripts=facts.has_scripts,
        virus_check=VirusCheck.CHECKING if needs_virus_check else VirusCheck.NOT_CHECKED,
    )
    try:
        _write(file, content)
    except BaseException:
        with suppress(DatabaseError):
            _delete_content(file)
        raise
    return file


def complete(file: StoredFile) -> None:
    """Marks a received file as complete. Raises FileGone."""
    now = clock.now()
    is_complete = StoredFile.objects.filter(pk=file.pk, state=FileState.RECEIVING).update(
        state=FileState.COMPLETE, name=file.name, size=file.size, sha256=file.sha256, completed_at=now
    )
    if not is_complete:
        raise FileGone
    file.state, file.completed_at = FileState.COMPLETE, now


def discard(file: StoredFile) -> None:
    """Removes a file that is no longer used, within the caller's transaction; its content is deleted soon after."""
    StoredFile.objects.filter(pk=file.pk).update(state=FileState.REMOVED)
    file.state = FileState.REMOVED


def read(file: StoredFile) -> Iterator[bytes]:
    """Yields the content in parts. Raises FileCorrupt before the last part if the digest of all is another one.

    Each query reads up to 1 MiB, so that a slow reader keeps neither a transaction nor the file in memory.
    """
    digest, size, held_back = hashlib.sha256(), 0, b""
    for first in range(0, -(-file.size // CHUNK_BYTES), _CHUNKS_READ):
        chunks = FileChunk.objects.filter(file=file, position__gte=first, position__lt=first + _CHUNKS_READ)
        for content in chunks.order_by("position").values_list("content", flat=True):
            part = bytes(content)
            digest.update(part)
            size += len(part)
            if held_back:
                yield held_back
            held_back = part
    if size != file.size or digest.hexdigest() != file.sha256:
        raise FileCorrupt(f"The content of file {file.ref} does not match its digest.")
    yield held_back


def is_intact(file: StoredFile) -> bool:
    """Reads the whole content; returns False if its digest is another one."""
    try:
        return sum(len(part) for part in read(file)) == file.size
    except FileCorrupt:
        return False


def delete_unused() -> int:
    """Deletes the content of removed files, and files whose receiving was cut off; a scheduled task.

    Returns the number of files, at most _FILES_DELETED a run.
    """
    cut_off = StoredFile.objects.filter(
        clock.not_within("created_at", RECEIVING_TIME), state=FileState.RECEIVING
    ).order_by("id")
    # Conditional: a file that is completed at this moment stays.
    StoredFile.objects.filter(
        pk__in=list(cut_off.values_list("pk", flat=True)[:_FILES_DELETED]), state=FileState.RECEIVING
    ).update(state=FileState.REMOVED)
    files = list(StoredFile.objects.with_content_to_delete().order_by("id")[:_FILES_DELETED])
    for file in files:
        _delete_content(file)
    return len(files)


def _write(file: StoredFile, content: BinaryIO) -> None:
    """Stores the chunks, and sets size and digest of the file."""
    digest = hashlib.sha256()
    content.seek(0)
    position = 0
    while part := content.read(CHUNK_BYTES):
        digest.update(part)
        FileChunk.objects.create(practice_id=file.practice_id, file=file, position=position, content=part)
        file.size += len(part)
        position += 1
    file.sha256 = digest.hexdigest()


def _delete_content(file: StoredFile) -> None:
    with transaction.atomic():
        StoredFile.objects.filter(pk=file.pk).update(state=FileState.REMOVED, content_deleted_at=clock.now())
        FileChunk.objects.filter(file=file).delete()
