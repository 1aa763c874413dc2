"""Bounces in the own forms of mail servers, recognized by flufl.bounce, for those that send no RFC 3464."""

import re
from email.message import Message
from itertools import islice

from flufl.bounce import all_failures

from portico.plumbing.mail.reports.mime_reader import Part
from portico.plumbing.models import ReportKind

# Of one text, and of the mail: the detectors search each line for dozens of patterns.
MAX_LINES = 300
MAX_LINE_LENGTH = 400
MAX_TEXTS = 5
MAX_NOTICE_LENGTH = 1500
_HEADERS = ("from", "to", "subject", "x-failed-recipients", "x-mailer")
# The library takes some warnings, such as Exim's, for failures.
_DELAY = re.compile(
    r"\bdelayed\b|not yet been delivered|will be retried|(?:keep|continue|still) (?:to )?try|attempts will continue",
    re.IGNORECASE,
)
_ROBOTS = ("mailer-daemon", "postmaster", "mail delivery", "<>")


def detect(mail: Part, leaves: list[Part]) -> ReportKind | None:
    """Returns FAILED or DELAYED for a bounce, None for any other mail."""
    if not _is_from_a_server(mail):
        return None
    try:
        temporary, permanent = all_failures(_excerpt(mail, leaves))
    except Exception:  # noqa: BLE001  # Detectors of a library, on texts of strangers: one that fails detects nothing.
        return None
    if not temporary and not permanent:
        return None
    # The mail itself may follow.
    texts = (mail.value("subject"), *(_text(part)[:MAX_NOTICE_LENGTH] for part in leaves[:1]))
    is_delay = not permanent or any(_DELAY.search(text) for text in texts)
    return ReportKind.DELAYED if is_delay else ReportKind.FAILED


def _is_from_a_server(mail: Part) -> bool:
    """Returns True for a mail with an empty envelope sender, or from an address of mail servers."""
    senders = " ".join(mail.values("return-path", "from", "x-failed-recipients")).lower()
    return bool(mail.values("x-failed-recipients")) or any(robot in senders for robot in _ROBOTS)


def _excerpt(mail: Part, leaves: list[Part]) -> Message:
    """Returns a small message with the same first texts."""
    message = Message()
    for name in _HEADERS:
        if mail.value(name):
            message[name] = mail.value(name)
    texts: list[Message | str] = [_text_part(part) for part in islice(leaves, MAX_TEXTS)]
    if not mail.content_type.startswith("multipart/"):
        message.set_payload(_text(mail))
        return message
    message["Content-Type"] = mail.content_type
    message.set_payload(texts)
    return message


def _text_part(part: Part) -> Message:
    text = Message()
    # A message inside is only text to the detectors, which would otherwise expect its parts.
    text["Content-Type"] = part.content_type if part.content_type.startswith("text/") else "text/plain"
    text.set_payload(_text(part))
    return text


def _text(part: Part) -> str:
    lines = part.content.split(b"\n", MAX_LINES)[:MAX_LINES]
    return "\n".join(line[:MAX_LINE_LENGTH].decode("utf-8", "replace") for line in lines)
