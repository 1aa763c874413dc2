"""Customers and their payment methods."""

import re

from sandbox.stripe import objects
from sandbox.stripe.account_data import AccountData
from sandbox.stripe.api_errors import Json, invalid
from sandbox.stripe.endpoints import pagination
from sandbox.stripe.parameters import Parameters
from sandbox.stripe.payments import charges
from sandbox.stripe.payments.cards import BY_TOKEN

# Stricter than other servers: such an address is refused with the code email_invalid.
EMAIL = re.compile(r"[!-?A-~]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", re.ASCII)
TEXTS = ("description", "email", "name", "phone")


def create(data: AccountData, parameters: Parameters) -> Json:
    values = {name: parameters.maybe(name) for name in TEXTS} | {"metadata": parameters.metadata()}
    parameters.done()
    if values["email"] and not EMAIL.fullmatch(str(values["email"])):
        raise invalid(f"Invalid email address: {values['email']}", param="email", code="email_invalid")
    customer = data.new("customer", **values, invoice_prefix=objects.new_id("", 8).upper())
    data.send_event("customer.created", customer)
    return customer


def retrieve(data: AccountData, parameters: Parameters, id_: str) -> Json:
    """Returns a customer, also a deleted one, as Stripe does."""
    parameters.done()
    return data.find("deleted_customer", id_) or data.get("customer", id_)


def update(data: AccountData, parameters: Parameters, id_: str) -> Json:
    customer = data.get("customer", id_)
    customer |= {name: parameters.maybe(name) for name in TEXTS if name in parameters.values}
    customer["metadata"] |= parameters.metadata()
    parameters.done()
    data.save(customer)
    data.send_event("customer.updated", customer)
    return customer


def delete(data: AccountData, parameters: Parameters, id_: str) -> Json:
    parameters.done()
    return remove(data, data.get("customer", id_))


def remove(data: AccountData, customer: Json) -> Json:
    """Deletes a customer for good; its cards can never be used again."""
    for method in data.all("payment_method", lambda each: each["customer"] == customer["id"]):
        detach_method(data, method)
    data.remove(customer)
    data.send_event("customer.deleted", customer)
    gone = {"id": customer["id"], "object": "customer", "deleted": True}
    data.store.put(data.account.scope, "deleted_customer", gone)
    return gone


def every(data: AccountData, parameters: Parameters) -> Json:
    found = pagination.answer(data, parameters, "customer", "/v1/customers", fields=("email",))
    parameters.done()
    return found


def methods_of(data: AccountData, parameters: Parameters, id_: str) -> Json:
    data.get("customer", id_)
    parameters.values["customer"] = id_
    return _methods(data, parameters, f"/v1/customers/{id_}/payment_methods")


def every_method(data: AccountData, parameters: Parameters) -> Json:
    if not parameters.has("customer"):
        raise invalid("Missing required param: customer.", param="customer", code="parameter_missing")
    return _methods(data, parameters, "/v1/payment_methods")


def method(data: AccountData, parameters: Parameters, id_: str) -> Json:
    parameters.done()
    return data.get("payment_method", id_)


def attach(data: AccountData, parameters: Parameters, id_: str) -> Json:
    customer = parameters.text("customer")
    parameters.done()
    data.get("customer", customer, param="customer")
    if id_ in BY_TOKEN:
        card = BY_TOKEN[id_]
        if not card.saves:
            raise charges.declined(card)
        found = charges.new_method(data, card, month=12, year=2034)
    else:
        found = charges.method_for(data, id_, None)
    found["_is_set_up"] = True
    return charges.attach(data, found, customer)


def detach(data: AccountData, parameters: Parameters, id_: str) -> Json:
    parameters.done()
    found = data.get("payment_method", id_)
    if found["customer"] is None:
        raise invalid(
            "The payment method you provided is not attached to a customer so detachment is impossible.",
            param="payment_method",
        )
    return detach_method(data, found)


def detach_method(data: AccountData, found: Json) -> Json:
    found |= {"customer": None, "_was_used": True}
    data.save(found)
    data.send_event("payment_method.detached", found)
    return found


def _methods(data: AccountData, parameters: Parameters, url: str) -> Json:
    found = pagination.answer(data, parameters, "payment_method", url, fields=("customer", "type"))
    parameters.done()
    return found
