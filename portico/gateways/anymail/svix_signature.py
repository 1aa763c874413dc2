"""Verification of signed webhooks in the form of svix.com, which Resend uses: HMAC-SHA-256 of id, time and body.

https://docs.svix.com/receiving/verifying-payloads/how-manual
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime

PREFIX = "whsec_"
# A request that is older, or ahead by more, is refused: it may be a recorded request that is sent again.
TOLERANCE_SECONDS = 300


class Mismatch(Exception):
    """The request is not signed with this secret, or not recently."""


def verify(body: bytes, headers: Mapping[str, str], *, secret: str) -> None:
    """Returns if one of the signatures is valid; there are several while a secret is replaced. Raises Mismatch."""
    identifier, timestamp = headers.get("svix-id", ""), headers.get("svix-timestamp", "")
    if not timestamp.isascii() or not timestamp.isdecimal():
        raise Mismatch("The request has no time.")
    if abs(datetime.now(UTC).timestamp() - int(timestamp)) > TOLERANCE_SECONDS:
        raise Mismatch("The request is old.")
    expected = signature(body, identifier=identifier, timestamp=timestamp, secret=secret)
    for part in headers.get("svix-signature", "").split(" "):
        version, _comma, given = part.partition(",")
        if version == "v1" and hmac.compare_digest(given.encode(), expected.encode()):
            return
    raise Mismatch("The signature does not match.")


def signature(body: bytes, *, identifier: str, timestamp: str, secret: str) -> str:
    """Returns the signature of a request, in base64."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise Mismatch("The secret is not in base64.") from None
    signed = b".".join((identifier.encode(), timestamp.encode(), body))
    return base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode("ascii")
