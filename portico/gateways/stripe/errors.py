"""What can go wrong with a call to Stripe, told apart by what it means for the money."""

import re
from enum import StrEnum
from typing import ClassVar

from portico.gateways.stripe.objects import PaymentIntent


class Failure(StrEnum):
    """One word for each way a call can fail; it is stored, logged and shown to staff."""

    DECLINED = "declined"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    RATE_LIMITED = "rate_limited"
    KEY_REFUSED = "key_refused"
    PERMISSION = "permission"
    ACCOUNT_CLOSED = "account_closed"
    NO_ANSWER = "no_answer"


class StripeCallFailed(Exception):
    """The call did not give what was asked for.

    `code` and `param` are Stripe's own; `reference` is the request id under which Stripe's log has the call.
    """

    failure: ClassVar[Failure] = Failure.NO_ANSWER

    def __init__(self, message: str, *, code: str = "", param: str = "", reference: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.param = param
        self.reference = reference

    @property
    def details(self) -> dict[str, str]:
        """What logs and the trail keep of it. Stripe's message is left out: it may repeat what a person typed."""
        return {
            "failure": self.failure.value,
            "code": self.code[:100],
            "param": self.param[:100],
            "request": self.reference[:64],
        }


class CardDeclined(StripeCallFailed):
    """The bank or Stripe said no; nothing was charged. `code` says why, see `declines.reason`."""

    failure = Failure.DECLINED

    def __init__(
        self, message: str, *, code: str, param: str = "", reference: str = "", intent: PaymentIntent | None = None
    ) -> None:
        super().__init__(message, code=code, param=param, reference=reference)
        self.intent = intent


class InvalidKey(StripeCallFailed):
    """Stripe does not take the key: nothing was done."""

    failure = Failure.KEY_REFUSED


class PermissionMissing(InvalidKey):
    """The key is good, but a restricted one that may not do this."""

    failure = Failure.PERMISSION


class NotSetUp(StripeCallFailed):
    """The account may not charge yet: nothing was done."""

    failure = Failure.ACCOUNT_CLOSED


class RequestRejected(StripeCallFailed):
    """Stripe understood the call and cannot do it; nothing was done. `code` is Stripe's own."""

    failure = Failure.REFUSED

    def is_about(self, field: str) -> bool:
        """Whether the parameter that Stripe names is this one, or lies inside it: metadata[portico_client]."""
        if self.code == f"{field}_invalid":
            return True
        steps = re.findall(r"[^\[\]]+", self.param)
        return field in steps and "line_items" not in steps


class ResourceMissing(RequestRejected):
    """There is no such thing in this account and mode: resource_missing."""


class IdempotencyKeyReused(RequestRejected):
    """The idempotency key was used before with other parameters."""


class OutcomeUnknown(StripeCallFailed):
    """No answer that could be read: it may have been done or not. Ask before doing anything else."""


class StripeUnreachable(OutcomeUnknown):
    """Stripe took nothing in: this call did nothing, though an earlier one with its key may have."""

    failure = Failure.UNREACHABLE


class RateLimited(StripeUnreachable):
    """Stripe takes no more calls of this account for a moment."""

    failure = Failure.RATE_LIMITED
