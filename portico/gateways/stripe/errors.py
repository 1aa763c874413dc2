"""Exceptions for failed calls to Stripe, by what each means for the payment."""

import re
from enum import StrEnum
from typing import ClassVar

from portico.gateways.stripe.objects import PaymentIntent


class Failure(StrEnum):
    """A kind of failure; stored, logged and shown to staff."""

    DECLINED = "declined"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    RATE_LIMITED = "rate_limited"
    KEY_REFUSED = "key_refused"
    PERMISSION = "permission"
    ACCOUNT_CLOSED = "account_closed"
    NO_ANSWER = "no_answer"


class StripeCallFailed(Exception):
    """The call to Stripe failed.

    `code` and `param` are Stripe's own; `reference` is the request id by which Stripe's log has the call.
    """

    failure: ClassVar[Failure] = Failure.NO_ANSWER

    def __init__(self, message: str, *, code: str = "", param: str = "", reference: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.param = param
        self.reference = reference

    @property
    def details(self) -> dict[str, str]:
        """Returns the fields for the log and the audit log. Stripe's message is left out: it may repeat typed input."""
        return {
            "failure": self.failure.value,
            "code": self.code[:100],
            "param": self.param[:100],
            "request": self.reference[:64],
        }


class CardDeclined(StripeCallFailed):
    """The bank or Stripe declined the card; nothing was charged. For `code` see `decline_reasons.reason`."""

    failure = Failure.DECLINED

    def __init__(
        self, message: str, *, code: str, param: str = "", reference: str = "", intent: PaymentIntent | None = None
    ) -> None:
        super().__init__(message, code=code, param=param, reference=reference)
        self.intent = intent


class InvalidKey(StripeCallFailed):
    """Stripe does not accept the key; nothing was done."""

    failure = Failure.KEY_REFUSED


class PermissionMissing(InvalidKey):
    """The key is a restricted one without the permission for this call."""

    failure = Failure.PERMISSION


class NotSetUp(StripeCallFailed):
    """The account cannot charge; nothing was done."""

    failure = Failure.ACCOUNT_CLOSED


class RequestRejected(StripeCallFailed):
    """Stripe rejected the request; nothing was done."""

    failure = Failure.REFUSED

    def is_about(self, field: str) -> bool:
        """Returns True if Stripe names this parameter or one inside it, such as metadata[portico_client]."""
        if self.code == f"{field}_invalid":
            return True
        names = re.findall(r"[^\[\]]+", self.param)
        return field in names and "line_items" not in names


class ResourceMissing(RequestRejected):
    """The object does not exist in this account and mode: resource_missing."""


class IdempotencyKeyReused(RequestRejected):
    """The idempotency key was used before with other parameters."""


class OutcomeUnknown(StripeCallFailed):
    """No readable response: it may have been done or not. Look it up before doing anything else."""


class StripeUnreachable(OutcomeUnknown):
    """The request did not reach Stripe. An earlier one with the same idempotency key may have."""

    failure = Failure.UNREACHABLE


class RateLimited(StripeUnreachable):
    """Stripe accepts no more calls of this account for a moment."""

    failure = Failure.RATE_LIMITED
