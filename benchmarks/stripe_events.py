"""Signed webhook events, as requests to a WSGI application."""

import hashlib
import hmac
import json
import time

from django.test import RequestFactory

from benchmarks.instruments.server_time import Environ

SECRET = "whsec_bench"


def request(path: str, event_id: str, intent_id: str) -> Environ:
    """Returns the request by which Stripe announces that a payment intent succeeded."""
    at = int(time.time())
    body = json.dumps(
        {
            "id": event_id, "object": "event", "type": "payment_intent.succeeded", "livemode": False,
            "created": at, "data": {"object": {"id": intent_id, "object": "payment_intent"}},
        }
    ).encode()  # fmt: skip
    signature = hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {"host": "localhost", "Stripe-Signature": f"t={at},v1={signature}"}
    return RequestFactory(headers=headers).post(path, body, content_type="application/json").environ
