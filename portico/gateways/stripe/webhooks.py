"""Whether an event really comes from Stripe: https://docs.stripe.com/webhooks#verify-manually."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from portico.gateways.stripe import parsing
from portico.gateways.stripe.objects import Event

TOLERANCE = timedelta(minutes=5)
MAX_SIGNATURES = 10


class SignatureInvalid(Exception):
    """Nobody who knows the secret signed this, or not now."""


class PayloadInvalid(Exception):
    """Signed, but no event."""


def read(body: bytes, signature: str, *, secret: str, now: datetime) -> Event:
    """The event. Raises Forged and Unreadable.

    More than 5 minutes old or ahead is refused; the SDK's own check lets the future pass. Of several signatures,
    as Stripe sends them while a secret is being rolled, one must be right.
    """
    _verify(body, signature, secret, now)
    try:
        return _event(json.loads(body))
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise PayloadInvalid(type(error).__name__) from error


def _verify(body: bytes, signature: str, secret: str, now: datetime) -> None:
    if not secret:
        raise SignatureInvalid("There is no secret to compare with.")
    pairs = [part.strip().partition("=") for part in signature.split(",")]
    times = [value for name, _, value in pairs if name == "t"]
    given = [value for name, _, value in pairs if name == "v1"][:MAX_SIGNATURES]
    if len(times) != 1 or not (times[0].isascii() and times[0].isdigit() and len(times[0]) < 12):
        raise SignatureInvalid("There is no time in the signature.")
    signed_at = datetime.fromtimestamp(int(times[0]), UTC)
    if abs(now - signed_at) > TOLERANCE:
        raise SignatureInvalid("Signed too long ago, or ahead of time.")
    right = hmac.new(secret.encode(), times[0].encode() + b"." + body, hashlib.sha256).hexdigest()
    if not any(hmac.compare_digest(right.encode(), each.encode("utf-8", "replace")) for each in given):
        raise SignatureInvalid("No signature is right.")


def _event(body: Any) -> Event:  # Any: whatever JSON holds.
    """Of the object only its kind and id: it is asked for afresh, and what it says of a person is not kept."""
    inside = body["data"]["object"]
    texts = (body["id"], body["type"], inside["object"])
    # A few objects have no id of their own; no event of ours is about them.
    id_ = inside.get("id", "")
    if body["object"] != "event" or not all(isinstance(each, str) for each in (*texts, id_)):
        raise ValueError("not an event")
    if not isinstance(body["livemode"], bool) or not isinstance(body["created"], int):
        raise TypeError("not an event's fields")
    return Event(
        id=body["id"],
        type=body["type"],
        livemode=body["livemode"],
        created_at=parsing.time(body["created"]),
        object_kind=inside["object"],
        object_id=id_,
    )
