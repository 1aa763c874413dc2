"""Uploads to a real web server: many at once in little memory, cut off, killed, and while a backup is made."""

import hashlib
import re
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from socket import create_connection
from urllib.parse import urlsplit

import pytest

from portico.domain.access.models import PortalAccess, SignInMethod
from portico.domain.access.sign_in import portal_sessions
from portico.domain.documents.completion import uploads
from portico.domain.documents.models import DocumentRequest, TemplateKind, Upload
from portico.domain.practices.models import Practice
from portico.plumbing.files import file_content
from portico.plumbing.models import FileChunk, FileState, StoredFile
from tests import cast, shared_documents
from tests.support import files
from tests.support.processes import Process, Processes

pytestmark = [pytest.mark.real_processes, pytest.mark.slow, pytest.mark.both_databases]
MEGABYTE = 1024 * 1024
CARD = {"en": {"title": "Insurance card", "note": "Send both sides."}}


@dataclass
class Sender:
    """Ana's browser, which has opened the page of a request for a file."""

    web: Process
    cookie: str
    request: DocumentRequest

    def __post_init__(self) -> None:
        self.path = f"/portal/alder-street/documents/{self.request.ref}/"
        page = urllib.request.Request(self.web.url + self.path, headers={"Cookie": f"portico-client={self.cookie}"})
        with urllib.request.urlopen(page, timeout=20) as answer:
            text = answer.read().decode()
            csrf = re.findall(r"portico-csrf=\w+", str(answer.headers))
        self.cookies = "; ".join((f"portico-client={self.cookie}", *csrf))
        self.fields = dict(re.findall(r'name="(csrfmiddlewaretoken|subject)" value="([^"]+)"', text))

    def body(self, content: bytes) -> bytes:
        fields = b"".join(
            f'--limit\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in self.fields.items()
        )
        head = b'--limit\r\nContent-Disposition: form-data; name="files"; filename="scan.pdf"\r\n\r\n'
        return fields + head + content + b"\r\n--limit--\r\n"

    @property
    def headers(self) -> dict[str, str]:
        form = "multipart/form-data; boundary=limit"
        return {"Cookie": self.cookies, "Content-Type": form, "Origin": self.web.url}

    def send(self, content: bytes) -> int:
        """Uploads the content; returns the status of the page that follows."""
        form = urllib.request.Request(f"{self.web.url}{self.path}upload/", self.body(content), self.headers)
        try:
            with urllib.request.urlopen(form, timeout=240) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code

    def send_part(self, content: bytes, *, part: int) -> None:
        """Begins to upload the content, and closes the connection after `part` bytes of the body."""
        body, place = self.body(content), urlsplit(self.web.url)
        head = [f"POST {self.path}upload/ HTTP/1.1", f"Host: {place.netloc}", f"Content-Length: {len(body)}"]
        head += [f"{name}: {value}" for name, value in self.headers.items()]
        with create_connection(("127.0.0.1", place.port or 80), timeout=20) as connection:
            connection.sendall("\r\n".join((*head, "", "")).encode() + body[:part])


@pytest.fixture
def sender(processes: Processes, practice: Practice) -> Sender:
    ana = cast.ana(practice)
    account = cast.with_access(ana).account
    assert account is not None
    session = portal_sessions.start(account, method=SignInMethod.LINK, proof_epoch=account.epoch, browser="")
    version = shared_documents.published(practice, TemplateKind.UPLOAD, CARD)
    (request,) = shared_documents.shared(PortalAccess.objects.get(own_client=ana), version)
    return Sender(processes.web(), session.key, request)


def memory_of(web: Process, name: str) -> int:
    """Returns a figure of the process in bytes, such as VmRSS (now) or VmHWM (at most so far)."""
    (kilobytes,) = re.findall(rf"{name}:\s+(\d+) kB", Path(f"/proc/{web.pid}/status").read_text())
    return int(kilobytes) * 1024


@pytest.mark.sqlite
def test_20_parallel_uploads_of_20_mb_are_all_kept_in_little_memory(sender: Sender) -> None:
    assert sender.send(files.pdf()) == 200
    before = memory_of(sender.web, "VmRSS")
    Path(f"/proc/{sender.web.pid}/clear_refs").write_text("5")  # Begins VmHWM again.
    contents = [files.pdf(b"%d " % number, size=20 * MEGABYTE) for number in range(19)]
    with ThreadPoolExecutor(len(contents)) as threads:
        assert set(threads.map(sender.send, contents)) == {200}
    grown = memory_of(sender.web, "VmHWM") - before
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
