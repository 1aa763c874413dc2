"""Reads mails from a mailbox over IMAP (RFC 3501), without changing them."""

import hashlib
import imaplib
import re
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from portico import hosts

STEP_SECONDS = 10.0
# For everything over one connection, also with a server that sends a byte now and then.
CONNECTION_SECONDS = 45.0
# UIDs searched at a time: a server answers a search in one line.
SEARCHED_UIDS = 5000
# The highest value of UIDVALIDITY, UIDNEXT and UID (RFC 3501).
MAX_NUMBER = 2**32 - 1
_MAX_DIGITS = len(str(MAX_NUMBER))
# A mail is cut off far below; a server that announces more is not believed.
MAX_LITERAL = 16 * 2**20
# What imaplib raises for a server that speaks nonsense.
_NONSENSE = (imaplib.IMAP4.error, ValueError, LookupError, ArithmeticError, TypeError, AttributeError)
_UID = re.compile(rb"UID (\d+)")
_NUMBER = re.compile(rb"\d+")


@dataclass(frozen=True)
class ImapServer:
    host: str
    port: int
    user: str
    folder: str
    password: str = field(repr=False)
    # TLS from the start, STARTTLS, or none, which is only for this machine.
    tls: str = "imaps"


SCHEMES = {"imaps": 993, "imap+starttls": 143, "imap": 143}


def parse(url: str) -> ImapServer:
    """Parses REPORT_MAILBOX_URL. Raises ValueError with a message that does not repeat the URL: it has a password."""
    form = "must look like imaps://user:password@host/INBOX or imap+starttls://user:password@host/INBOX."
    try:
        parts = urlsplit(url)
        host, port = hosts.without_brackets(hosts.normalized(parts.hostname or "")), parts.port
    except ValueError:
        raise ValueError(form) from None
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    folder = unquote(parts.path.removeprefix("/")) or "INBOX"
    if parts.scheme not in SCHEMES or port == 0 or not user or not password or parts.query or parts.fragment:
        raise ValueError(form)
    if not (user + password + folder).isascii() or not (user + password + folder).isprintable():
        raise ValueError("may hold only ASCII characters in user, password and folder.")
    if parts.scheme == "imap" and not hosts.is_loopback(host):
        raise ValueError("would send its password in clear: use imaps:// or imap+starttls://.")
    return ImapServer(host, port or SCHEMES[parts.scheme], user, folder, password, parts.scheme)


class MailboxUnreadable(OSError):
    """The mailbox cannot be read; the message says why, in the server's words if it said something."""


@dataclass(frozen=True)
class Batch:
    """Mails of a mailbox, each with its UID, lowest first. There are no others up to `read_to`."""

    mails: Sequence[tuple[int, bytes]]
    read_to: int
    is_last: bool


@dataclass(frozen=True)
class ImapMailbox:
    """One folder on one server."""

    server: ImapServer
    # Verifies the server's certificate; with the system's authorities unless a test passes its own.
    authorities: ssl.SSLContext | None = None

    @property
    def key(self) -> str:
        """Returns a digest that identifies the folder, however it is reached."""
        identity = "\n".join((self.server.host, self.server.user, self.server.folder))
        return hashlib.sha256(identity.encode()).hexdigest()

    @contextmanager
    def open(self) -> "Iterator[ImapFolder]":
        """Yields the folder, opened for reading only. Raises MailboxUnreadable."""
        with _explained(self.server):
            client = self._connect()
        try:
            with _explained(self.server):
                self._log_in(client)
                folder = ImapFolder(client, self.server)
            yield folder
        finally:
            _close(client)

    def _connect(self) -> imaplib.IMAP4:
        if self.server.tls == "imaps":
            context = self.authorities or _system_authorities()
            return _TlsClient(self.server.host, self.server.port, ssl_context=context, timeout=STEP_SECONDS)
        return _PlainClient(self.server.host, self.server.port, timeout=STEP_SECONDS)

    def _log_in(self, client: imaplib.IMAP4) -> None:
        if self.server.tls == "imap+starttls":
            client.starttls(self.authorities or _system_authorities())
        elif self.server.tls == "imap" and not ip_address(client.sock.getpeername()[0]).is_loopback:
            raise MailboxUnreadable("The password was not sent: the connection is not encrypted.")
        # imaplib quotes only the password.
        client.login(_quoted(self.server.user), self.server.password)


class ImapFolder:
    """An open folder. Its UIDs are comparable only with those of the same `uid_validity`."""

    def __init__(self, client: imaplib.IMAP4, server: ImapServer) -> None:
        self._client = client
        self._server = server
        _expect(client.select(_quoted(server.folder), readonly=True))
        self.uid_validity = self._number("UIDVALIDITY")
        self._next_uid = self._number("UIDNEXT")

    def fetch(self, *, after_uid: int, limit: int, max_bytes: int) -> Batch:
        """Returns the first mails after this UID, at most `limit`, each cut off at `max_bytes`. Marks none as read.

        Raises MailboxUnreadable.
        """
        newest = self._next_uid - 1
        last = min(after_uid + SEARCHED_UIDS, newest)
        if last <= after_uid:
            return Batch([], after_uid, is_last=True)
        with _explained(self._server):
            uids = sorted(uid for uid in self._search(after_uid + 1, last) if after_uid < uid <= last)
            chosen = uids[:limit]
            mails = self._fetch(chosen, max_bytes) if chosen else []
        read_to = chosen[-1] if len(chosen) < len(uids) else last
        return Batch(mails, read_to, is_last=read_to >= newest)

    def _search(self, first: int, last: int) -> list[int]:
        lines = _expect(self._client.uid("SEARCH", "UID", f"{first}:{last}"))
        return [_parsed(number) for line in lines if isinstance(line, bytes) for number in _NUMBER.findall(line)]

    def _fetch(self, uids: Sequence[int], max_bytes: int) -> list[tuple[int, bytes]]:
        """Returns those of the mails that still exist."""
        wanted = ",".join(map(str, uids))
        answers = _expect(self._client.uid("FETCH", wanted, f"(UID BODY.PEEK[]<0.{max_bytes}>)"))
        mails: dict[int, bytes] = {}
        text: bytes | None = None
        for answer in answers:
            # A mail is a pair, the line that ends in its length and its text, then the rest of the line. The UID is
            # before or after the text.
            line, text = answer if isinstance(answer, tuple) else (answer, text)
            found = _UID.search(line or b"")
            if found is not None and text is not None and (uid := _parsed(found[1])) in uids:
                mails[uid], text = text, None
        return sorted(mails.items())

    def _number(self, name: str) -> int:
        """Returns a number that the server stated when the folder was opened."""
        _name, values = self._client.response(name)
        value = values[0] if values else None
        if not isinstance(value, bytes) or not value.isdigit():
            raise MailboxUnreadable(f"The server states no {name}.")
        return _parsed(value)


class _Client(imaplib.IMAP4):
    """A connection that ends after CONNECTION_SECONDS: a time-out alone starts again with each byte."""

    def open(self, host: str = "", port: int = 143, timeout: float | None = None) -> None:
        super().open(host, port, timeout)
        self._watchdog = threading.Timer(CONNECTION_SECONDS, self._cut)
        self._watchdog.daemon = True
        self._watchdog.start()

    def read(self, size: int) -> bytes:
        if size > MAX_LITERAL:
            raise self.abort("The server announces a text that is too long.")
        return super().read(size)

    def shutdown(self) -> None:
        self._watchdog.cancel()
        super().shutdown()

    def _cut(self) -> None:
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)


class _PlainClient(_Client):
    """Without TLS from the start."""


class _TlsClient(_Client, imaplib.IMAP4_SSL):  # type: ignore[misc]  # They differ in the port by default.
    """With TLS from the start."""


@contextmanager
def _explained(server: ImapServer) -> Iterator[None]:
    """Turns what imaplib raises, also for a server that speaks nonsense, into MailboxUnreadable."""
    try:
        yield
    except MailboxUnreadable:
        raise
    except ssl.SSLCertVerificationError as error:
        raise MailboxUnreadable(f"The certificate is not good: {error.verify_message}") from error
    except OSError as error:
        raise MailboxUnreadable(f"{server.host} cannot be reached: {_text(error)}") from error
    except _NONSENSE as error:
        raise MailboxUnreadable(_text(error) or type(error).__name__) from error


def _expect[T](reply: tuple[str, list[T]]) -> list[T]:
    """Returns the values of a reply; raises MailboxUnreadable with the server's words if it is a refusal."""
    status, values = reply
    if status != "OK":
        raise MailboxUnreadable(_text(values[0]) if values else f"The server answered {status}.")
    return values


def _parsed(digits: bytes) -> int:
    """Returns the number. Raises MailboxUnreadable if it is above MAX_NUMBER, which no column can hold."""
    number = int(digits) if len(digits) <= _MAX_DIGITS else MAX_NUMBER + 1
    if number > MAX_NUMBER:
        raise MailboxUnreadable("The server states a number above 4294967295, which IMAP does not have.")
    return number


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _text(said: object) -> str:
    """Returns words of the server or of an error as one printable line."""
    if isinstance(said, Exception) and said.args and isinstance(said.args[-1], bytes):
        said = said.args[-1]
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())[:200]


def _close(client: imaplib.IMAP4) -> None:
    # What was read is read: a failed LOGOUT changes nothing.
    with suppress(OSError, *_NONSENSE):
        client.sock.settimeout(1)
        client.logout()
    with suppress(OSError):
        client.shutdown()


@cache
def _system_authorities() -> ssl.SSLContext:
    return ssl.create_default_context()
