"""Charges, refunds, disputes and the balance."""

from sandbox.stripe import refunding
from sandbox.stripe.answers import listing
from sandbox.stripe.asking import Asked
from sandbox.stripe.desk import Desk
from sandbox.stripe.problems import Json, invalid


def charge(desk: Desk, asked: Asked, id_: str) -> Json:
    asked.done()
    return desk.get("charge", id_)


def every_charge(desk: Desk, asked: Asked) -> Json:
    found = listing.answer(desk, asked, "charge", "/v1/charges", fields=("customer", "payment_intent"))
    asked.done()
    return found


def refund(desk: Desk, asked: Asked) -> Json:
    charge_id, intent_id = asked.maybe("charge"), asked.maybe("payment_intent")
    amount = asked.whole("amount", 0) if asked.has("amount") else None
    reason = asked.maybe("reason", among=("duplicate", "fraudulent", "requested_by_customer"))
    metadata = asked.metadata()
    asked.done()
    if not charge_id and not intent_id:
        raise invalid("One of the following params should be provided: charge or payment_intent.")
    if not charge_id:
        charge_id = desk.get("payment_intent", intent_id, param="payment_intent")["latest_charge"]
    paid = desk.get("charge", charge_id, param="charge")
    return refunding.refund(desk, paid, amount=amount, reason=reason, metadata=metadata)


def one_refund(desk: Desk, asked: Asked, id_: str) -> Json:
    asked.done()
    return desk.get("refund", id_)


def every_refund(desk: Desk, asked: Asked) -> Json:
    found = listing.answer(desk, asked, "refund", "/v1/refunds", fields=("charge", "payment_intent"))
    asked.done()
    return found


def dispute(desk: Desk, asked: Asked, id_: str) -> Json:
    asked.done()
    return desk.get("dispute", id_)


def every_dispute(desk: Desk, asked: Asked) -> Json:
    found = listing.answer(desk, asked, "dispute", "/v1/disputes", fields=("charge", "payment_intent"))
    asked.done()
    return found


def balance_transaction(desk: Desk, asked: Asked, id_: str) -> Json:
    asked.done()
    return desk.get("balance_transaction", id_)


def every_balance_transaction(desk: Desk, asked: Asked) -> Json:
    found = listing.answer(desk, asked, "balance_transaction", "/v1/balance_transactions", fields=("source", "type"))
    asked.done()
    return found
