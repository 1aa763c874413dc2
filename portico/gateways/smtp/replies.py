"""What an SMTP server's answer means for a mail: RFC 5321 replies and RFC 3463 enhanced codes."""

import re
from dataclasses import dataclass
from enum import StrEnum

ENHANCED = re.compile(r"\s*([245])\.(\d{1,3})\.(\d{1,3})(?!\S)")
TEXT_LENGTH = 200

# Servers without enhanced codes: these mean "log in first" or "not with this login", at whatever stage.
NOT_SIGNED_IN = {530, 534, 535, 538}
# The server is closing the line; that says nothing about the mail.
CLOSING = 421
NO_SUCH_MAILBOX = {550, 551, 553}
# Of 5.1.x these two speak of the sender's address, which is ours.
ABOUT_THE_SENDER = {"5.1.7", "5.1.8"}


class Stage(StrEnum):
    CONNECT = "connect"
    TLS = "tls"
    LOGIN = "login"
    SENDER = "sender"
    RECIPIENT = "recipient"
    CONTENT = "content"


class ReplyKind(StrEnum):
    """What became of the mail. `LOST`: the server may have taken it, but its answer did not arrive."""

    TAKEN = "taken"
    OURS = "ours"
    LATER = "later"
    MAILBOX = "mailbox"
    MESSAGE = "message"
    LOST = "lost"


@dataclass(frozen=True)
class SmtpReply:
    kind: ReplyKind
    stage: Stage
    # The enhanced code where there is one ("5.1.1"), else the reply's number ("550"), else empty.
    code: str
    text: str


def classify(stage: Stage, number: int, text: bytes | str) -> SmtpReply:
    """Who is meant by an answer that is not the one hoped for: us, the mailbox, the mail, or nobody for good."""
    words = plain_text(text)
    code = enhanced_code(words)
    return SmtpReply(_kind(stage, number, code), stage, code or (str(number) if number > 0 else ""), words)


def enhanced_code(text: str) -> str:
    """The code an answer begins with, such as "5.1.1"; empty when it has none."""
    found = ENHANCED.match(text)
    return ".".join(found.groups()) if found else ""


def plain_text(text: bytes | str) -> str:
    """One short printable line, whatever the server wrote."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    printable = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(printable.split())[:TEXT_LENGTH]


def _kind(stage: Stage, number: int, code: str) -> ReplyKind:
    if stage not in {Stage.RECIPIENT, Stage.CONTENT} or number < 400 or number == CLOSING:
        return ReplyKind.OURS
    if number < 500:
        return ReplyKind.LATER
    return _refusal(stage, number, code)


def _refusal(stage: Stage, number: int, code: str) -> ReplyKind:
    if number in NOT_SIGNED_IN or code.startswith("5.7.") or code in ABOUT_THE_SENDER:
        return ReplyKind.OURS
    if code.startswith("5.1.") or code == "5.2.1":
        return ReplyKind.MAILBOX
    if not code and stage is Stage.RECIPIENT and number in NO_SUCH_MAILBOX:
        return ReplyKind.MAILBOX
    return ReplyKind.MESSAGE
