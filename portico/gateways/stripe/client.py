"""A practice's line to Stripe: one key, one deadline over all its calls, and one way for things to go wrong."""

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
# No figures about our calls are sent along, and no file is written into the home folder.
stripe.enable_telemetry = False

CLOSED_ACCOUNT = {"account_invalid", "account_closed", "charges_not_enabled", "platform_account_required"}
MISSING = "resource_missing"


def is_key(text: str) -> bool:
    """Whether it has the form of a secret key; Stripe alone knows whether it is one."""
    return KEY.fullmatch(text) is not None


def is_live(key: str) -> bool:
    return key[2:8] == "_live_"


class StripeClient:
    """Never asks twice. `before_call` may refuse, as when a database transaction is open.

    `after_answer` is called with Stripe's time after every answer that came whole, errors included.
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

    def ask[T](self, question: Callable[[stripe.StripeClient], T]) -> T:
        """What Stripe answers. Raises StripeTrouble."""
        self._before_call()
        if self.deadline.left() <= 0:
            raise StripeUnreachable("There was no time left to ask Stripe.")
        try:
            return question(self._client)
        except stripe.StripeError as error:
            raise _trouble(error) from error
        finally:
            if self._transport.told_time is not None:
                self._after_answer(self._transport.told_time)


def _trouble(error: stripe.StripeError) -> StripeCallFailed:
    code, reference = _detail(error, "code"), error.request_id or ""
    message, param = error.user_message or "", _detail(error, "param")
    if isinstance(error, stripe.CardError):
        inside = error.error.payment_intent if error.error else None
        decline = getattr(error.error, "decline_code", None) or code
        intent = parsing.intent(inside) if inside else None
        return CardDeclined(message, code=decline, param=param, reference=reference, intent=intent)
    return _kind_of(error, code)(message, code=code, param=param, reference=reference)


def _kind_of(error: stripe.StripeError, code: str) -> type[StripeCallFailed]:
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
        # Answered with 404 for the thing itself, with 400 where a parameter names it.
        case stripe.InvalidRequestError() if code == MISSING:
            return ResourceMissing
        case stripe.InvalidRequestError():
            return RequestRejected
    # Time-outs, lost and half answers, 5xx, and the 409 of a key that is in flight: it may have been done.
    return OutcomeUnknown


def _detail(error: stripe.StripeError, name: str) -> str:
    body = error.json_body
    inside = body.get("error") if isinstance(body, dict) else None
    value = inside.get(name) if isinstance(inside, dict) else None
    return value if isinstance(value, str) else ""
