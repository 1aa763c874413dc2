"""What can go wrong with a call to Stripe, told apart by what it means for the money."""

from portico.gateways.stripe.things import Intent


class StripeTrouble(Exception):
    """The call did not give what was asked for. `reference` is Stripe's own name for the request."""

    def __init__(self, message: str, *, code: str = "", reference: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.reference = reference


class CardRefused(StripeTrouble):
    """The bank or Stripe said no; nothing was charged. `code` says why, see `declines.reason`."""

    def __init__(self, message: str, *, code: str, reference: str = "", intent: Intent | None = None) -> None:
        super().__init__(message, code=code, reference=reference)
        self.intent = intent


class BadKey(StripeTrouble):
    """Stripe does not take the key: nothing was done."""


class KeyLacksPermission(BadKey):
    """The key is good, but a restricted one that may not do this."""


class NotSetUp(StripeTrouble):
    """The account may not charge yet: nothing was done."""


class Rejected(StripeTrouble):
    """Stripe understood the call and cannot do it; nothing was done. `code` is Stripe's own."""


class NotThere(Rejected):
    """There is no such thing in this account and mode."""


class KeyUsedOtherwise(Rejected):
    """The idempotency key was used before with other parameters."""


class Unknown(StripeTrouble):
    """No answer that could be read: it may have been done or not. Ask before doing anything else."""


class NotReached(Unknown):
    """Stripe took nothing in: this call did nothing, though an earlier one with its key may have."""
