"""Calls through Stripe's SDK, whose errors become ours. `client` imports this module when it is first used."""

from collections.abc import Callable
from datetime import datetime

import stripe

from portico.gateways.stripe import parsing
from portico.gateways.stripe.deadline import Deadline
from portico.gateways.stripe.errors import (
    CardDeclined,
    IdempotencyKeyReused,
    InvalidKey,
    NotSetUp,
    OutcomeUnknown,
    PermissionMissing,
    RateLimited,
    RequestRejected,
    ResourceMissing,
    StripeCallFailed,
    StripeUnreachable,
)
from portico.gateways.stripe.http_client import HttpClient, RequestNotSent

# Sends no metrics of our calls along, and writes no file into the home folder.
stripe.enable_telemetry = False

CLOSED_ACCOUNT = {"account_invalid", "account_closed", "charges_not_enabled", "platform_account_required"}
MISSING = "resource_missing"


class Sdk:
    """The SDK's client for one key, without retries."""

    def __init__(self, key: str, *, base: str, deadline: Deadline, keeps_connection: bool) -> None:
        self._transport = HttpClient(deadline, keeps_connection=keeps_connection)
        self._client = stripe.StripeClient(
            key,
            base_addresses={"api": base} if base else {},
            http_client=self._transport,
            max_network_retries=0,
        )

    @property
    def response_time(self) -> datetime | None:
        """Stripe's time at its last complete response."""
        return self._transport.response_time

    def set_deadline(self, deadline: Deadline) -> None:
        self._transport.deadline = deadline

    def close(self) -> None:
        self._transport.close()

    def call[T](self, request: Callable[[stripe.StripeClient], T]) -> T:
        """Makes the call and returns its result. Raises StripeCallFailed."""
        try:
            return request(self._client)
        except stripe.StripeError as error:
            raise _translated(error) from error


def _translated(error: stripe.StripeError) -> StripeCallFailed:
    code, reference = _detail(error, "code"), error.request_id or ""
    message, param = error.user_message or "", _detail(error, "param")
    if isinstance(error, stripe.CardError):
        intent_body = error.error.payment_intent if error.error else None
        decline = getattr(error.error, "decline_code", None) or code
        intent = parsing.intent(intent_body) if intent_body else None
        return CardDeclined(message, code=decline, param=param, reference=reference, intent=intent)
    return _class_for(error, code)(message, code=code, param=param, reference=reference)


def _class_for(error: stripe.StripeError, code: str) -> type[StripeCallFailed]:
    match error:
        case RequestNotSent():
            return StripeUnreachable
        case stripe.RateLimitError():
            return RateLimited
        case stripe.AuthenticationError():
            return InvalidKey
        case stripe.PermissionError():
            return PermissionMissing
        case stripe.IdempotencyError():
            return IdempotencyKeyReused
        case stripe.InvalidRequestError() if code in CLOSED_ACCOUNT:
            return NotSetUp
        # 404 for the object in the URL, 400 for an object named by a parameter.
        case stripe.InvalidRequestError() if code == MISSING:
            return ResourceMissing
        case stripe.InvalidRequestError():
            return RequestRejected
    # Time-outs, lost and incomplete responses, 5xx, and the 409 of an idempotency key in use: it may have been done.
    return OutcomeUnknown


def _detail(error: stripe.StripeError, name: str) -> str:
    body = error.json_body
    details = body.get("error") if isinstance(body, dict) else None
    value = details.get(name) if isinstance(details, dict) else None
    return value if isinstance(value, str) else ""
