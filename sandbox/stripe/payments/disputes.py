"""Disputes: opened by the client's bank, won or lost later."""

from sandbox.stripe.account_data import AccountData
from sandbox.stripe.api_errors import Json, invalid

ANSWER_DAYS = 20


def open_dispute(data: AccountData, charge: Json, *, amount: int | None = None, reason: str = "general") -> Json:
    if charge["disputed"] or not charge["paid"]:
        raise invalid("This charge cannot be disputed.")
    amount = charge["amount"] if amount is None else amount
    dispute = data.new(
        "dispute",
        amount=amount,
        currency=charge["currency"],
        charge=charge["id"],
        payment_intent=charge["payment_intent"],
        reason=reason,
        status="needs_response",
    )
    dispute["evidence_details"]["due_by"] = data.now + ANSWER_DAYS * 86400
    _book(data, dispute, -amount)
    charge["disputed"] = True
    data.save(charge)
    data.send_event("charge.dispute.created", dispute)
    data.send_event("charge.dispute.funds_withdrawn", dispute)
    return dispute


def close(data: AccountData, dispute: Json, *, won: bool) -> Json:
    if dispute["status"] in {"won", "lost"}:
        raise invalid("This dispute is already closed.")
    dispute["status"] = "won" if won else "lost"
    if won:
        _book(data, dispute, dispute["amount"])
    data.save(dispute)
    data.send_event("charge.dispute.closed", dispute)
    if won:
        data.send_event("charge.dispute.funds_reinstated", dispute)
    return dispute


def _book(data: AccountData, dispute: Json, amount: int) -> None:
    entry = data.new(
        "balance_transaction",
        amount=amount,
        currency=dispute["currency"],
        net=amount,
        source=dispute["id"],
        type="adjustment",
        reporting_category="dispute" if amount < 0 else "dispute_reversal",
        available_on=data.now,
    )
    dispute["balance_transactions"] = [*dispute["balance_transactions"], entry]
    data.save(dispute)
