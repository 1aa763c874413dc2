"""The client for calls to Stripe: one key, one deadline for all its calls, one family of exceptions."""

import re
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

KEY = re.compile(r"(sk|rk)_(test|live)_[A-Za-z0-9_]{1,200}")
# Sends no metrics of our calls along, and writes no file into the home folder.
stripe.enable_telemetry = False

CLOSED_ACCOUNT = {"account_invalid", "account_closed", "charges_not_enabled", "platform_account_required"}
MISSING = "resource_missing"


def is_key(text: str) -> bool:
    """Returns True if the text has the form of a secret key; only Stripe knows whether it is valid."""
    return KEY.fullmatch(text) is not None


def is_live(key: str) -> bool:
    return key[2:8] == "_live_"


class StripeClient:
    """Calls Stripe with one key, without retries. `before_call` may raise, as when a database transaction is open.

    `after_answer` is called with Stripe's time after every complete response, error responses included.
    """

    def __init__(
        self,
        key: str,
        *,
        base: str = "",
        deadline: Deadline | None = None,
        before_call: Callable[[], None] = lambda: None,
        after_answer: Callable[[datetime], None] = lambda stripe_time: None,
    ) -> None:
        self.is_live = is_live(key)
        self.deadline = deadline or Deadline()
        self._before_call = before_call
        self._after_answer = after_answer
        self._transport = HttpClient(self.deadline)
        self._client = stripe.StripeClient(
            key,
            base_addresses={"api": base} if base else {},
            http_client=self._transport,
            max_network_retries=0,
        )

    def call[T](self, request: Callable[[stripe.StripeClient], T]) -> T:
        """Makes the call and returns its result. Raises StripeCallFailed."""
        self._before_call()
        if self.deadline.left() <= 0:
            raise StripeUnreachable("There was no time left to ask Stripe.")
        try:
            return request(self._client)
        except stripe.StripeError as error:
            raise _translated(error) from error
        finally:
            if self._transport.response_time is not None:
                self._after_answer(self._transport.response_time)


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
