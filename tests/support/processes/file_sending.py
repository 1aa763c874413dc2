"""Sends files to a real web server as a client's browser does, and reads how much memory the server uses."""

import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from socket import create_connection
from urllib.parse import urlsplit

from portico.domain.access.models import PortalAccess, SignInMethod
from portico.domain.access.sign_in import portal_sessions
from portico.domain.clients.models import Client
from portico.domain.documents.models import DocumentRequest, TemplateKind
from tests import cast, shared_documents
from tests.support.processes.commands import Process

CARD = {"en": {"title": "Insurance card", "note": "Send both sides."}}


@dataclass
class Sender:
    """A client's browser, which has opened the page of a request for a file."""

    web: Process
    cookie: str
    request: DocumentRequest

    def __post_init__(self) -> None:
        self.path = f"{self.request.practice.portal_path}documents/{self.request.ref}/"
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


def sender_for(person: Client, web: Process) -> Sender:
    """Signs the person in and shares a request for a file; returns their browser on its page."""
    account = cast.with_access(person).account
    assert account is not None
    session = portal_sessions.start(account, method=SignInMethod.LINK, proof_epoch=account.epoch, browser="")
    version = shared_documents.published(person.practice, TemplateKind.UPLOAD, CARD)
    (request,) = shared_documents.shared(PortalAccess.objects.get(own_client=person), version)
    return Sender(web, session.key, request)


def begin_peak(web: Process) -> int:
    """Returns the memory of the process in bytes, and begins to look for its peak from here."""
    Path(f"/proc/{web.pid}/clear_refs").write_text("5")
    return _memory_of(web, "VmRSS")


def peak_of(web: Process) -> int:
    """Returns the most memory in bytes that the process had since `begin_peak`."""
    return _memory_of(web, "VmHWM")


def _memory_of(web: Process, name: str) -> int:
    (kilobytes,) = re.findall(rf"{name}:\s+(\d+) kB", Path(f"/proc/{web.pid}/status").read_text())
    return int(kilobytes) * 1024
