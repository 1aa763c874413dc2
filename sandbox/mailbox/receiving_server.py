"""The server of the mailbox for delivery reports: delivers emails to it, and states in them how it judged them."""

from datetime import UTC, datetime
from email.utils import format_datetime

from sandbox.mailbox.report_writer import SentMail
from sandbox.mailbox.signing import Signer

NAME = "mx.portico.example"


def is_for_reports(mail: SentMail) -> bool:
    """Returns True if the recipient is the address to which reports about the mail are sent, with any tag."""
    return bool(mail.sender) and _untagged(mail.recipient) == _untagged(mail.sender)


def delivered(mail: SentMail, signer: Signer | None) -> bytes:
    """Returns the mail as the mailbox has it. What the server states is true of this machine's only sender."""
    domain = mail.sender.rpartition("@")[2]
    now = format_datetime(datetime.now(UTC))
    signature = f"dkim=pass header.d={signer.domain} header.s={signer.selector}" if signer else "dkim=none"
    lines = [
        f"Return-Path: <{mail.sender}>",
        f"Delivered-To: {mail.recipient}",
        f"Authentication-Results: {NAME};",
        f"\t{signature};",
        f"\tspf=pass (127.0.0.1 is permitted) smtp.mailfrom={mail.sender};",
        f"\tdmarc=pass (p=NONE) header.from={domain}",
        f"Received: from mail.{domain} (localhost [127.0.0.1]) by {NAME} with ESMTP; {now}",
    ]
    return "".join(f"{line}\r\n" for line in lines).encode() + mail.raw


def _untagged(address: str) -> str:
    local, _at, domain = address.lower().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"
