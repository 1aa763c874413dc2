"""Files are stored in chunks, read back whole or not at all, and leave nothing behind when they are cut off."""

import io
from datetime import timedelta
from typing import BinaryIO, cast

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from pytest_django import DjangoAssertNumQueries

from portico.plumbing import clock
from portico.plumbing.files import file_content, inspection
from portico.plumbing.files.file_content import FileCorrupt, FileGone
from portico.plumbing.models import FileChunk, FileState, StoredFile
from portico.plumbing.models.files import CHUNK_BYTES
from tests.plumbing.sample_rows import a_practice
from tests.support import files

pytestmark = pytest.mark.django_db


class BreakingStream(io.BytesIO):
    """Breaks off in its third chunk, as a full disk does."""

    reads = 0

    def read(self, size: int | None = -1) -> bytes:
        self.reads += 1
        if size == CHUNK_BYTES and self.reads > 4:
            raise OperationalError("database or disk is full")
        return super().read(size)


class WatchingStream(io.BytesIO):
    """Fails if it is read inside a transaction, which would last for the whole file."""

    chunks_read = 0

    def read(self, size: int | None = -1) -> bytes:
        self.chunks_read += size == CHUNK_BYTES
        assert not connection.in_atomic_block
        return super().read(size)


def received(content: bytes) -> StoredFile:
    stream = io.BytesIO(content)
    return file_content.receive(a_practice(), stream, inspection.inspect(stream), name="a.pdf", needs_virus_check=False)


@pytest.mark.parametrize("size", [200, CHUNK_BYTES, CHUNK_BYTES + 1, 5 * CHUNK_BYTES + 7])
def test_content_comes_back_unchanged(size: int) -> None:
    content = files.pdf(size=size)
    file = files.stored(a_practice(), content)
    assert b"".join(file_content.read(file)) == content
    assert file.chunks.count() == -(-size // CHUNK_BYTES)


def test_a_large_file_is_read_in_few_queries(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    file = files.stored(a_practice(), files.pdf(size=8 * CHUNK_BYTES))
    with django_assert_num_queries(2):
        assert sum(map(len, file_content.read(file))) == file.size


def test_a_changed_content_is_never_read_to_its_end() -> None:
    file = files.stored(a_practice(), files.pdf(size=3 * CHUNK_BYTES))
    StoredFile.objects.filter(pk=file.pk).update(sha256="0" * 64)
    file.refresh_from_db()
    arrived: list[bytes] = []
    with pytest.raises(FileCorrupt):
        arrived.extend(file_content.read(file))
    assert len(arrived) < 3
    FileChunk.objects.filter(file=file, position=1).delete()
    with pytest.raises(FileCorrupt):
        list(file_content.read(file))


def test_a_chunk_can_never_be_changed() -> None:
    file = files.stored(a_practice())
    with pytest.raises(IntegrityError, match="never change"), transaction.atomic():
        FileChunk.objects.filter(file=file).update(content=b"other")
    assert b"".join(file_content.read(file)) == files.pdf()


def test_storing_that_fails_leaves_no_content() -> None:
    stream = BreakingStream(files.pdf(size=3 * CHUNK_BYTES))
    facts = inspection.inspect(cast(BinaryIO, stream))
    with pytest.raises(OperationalError):
        file_content.receive(a_practice(), cast(BinaryIO, stream), facts, name="a.pdf", needs_virus_check=False)
    assert not FileChunk.objects.exists()
    assert not StoredFile.objects.complete().exists()


def test_a_cut_off_file_is_deleted_after_two_hours() -> None:
    file, kept = received(files.pdf()), files.stored(a_practice())
    assert file_content.delete_unused() == 0
    StoredFile.objects.filter(pk__in=[file.pk, kept.pk]).update(created_at=clock.now() - timedelta(hours=3))
    assert file_content.delete_unused() == 1
    assert list(FileChunk.objects.values_list("file", flat=True)) == [kept.pk]
    with pytest.raises(FileGone):
        file_content.complete(file)
    assert file_content.delete_unused() == 0


def test_content_of_a_discarded_file_is_deleted() -> None:
    file = files.stored(a_practice(), files.pdf(size=3 * CHUNK_BYTES))
    file_content.discard(file)
    assert (file_content.delete_unused(), file.chunks.count()) == (1, 0)
    file.refresh_from_db()
    assert (file.state, file.content_deleted_at) == (FileState.REMOVED, clock.now())


def test_a_complete_file_always_has_content() -> None:
    file = received(files.pdf())
    with pytest.raises(IntegrityError), transaction.atomic():
        StoredFile.objects.filter(pk=file.pk).update(state=FileState.COMPLETE)


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_between_two_chunks() -> None:
    stream = WatchingStream(files.pdf(size=4 * CHUNK_BYTES))
    facts = inspection.inspect(cast(BinaryIO, stream))
    file_content.receive(a_practice(), cast(BinaryIO, stream), facts, name="a.pdf", needs_virus_check=False)
    assert stream.chunks_read == 5
