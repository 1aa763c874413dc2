"""Webhook payloads: signature verification and parsing, see https://docs.stripe.com/webhooks#verify-manually."""

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
    """The payload was not signed with the secret, or not within the tolerance."""


class PayloadInvalid(Exception):
    """The signature is valid, but the payload is not an event."""


def read(body: bytes, signature: str, *, secret: str, now: datetime) -> Event:
    """Verifies the signature and returns the event. Raises SignatureInvalid and PayloadInvalid.

    A signature more than 5 minutes old or ahead is rejected; the SDK's own check accepts one from the future.
    Stripe sends several signatures while a secret is being rolled; one of them must match.
    """
    _verify(body, signature, secret, now)
    try:
        return _event(json.loads(body))
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise PayloadInvalid(type(error).__name__) from error


def _verify(body: bytes, signature: str, secret: str, now: datetime) -> None:
    if not secret:
        raise SignatureInvalid("No webhook secret is set.")
    pairs = [part.strip().partition("=") for part in signature.split(",")]
    timestamps = [value for name, _, value in pairs if name == "t"]
    signatures = [value for name, _, value in pairs if name == "v1"][:MAX_SIGNATURES]
    if len(timestamps) != 1 or not (timestamps[0].isascii() and timestamps[0].isdigit() and len(timestamps[0]) < 12):
        raise SignatureInvalid("The signature has no timestamp.")
    signed_at = datetime.fromtimestamp(int(timestamps[0]), UTC)
    if abs(now - signed_at) > TOLERANCE:
        raise SignatureInvalid("The timestamp is outside the tolerance.")
    expected = hmac.new(secret.encode(), timestamps[0].encode() + b"." + body, hashlib.sha256).hexdigest()
    if not any(hmac.compare_digest(expected.encode(), each.encode("utf-8", "replace")) for each in signatures):
        raise SignatureInvalid("No signature matches.")


def _event(body: Any) -> Event:  # Any: parsed JSON.
    """Reads only the kind and id of the object: it is looked up later, and its personal data is not stored."""
    subject = body["data"]["object"]
    texts = (body["id"], body["type"], subject["object"])
    # A few objects have no id; none of the subscribed event types is about them.
    id_ = subject.get("id", "")
    if body["object"] != "event" or not all(isinstance(each, str) for each in (*texts, id_)):
        raise ValueError("not an event")
    if not isinstance(body["livemode"], bool) or not isinstance(body["created"], int):
        raise TypeError("not an event's fields")
    return Event(
        id=body["id"],
        type=body["type"],
        livemode=body["livemode"],
        created_at=parsing.time(body["created"]),
        object_kind=subject["object"],
        object_id=id_,
    )
