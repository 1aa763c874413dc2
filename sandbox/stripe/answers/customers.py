"""Customers and their payment methods."""

import re

from sandbox.stripe import charging, objects
from sandbox.stripe.answers import listing
from sandbox.stripe.asking import Asked
from sandbox.stripe.cards import BY_TOKEN
from sandbox.stripe.desk import Desk
from sandbox.stripe.problems import Json, invalid

# Stricter than other servers: such an address is refused with the code email_invalid.
EMAIL = re.compile(r"[!-?A-~]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", re.ASCII)
TEXTS = ("description", "email", "name", "phone")


def create(desk: Desk, asked: Asked) -> Json:
    values = {name: asked.maybe(name) for name in TEXTS} | {"metadata": asked.metadata()}
    asked.done()
    if values["email"] and not EMAIL.fullmatch(str(values["email"])):
        raise invalid(f"Invalid email address: {values['email']}", param="email", code="email_invalid")
    customer = desk.new("customer", **values, invoice_prefix=objects.new_id("", 8).upper())
    desk.send_event("customer.created", customer)
    return customer


def retrieve(desk: Desk, asked: Asked, id_: str) -> Json:
    """Returns a customer, also a deleted one, as Stripe does."""
    asked.done()
    return desk.find("deleted_customer", id_) or desk.get("customer", id_)


def update(desk: Desk, asked: Asked, id_: str) -> Json:
    customer = desk.get("customer", id_)
    customer |= {name: asked.maybe(name) for name in TEXTS if name in asked.values}
    customer["metadata"] |= asked.metadata()
    asked.done()
    desk.save(customer)
    desk.send_event("customer.updated", customer)
    return customer


def delete(desk: Desk, asked: Asked, id_: str) -> Json:
    asked.done()
    return remove(desk, desk.get("customer", id_))


def remove(desk: Desk, customer: Json) -> Json:
    """Deletes a customer for good; its cards can never be used again."""
    for method in desk.all("payment_method", lambda each: each["customer"] == customer["id"]):
        detach_method(desk, method)
    desk.remove(customer)
    desk.send_event("customer.deleted", customer)
    gone = {"id": customer["id"], "object": "customer", "deleted": True}
    desk.store.put(desk.account.scope, "deleted_customer", gone)
    return gone


def every(desk: Desk, asked: Asked) -> Json:
    found = listing.answer(desk, asked, "customer", "/v1/customers", fields=("email",))
    asked.done()
    return found


def methods_of(desk: Desk, asked: Asked, id_: str) -> Json:
    desk.get("customer", id_)
    asked.values["customer"] = id_
    return _methods(desk, asked, f"/v1/customers/{id_}/payment_methods")


def every_method(desk: Desk, asked: Asked) -> Json:
    if not asked.has("customer"):
        raise invalid("Missing required param: customer.", param="customer", code="parameter_missing")
    return _methods(desk, asked, "/v1/payment_methods")


def method(desk: Desk, asked: Asked, id_: str) -> Json:
    asked.done()
    return desk.get("payment_method", id_)


def attach(desk: Desk, asked: Asked, id_: str) -> Json:
    customer = asked.text("customer")
    asked.done()
    desk.get("customer", customer, param="customer")
    if id_ in BY_TOKEN:
        card = BY_TOKEN[id_]
        if not card.saves:
            raise charging.declined(card)
        found = charging.new_method(desk, card, month=12, year=2034)
    else:
        found = charging.method_for(desk, id_, None)
    found["_is_set_up"] = True
    return charging.attach(desk, found, customer)


def detach(desk: Desk, asked: Asked, id_: str) -> Json:
    asked.done()
    found = desk.get("payment_method", id_)
    if found["customer"] is None:
        raise invalid(
            "The payment method you provided is not attached to a customer so detachment is impossible.",
            param="payment_method",
        )
    return detach_method(desk, found)


def detach_method(desk: Desk, found: Json) -> Json:
    found |= {"customer": None, "_was_used": True}
    desk.save(found)
    desk.send_event("payment_method.detached", found)
    return found


def _methods(desk: Desk, asked: Asked, url: str) -> Json:
    found = listing.answer(desk, asked, "payment_method", url, fields=("customer", "type"))
    asked.done()
    return found
