"""Uploads to a real web server: many at once in little memory, cut off, killed, and while a backup is made."""

import hashlib
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from portico.domain.documents.completion import uploads
from portico.domain.documents.models import Upload
from portico.domain.practices.models import Practice
from portico.plumbing.files import file_content
from portico.plumbing.models import FileChunk, FileState, StoredFile
from tests import cast
from tests.support import files
from tests.support.processes import file_sending
from tests.support.processes.commands import Processes
from tests.support.processes.file_sending import Sender

pytestmark = [pytest.mark.real_processes, pytest.mark.slow, pytest.mark.both_databases]
MEGABYTE = 1024 * 1024


@pytest.fixture
def sender(processes: Processes, practice: Practice) -> Sender:
    return file_sending.sender_for(cast.ana(practice), processes.web())


def test_20_parallel_uploads_of_20_mb_are_all_kept_in_little_memory(sender: Sender) -> None:
    assert sender.send(files.pdf()) == 200
    before = file_sending.begin_peak(sender.web)
    contents = [files.pdf(b"%d " % number, size=20 * MEGABYTE) for number in range(19)]
    with ThreadPoolExecutor(len(contents)) as threads:
        assert set(threads.map(sender.send, contents)) == {200}
    grown = file_sending.peak_of(sender.web) - before
    kept = {each.file.sha256 for each in uploads.of_request(sender.request)}
    assert {hashlib.sha256(content).hexdigest() for content in contents} <= kept
    for each in uploads.of_request(sender.request):
        assert sum(map(len, file_content.read(each.file))) == each.file.size
    assert grown < 60 * MEGABYTE, f"{grown / MEGABYTE:.0f} MiB"


def test_a_cut_upload_leaves_nothing(sender: Sender) -> None:
    for part in (100, MEGABYTE, 3 * MEGABYTE):
        sender.send_part(files.pdf(size=4 * MEGABYTE), part=part)
    assert sender.send(files.pdf()) == 200
    assert Upload.objects.count() == StoredFile.objects.count() == FileChunk.objects.count() == 1


def test_a_server_that_is_killed_while_it_stores_leaves_nothing_visible(sender: Sender) -> None:
    with ThreadPoolExecutor(1) as threads:
        sent = threads.submit(sender.send, files.pdf(size=25 * MEGABYTE))
        sender.web.wait_for(lambda: FileChunk.objects.count() > 3)
        sender.web.kill()
        assert sent.exception(20) is not None
    assert StoredFile.objects.get().state == FileState.RECEIVING
    assert uploads.of_request(sender.request) == []
    StoredFile.objects.update(created_at="2026-01-01T00:00:00Z")
    assert file_content.delete_unused() == 1
    assert not FileChunk.objects.exists()


@pytest.mark.sqlite
def test_a_backup_in_the_middle_of_uploads_has_whole_files_only(
    sender: Sender, processes: Processes, tmp_path: Path
) -> None:
    with ThreadPoolExecutor(4) as threads:
        contents = [files.pdf(b"%d " % number, size=8 * MEGABYTE) for number in range(8)]
        sent = [threads.submit(sender.send, content) for content in contents]
        sender.web.wait_for(lambda: Upload.objects.count() > 1, seconds=60)
        made = processes.run("backup", str(tmp_path / "backup.sqlite3"))
        assert {each.result() for each in sent} == {200}
    assert made.returncode == 0, made.stderr
    address = f"sqlite:///{tmp_path}/new"
    restored = processes.run("restore", str(tmp_path / "backup.sqlite3"), DATABASE_URL=address)
    assert restored.returncode == 0, restored.stderr
    verified = processes.run("verify-documents", DATABASE_URL=address)
    assert verified.returncode == 0, verified.stderr
    found = list(digests_in(tmp_path / "new"))
    assert found
    assert all(stored == computed for stored, computed in found)


def digests_in(database: Path) -> Iterator[tuple[str, str]]:
    """Yields, for each complete file in an SQLite database, the digest that is stored and that of its content."""
    with closing(sqlite3.connect(database)) as connection:
        complete = connection.execute("SELECT id, sha256 FROM plumbing_storedfile WHERE state = 'complete'").fetchall()
        for file, stored in complete:
            rows = connection.execute(
                "SELECT content FROM plumbing_filechunk WHERE file_id = ? ORDER BY position", [file]
            )
            computed = hashlib.sha256(b"".join(content for (content,) in rows))
            yield stored, computed.hexdigest()
