"""A small IMAP server on loopback, for one folder that is only read: what imaplib needs, and trouble on demand."""

import re
import socket
import socketserver
import ssl
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, Protocol

type Step = Literal["CONNECT", "LOGIN", "SELECT", "SEARCH", "FETCH"]

_WORD = re.compile(rb'"((?:[^"\\]|\\.)*)"|(\S+)')
_SECTION = re.compile(rb"BODY\.PEEK\[\](?:<0\.(\d+)>)?", re.IGNORECASE)
_HIGHEST_UID = 2**32 - 1


class Folder(Protocol):
    """The mails by their UIDs."""

    def uids(self) -> list[int]:
        """Returns the UIDs, lowest first."""

    def with_uid(self, uid: int) -> bytes | None: ...


@dataclass
class Script:
    """The behavior of the server toward its clients; may be changed while it runs."""

    user: str = "reports"
    password: str = "reports"  # noqa: S105  # For the demo and tests.
    uid_validity: int = 1
    # At this step the server answers no more, closes the connection, or answers NO with these words.
    hangs_at: Step | None = None
    closes_at: Step | None = None
    refuses_at: Step | None = None
    words: str = "Not now"
    # The UID is before or after the text of a mail.
    uid_comes_last: bool = False
    # Set when the server stops, for clients that it keeps waiting.
    stopped: threading.Event = field(default_factory=threading.Event)
    logins: int = 0
    fetched: list[int] = field(default_factory=list)


class _Ended(Exception):
    """The connection is to be closed."""


class ImapServer(socketserver.ThreadingTCPServer):
    """The server; `serve_forever` runs it, with a thread for each connection."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(
        self, folder: Folder, *, port: int, script: Script | None = None, context: ssl.SSLContext | None = None
    ) -> None:
        self.folder = folder
        self.script = script or Script()
        self.context = context
        super().__init__(("127.0.0.1", port), _Connection)

    def get_request(self) -> tuple[socket.socket, object]:
        connection, address = super().get_request()
        if self.context is not None:
            connection = self.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignores connections that the client broke off."""

    def stop(self) -> None:
        self.script.stopped.set()
        self.shutdown()
        self.server_close()


class _Connection(socketserver.StreamRequestHandler):
    server: ImapServer
    # Else the second of two small answers waits 40 ms for the client's acknowledgement.
    disable_nagle_algorithm = True

    def handle(self) -> None:
        try:
            self._at("CONNECT", b"*")
            self._send(b"* OK [CAPABILITY IMAP4rev1] Ready")
            is_open = True
            while is_open and (line := self.rfile.readline(65536)):
                is_open = self._obey(line.strip())
        except (_Ended, OSError):
            pass

    def _obey(self, line: bytes) -> bool:
        """Answers one command; returns False after the last one."""
        tag, _space, rest = line.partition(b" ")
        name, _space, argument = rest.partition(b" ")
        command = name.upper()
        if command == b"UID":
            name, _space, argument = argument.partition(b" ")
            command = b"UID " + name.upper()
        match command:
            case b"CAPABILITY":
                self._send(b"* CAPABILITY IMAP4rev1")
            case b"LOGIN":
                self._log_in(tag, argument)
                return True
            case b"SELECT" | b"EXAMINE":
                self._select(tag)
                return True
            case b"UID SEARCH":
                self._search(tag, argument)
            case b"UID FETCH":
                self._fetch(tag, argument)
            case b"NOOP":
                pass
            case b"LOGOUT":
                self._send(b"* BYE", tag + b" OK Done")
                return False
            case _:
                self._send(tag + b" BAD Unknown command")
                return True
        self._send(tag + b" OK Done")
        return True

    def _log_in(self, tag: bytes, argument: bytes) -> None:
        self._at("LOGIN", tag)
        script = self.server.script
        words = [re.sub(rb"\\(.)", rb"\1", quoted) or plain for quoted, plain in _WORD.findall(argument)]
        if words != [script.user.encode(), script.password.encode()]:
            self._send(tag + b" NO [AUTHENTICATIONFAILED] Invalid credentials")
            return
        script.logins += 1
        self._send(tag + b" OK Signed in")

    def _select(self, tag: bytes) -> None:
        self._at("SELECT", tag)
        uids = self.server.folder.uids()
        self._send(
            b"* %d EXISTS" % len(uids),
            b"* 0 RECENT",
            b"* FLAGS ()",
            b"* OK [UIDVALIDITY %d] Valid" % self.server.script.uid_validity,
            b"* OK [UIDNEXT %d] Next" % (max(uids, default=0) + 1),
            tag + b" OK [READ-ONLY] Open",
        )

    def _search(self, tag: bytes, argument: bytes) -> None:
        self._at("SEARCH", tag)
        chosen = argument.upper().removeprefix(b"UID ")
        self._send(b"* SEARCH " + b" ".join(b"%d" % uid for uid in self._chosen(chosen)))

    def _fetch(self, tag: bytes, argument: bytes) -> None:
        chosen, _space, wanted = argument.partition(b" ")
        section = _SECTION.search(wanted)
        length = int(section[1]) if section and section[1] else None
        for uid in self._chosen(chosen):
            self._at("FETCH", tag)
            raw = self.server.folder.with_uid(uid)
            if raw is None:
                continue
            self.server.script.fetched.append(uid)
            text = raw[:length]
            literal = b"BODY[]<0> {%d}\r\n" % len(text) + text
            ends = (b"* %d FETCH (" % uid, b" UID %d)" % uid)
            if not self.server.script.uid_comes_last:
                ends = (b"* %d FETCH (UID %d " % (uid, uid), b")")
            self._send(ends[0] + literal + ends[1])

    def _chosen(self, numbers: bytes) -> Iterable[int]:
        """Returns the UIDs in a set such as 1,4:7,9:*."""
        uids = self.server.folder.uids()
        if numbers == b"ALL":
            return uids
        chosen = []
        for part in numbers.split(b","):
            first, _colon, last = part.partition(b":")
            end = (_HIGHEST_UID if last == b"*" else int(last)) if last else int(first)
            chosen += uids[bisect_left(uids, int(first)) : bisect_right(uids, end)]
        return chosen

    def _at(self, step: Step, tag: bytes) -> None:
        """Makes the trouble of this step, if any."""
        script = self.server.script
        if script.hangs_at == step:
            script.stopped.wait()
            raise _Ended
        if script.closes_at == step:
            raise _Ended
        if script.refuses_at == step:
            self._send(tag + (b" BYE " if step == "CONNECT" else b" NO ") + script.words.encode())
            raise _Ended

    def _send(self, *lines: bytes) -> None:
        self.wfile.write(b"".join(line + b"\r\n" for line in lines))
