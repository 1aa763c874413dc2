"""Tags that identify a mail in the delivery reports about it: in the envelope sender (VERP) and as ENVID (RFC 3461).

Reports are matched by such a tag only. Headers and addresses in a report are written by others, and few reports have
the Message-ID.
"""

import base64
import hmac
import re
from collections.abc import Iterable

from django.conf import settings

from portico.plumbing import tokens

# Written by the servers that passed a mail on: the address in its envelope.
RECIPIENT_FIELDS = (
    "to", "delivered-to", "x-original-to", "original-recipient", "envelope-to", "x-envelope-to", "x-delivered-to",
)  # fmt: skip
# What is read of the addresses in a mail's header.
MAX_ADDRESSES_LENGTH = 8000
# RFC 5321, section 4.5.3.1.1.
LOCAL_PART_LENGTH = 64
_SIGNATURE_BYTES = 10
# Mail servers may change the case of a sender's local part.
_TAG = re.compile(r"([a-z2-7]{16})-([a-z2-7]{16})")


def tag_of(ref: str) -> str:
    """Returns the tag of the mail with this ref: the ref and its signature, in lower case."""
    return f"{ref}-{_signature(ref, settings.SECRET_KEY)}"


def envelope_sender(ref: str, *, base: str) -> str:
    """Returns the envelope sender of the mail, such as bounces+TAG@example.com for the base bounces@example.com.

    Returns the base unchanged if its local part leaves no room for the tag.
    """
    local, _at, domain = base.rpartition("@")
    tagged = f"{local}+{tag_of(ref)}"
    return f"{tagged}@{domain}" if len(tagged) <= LOCAL_PART_LENGTH else base


def refs_in(texts: Iterable[str]) -> tuple[str, ...]:
    """Returns the refs of all validly signed tags in the texts, each once, in order of appearance."""
    found = dict[str, None]()
    for text in texts:
        for ref, signature in _TAG.findall(text.lower()):
            if _is_signed(ref, signature):
                found[ref] = None
    return tuple(found)


def _is_signed(ref: str, signature: str) -> bool:
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return any(hmac.compare_digest(_signature(ref, key), signature) for key in keys)


def _signature(ref: str, key: str) -> str:
    digest = bytes.fromhex(tokens.keyed_digest(ref, purpose="delivery report", key=key))
    return base64.b32encode(digest[:_SIGNATURE_BYTES]).decode("ascii").lower()
