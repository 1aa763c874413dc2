"""Decides the outcome of a mail by its address: bounce@…, block@…, slow@…, spam@…, away@…; any other one is delivered.

The events have the fields and the wording of Postmark's documentation: https://postmarkapp.com/developer/webhooks
"""

import itertools
import uuid
from datetime import UTC, datetime
from email.utils import parseaddr
from typing import Any

type Json = dict[str, Any]  # Any: JSON.

_ids = itertools.count(42)

# Type, type code, name, description, and the reply of the receiving server.
_BOUNCES = {
    "bounce": (
        *("HardBounce", 1, "Hard bounce"),
        "The server was unable to deliver your message (ex: unknown user, mailbox not found).",
        "smtp;550 5.1.1 The email account that you tried to reach does not exist.",
    ),
    "block": (
        *("Blocked", 100006, "ISP block"),
        "Blocked from this ISP due to content or blacklisting.",
        "smtp;550 5.7.1 Our system has detected that this message is likely unsolicited mail.",
    ),
    "slow": (
        *("Transient", 2, "Message delayed"),
        "The server could not temporarily deliver your message (ex: Message is delayed due to network troubles).",
        "smtp;451 4.3.0 Temporary server error. Please try again later",
    ),
    "away": (
        *("AutoResponder", 32, "Auto responder"),
        "Automatic email responder (ex: 'Out of Office' or 'On Vacation').",
        "I am out of the office.",
    ),
}


def now() -> str:
    return datetime.now(UTC).isoformat()


def new_id() -> str:
    return str(uuid.uuid4())


def is_inactive(address: str) -> bool:
    return address.startswith("inactive@")


def event_of(mail: Json) -> Json:
    """Returns the event about an accepted mail."""
    address = parseaddr(mail["To"])[1]
    local = address.partition("@")[0]
    common = {"ServerID": 23, "MessageID": mail["MessageID"], "Metadata": mail.get("Metadata", {}), "Tag": ""}
    if local == "spam":
        return common | {
            "RecordType": "SpamComplaint",
            "Type": "SpamComplaint",
            "TypeCode": 512,
            "Name": "Spam complaint",
            "ID": next(_ids),
            "Email": address,
            "From": mail["From"],
            "BouncedAt": now(),
            "Details": "",
            "Description": "The subscriber explicitly marked this message as spam.",
            "Inactive": True,
        }
    if local in _BOUNCES:
        kind, code, name, description, details = _BOUNCES[local]
        return common | {
            "RecordType": "Bounce",
            "ID": next(_ids),
            "Type": kind,
            "TypeCode": code,
            "Name": name,
            "Description": description,
            "Details": details,
            "Email": address,
            "From": mail["From"],
            "BouncedAt": now(),
            "DumpAvailable": True,
            "Inactive": kind == "HardBounce",
            "CanActivate": True,
            "Subject": mail["Subject"],
            "MessageStream": "outbound",
        }
    return common | {
        "RecordType": "Delivery",
        "Recipient": address,
        "DeliveredAt": now(),
        "MessageStream": "outbound",
        "Details": "smtp;250 2.0.0 OK l10si21599969igu.63 - gsmtp",
    }
