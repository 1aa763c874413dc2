"""Why a card was refused, in the few kinds that a person can act on: https://docs.stripe.com/declines/codes."""

from enum import StrEnum


class Reason(StrEnum):
    """What to tell the client. Stripe asks not to say more (lost, stolen, fraud) than `DECLINED`."""

    DECLINED = "declined"
    FUNDS = "funds"
    EXPIRED = "expired"
    NUMBER = "number"
    CODE = "code"
    BANK_ASKS = "bank_asks"
    BANK_REFUSED = "bank_refused"
    TRY_AGAIN = "try_again"
    LIMIT = "limit"
    CURRENCY = "currency"


REASONS = {
    "authentication_required": Reason.BANK_ASKS,
    "card_velocity_exceeded": Reason.LIMIT,
    "currency_not_supported": Reason.CURRENCY,
    "expired_card": Reason.EXPIRED,
    "incorrect_cvc": Reason.CODE,
    "incorrect_number": Reason.NUMBER,
    "insufficient_funds": Reason.FUNDS,
    "invalid_cvc": Reason.CODE,
    "invalid_expiry_month": Reason.EXPIRED,
    "invalid_expiry_year": Reason.EXPIRED,
    "invalid_number": Reason.NUMBER,
    "issuer_not_available": Reason.TRY_AGAIN,
    "payment_intent_authentication_failure": Reason.BANK_REFUSED,
    "processing_error": Reason.TRY_AGAIN,
    "reenter_transaction": Reason.TRY_AGAIN,
    "try_again_later": Reason.TRY_AGAIN,
    "withdrawal_count_limit_exceeded": Reason.LIMIT,
}


def reason(code: str) -> Reason:
    """Of a decline code or an error code."""
    return REASONS.get(code, Reason.DECLINED)
