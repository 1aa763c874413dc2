"""Refunds, created by the API or in the dashboard; some fail days later."""

from sandbox.stripe.account_data import AccountData
from sandbox.stripe.api_errors import Json, invalid
from sandbox.stripe.payments import amounts
from sandbox.stripe.payments.cards import BY_NUMBER


def refund(
    data: AccountData,
    charge: Json,
    *,
    amount: int | None = None,
    reason: str | None = None,
    metadata: Json | None = None,
) -> Json:
    left = charge["amount"] - charge["amount_refunded"]
    if not charge["paid"]:
        raise invalid("This charge did not succeed, so there is nothing to refund.", param="charge")
    if charge["disputed"] and _is_disputed(data, charge):
        raise invalid(f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed")
    if left <= 0:
        raise invalid(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    amount = left if amount is None else amount
    if amount < 1:
        raise invalid("Invalid positive integer", param="amount", code="parameter_invalid_integer")
    if amount > left:
        raise invalid(f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})", param="amount")
    amounts.refuse_fraction(amount, charge["currency"])
    body = data.new(
        "refund",
        amount=amount,
        currency=charge["currency"],
        charge=charge["id"],
        customer=charge["customer"],
        payment_intent=charge["payment_intent"],
        payment_method=charge["payment_method"],
        reason=reason,
        metadata=metadata or {},
        status="pending" if BY_NUMBER[charge["_card"]].refund == "pending" else "succeeded",
    )
    body["balance_transaction"] = _book(data, body, -amount)["id"]
    data.save(body)
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    data.save(charge)
    data.send_event("refund.created", body)
    data.send_event("charge.refunded", charge)
    return body


def fail(data: AccountData, body: Json) -> Json:
    """Fails a refund: the client's bank sent the money back."""
    if body["status"] == "failed":
        raise invalid("This refund failed already.")
    body |= {"status": "failed", "failure_reason": "expired_or_canceled_card"}
    body["failure_balance_transaction"] = _book(data, body, body["amount"])["id"]
    data.save(body)
    charge = data.get("charge", body["charge"])
    charge["amount_refunded"] -= body["amount"]
    charge["refunded"] = False
    data.save(charge)
    data.send_event("refund.updated", body)
    data.send_event("refund.failed", body)
    return body


def succeed(data: AccountData, body: Json) -> Json:
    if body["status"] != "pending":
        raise invalid("This refund is not pending.")
    body["status"] = "succeeded"
    data.save(body)
    data.send_event("refund.updated", body)
    return body


def _is_disputed(data: AccountData, charge: Json) -> bool:
    return bool(data.all("dispute", lambda each: each["charge"] == charge["id"] and each["status"] != "won"))


def _book(data: AccountData, body: Json, amount: int) -> Json:
    return data.new(
        "balance_transaction",
        amount=amount,
        currency=body["currency"],
        net=amount,
        source=body["id"],
        type="refund" if amount < 0 else "refund_failure",
        reporting_category="refund" if amount < 0 else "refund_failure",
        available_on=data.now,
    )
