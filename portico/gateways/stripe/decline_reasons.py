"""Why a card was refused, in the few kinds that a person can act on: https://docs.stripe.com/declines/codes."""

from enum import StrEnum


class DeclineReason(StrEnum):
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
    "authentication_required": DeclineReason.BANK_ASKS,
    "card_velocity_exceeded": DeclineReason.LIMIT,
    "currency_not_supported": DeclineReason.CURRENCY,
    "expired_card": DeclineReason.EXPIRED,
    "incorrect_cvc": DeclineReason.CODE,
    "incorrect_number": DeclineReason.NUMBER,
    "insufficient_funds": DeclineReason.FUNDS,
    "invalid_cvc": DeclineReason.CODE,
    "invalid_expiry_month": DeclineReason.EXPIRED,
    "invalid_expiry_year": DeclineReason.EXPIRED,
    "invalid_number": DeclineReason.NUMBER,
    "issuer_not_available": DeclineReason.TRY_AGAIN,
    "payment_intent_authentication_failure": DeclineReason.BANK_REFUSED,
    "processing_error": DeclineReason.TRY_AGAIN,
    "reenter_transaction": DeclineReason.TRY_AGAIN,
    "try_again_later": DeclineReason.TRY_AGAIN,
    "withdrawal_count_limit_exceeded": DeclineReason.LIMIT,
}


def reason(code: str) -> DeclineReason:
    """Of a decline code or an error code."""
    return REASONS.get(code, DeclineReason.DECLINED)
