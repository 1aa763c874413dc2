"""SMTP replies classified by their meaning for a mail: RFC 5321 reply codes and RFC 3463 enhanced status codes."""

from dataclasses import dataclass
from enum import StrEnum

from portico import enhanced_status_codes

TEXT_LENGTH = 200

# Without enhanced codes these mean "authentication required" or "authentication failed", at any stage.
AUTHENTICATION_ERRORS = {530, 534, 535, 538}
# The server is closing the connection, whatever the mail.
CLOSING = 421
NO_SUCH_MAILBOX = {550, 551, 553}
# Of 5.1.x these two concern the sender's address, which is ours.
SENDER_ADDRESS_CODES = {"5.1.7", "5.1.8"}


class Stage(StrEnum):
    CONNECT = "connect"
    TLS = "tls"
    LOGIN = "login"
    SENDER = "sender"
    RECIPIENT = "recipient"
    CONTENT = "content"


class ReplyKind(StrEnum):
    """The outcome for the mail. `LOST`: the server may have accepted it, but its reply did not arrive.

    `LISTED`: a provider sends nothing to the address, which is on its own suppression list.
    """

    TAKEN = "taken"
    OURS = "ours"
    LATER = "later"
    MAILBOX = "mailbox"
    LISTED = "listed"
    MESSAGE = "message"
    LOST = "lost"


@dataclass(frozen=True)
class SmtpReply:
    kind: ReplyKind
    stage: Stage
    # The enhanced code if there is one ("5.1.1"), else the reply code ("550"), else empty.
    code: str
    text: str


def classify(stage: Stage, number: int, text: bytes | str) -> SmtpReply:
    """Classifies an error reply: caused by our setup, by the mailbox, by the message, or temporary."""
    plain = plain_text(text)
    code = enhanced_status_codes.leading_in(plain)
    return SmtpReply(_kind(stage, number, code), stage, code or (str(number) if number > 0 else ""), plain)


def plain_text(text: bytes | str) -> str:
    """Returns the server's text as one short printable line."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split())[:TEXT_LENGTH]


def _kind(stage: Stage, number: int, code: str) -> ReplyKind:
    if stage not in {Stage.RECIPIENT, Stage.CONTENT} or number < 400 or number == CLOSING:
        return ReplyKind.OURS
    if number < 500:
        return ReplyKind.LATER
    return _permanent_kind(stage, number, code)


def _permanent_kind(stage: Stage, number: int, code: str) -> ReplyKind:
    if number in AUTHENTICATION_ERRORS or code.startswith("5.7.") or code in SENDER_ADDRESS_CODES:
        return ReplyKind.OURS
    if code.startswith("5.1.") or code == "5.2.1":
        return ReplyKind.MAILBOX
    if not code and stage is Stage.RECIPIENT and number in NO_SUCH_MAILBOX:
        return ReplyKind.MAILBOX
    return ReplyKind.MESSAGE
