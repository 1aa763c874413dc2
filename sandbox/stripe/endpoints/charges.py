"""Charges, refunds, disputes and the balance."""

from sandbox.stripe.account_data import AccountData
from sandbox.stripe.api_errors import Json, invalid
from sandbox.stripe.endpoints import pagination
from sandbox.stripe.parameters import Parameters
from sandbox.stripe.payments import refunds


def charge(data: AccountData, parameters: Parameters, id_: str) -> Json:
    parameters.done()
    return data.get("charge", id_)


def every_charge(data: AccountData, parameters: Parameters) -> Json:
    found = pagination.answer(data, parameters, "charge", "/v1/charges", fields=("customer", "payment_intent"))
    parameters.done()
    return found


def refund(data: AccountData, parameters: Parameters) -> Json:
    charge_id, intent_id = parameters.maybe("charge"), parameters.maybe("payment_intent")
    amount = parameters.whole("amount", 0) if parameters.has("amount") else None
    reason = parameters.maybe("reason", among=("duplicate", "fraudulent", "requested_by_customer"))
    metadata = parameters.metadata()
    parameters.done()
    if not charge_id and not intent_id:
        raise invalid("One of the following params should be provided: charge or payment_intent.")
    if not charge_id:
        charge_id = data.get("payment_intent", intent_id, param="payment_intent")["latest_charge"]
    paid = data.get("charge", charge_id, param="charge")
    return refunds.refund(data, paid, amount=amount, reason=reason, metadata=metadata)


def one_refund(data: AccountData, parameters: Parameters, id_: str) -> Json:
    parameters.done()
    return data.get("refund", id_)


def every_refund(data: AccountData, parameters: Parameters) -> Json:
    found = pagination.answer(data, parameters, "refund", "/v1/refunds", fields=("charge", "payment_intent"))
    parameters.done()
    return found


def dispute(data: AccountData, parameters: Parameters, id_: str) -> Json:
    parameters.done()
    return data.get("dispute", id_)


def every_dispute(data: AccountData, parameters: Parameters) -> Json:
    found = pagination.answer(data, parameters, "dispute", "/v1/disputes", fields=("charge", "payment_intent"))
    parameters.done()
    return found


def balance_transaction(data: AccountData, parameters: Parameters, id_: str) -> Json:
    parameters.done()
    return data.get("balance_transaction", id_)


def every_balance_transaction(data: AccountData, parameters: Parameters) -> Json:
    found = pagination.answer(
        data, parameters, "balance_transaction", "/v1/balance_transactions", fields=("source", "type")
    )
    parameters.done()
    return found
