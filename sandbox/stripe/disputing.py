"""Disputes: opened by the client's bank, won or lost later."""

from sandbox.stripe.desk import Desk
from sandbox.stripe.problems import Json, invalid

ANSWER_DAYS = 20


def open_dispute(desk: Desk, charge: Json, *, amount: int | None = None, reason: str = "general") -> Json:
    if charge["disputed"] or not charge["paid"]:
        raise invalid("This charge cannot be disputed.")
    amount = charge["amount"] if amount is None else amount
    dispute = desk.new(
        "dispute",
        amount=amount,
        currency=charge["currency"],
        charge=charge["id"],
        payment_intent=charge["payment_intent"],
        reason=reason,
        status="needs_response",
    )
    dispute["evidence_details"]["due_by"] = desk.now + ANSWER_DAYS * 86400
    _book(desk, dispute, -amount)
    charge["disputed"] = True
    desk.save(charge)
    desk.send_event("charge.dispute.created", dispute)
    desk.send_event("charge.dispute.funds_withdrawn", dispute)
    return dispute


def close(desk: Desk, dispute: Json, *, won: bool) -> Json:
    if dispute["status"] in {"won", "lost"}:
        raise invalid("This dispute is already closed.")
    dispute["status"] = "won" if won else "lost"
    if won:
        _book(desk, dispute, dispute["amount"])
    desk.save(dispute)
    desk.send_event("charge.dispute.closed", dispute)
    if won:
        desk.send_event("charge.dispute.funds_reinstated", dispute)
    return dispute


def _book(desk: Desk, dispute: Json, amount: int) -> None:
    entry = desk.new(
        "balance_transaction",
        amount=amount,
        currency=dispute["currency"],
        net=amount,
        source=dispute["id"],
        type="adjustment",
        reporting_category="dispute" if amount < 0 else "dispute_reversal",
        available_on=desk.now,
    )
    dispute["balance_transactions"] = [*dispute["balance_transactions"], entry]
    desk.save(dispute)
