"""Stores received emails, each as a file in a folder."""

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import compat32, default
from email.utils import format_datetime
from pathlib import Path

LINE_BREAK = re.compile(r"\r?\n")
NAME = re.compile(r"\d{8}T\d{6}Z-\d{6}")


@dataclass(frozen=True)
class Mail:
    name: str
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.raw, policy=default)

    @property
    def taken_at(self) -> datetime:
        return datetime.strptime(self.name.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Returns the headers unfolded and decoded, as an email client shows them."""
        return [(name, _shown(value)) for name, value in message_from_bytes(self.raw, policy=compat32).raw_items()]

    def header(self, name: str) -> str:
        """Returns the first header of that name, or ""."""
        return next((value for each, value in self.headers if each.lower() == name.lower()), "")

    def body(self, kind: str) -> str:
        """Returns the part of that kind ("plain" or "html"), or ""."""
        part = self.message.get_body(preferencelist=(kind,))
        return str(part.get_content()) if part is not None else ""


class Mailbox:
    """A thread-safe folder of emails; files are renamed into place when complete."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._names = sorted(path.stem for path in folder.glob("*.eml") if NAME.fullmatch(path.stem))

    def keep(self, content: bytes, *, sender: str, recipients: list[str]) -> Mail:
        """Saves an email with the headers that a server adds on delivery: sender, recipient, time."""
        now = datetime.now(UTC)
        envelope = [f"Return-Path: <{sender}>", *(f"Delivered-To: {recipient}" for recipient in recipients)]
        envelope.append(f"Received: by localhost with SMTP; {format_datetime(now)}")
        return self.add("".join(f"{line}\r\n" for line in envelope).encode() + content)

    def add(self, raw: bytes) -> Mail:
        """Saves an email unchanged."""
        with self._lock:
            number = _number(self._names[-1]) + 1 if self._names else 1
            mail = Mail(f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{number:06}", raw)
            unfinished = self.folder / f"{mail.name}.part"
            unfinished.write_bytes(raw)
            unfinished.rename(self._path(mail.name))
            self._names.append(mail.name)
        return mail

    def newest_first(self) -> Iterator[Mail]:
        with self._lock:
            names = self._names[::-1]
        return (mail for name in names if (mail := self.find(name)) is not None)

    def find(self, name: str) -> Mail | None:
        path = self._path(name)
        if not NAME.fullmatch(name) or not path.is_file():
            return None
        return Mail(name, path.read_bytes())

    def uids(self) -> list[int]:
        """Returns the numbers of the emails, lowest first; as IMAP needs them, none is ever used again."""
        with self._lock:
            return [_number(name) for name in self._names]

    def with_uid(self, uid: int) -> bytes | None:
        with self._lock:
            name = next((name for name in self._names if _number(name) == uid), "")
        mail = self.find(name)
        return mail.raw if mail is not None else None

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.eml"


def _number(name: str) -> int:
    return int(name.partition("-")[2])


def _shown(value: str) -> str:
    # Not with the newer parser: before Python 3.13.4 it inserts a space between encoded words.
    unfolded = LINE_BREAK.sub("", value).encode(errors="surrogateescape").decode(errors="replace")
    return str(make_header(decode_header(unfolded)))
