"""Reasons for a declined card, grouped by what a person can do: https://docs.stripe.com/declines/codes."""

from enum import StrEnum


class DeclineReason(StrEnum):
    """A reason that can be shown to the client. Stripe asks to show lost, stolen and fraud as `DECLINED` only."""

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
    """Returns the reason for a decline code or an error code."""
    return REASONS.get(code, DeclineReason.DECLINED)
