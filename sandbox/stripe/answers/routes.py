"""The routes of the API: method and path to endpoint."""

import re
from collections.abc import Callable

from sandbox.stripe import objects
from sandbox.stripe.answers import account, customers, money, payment_intents, sessions
from sandbox.stripe.asking import Asked
from sandbox.stripe.desk import Desk
from sandbox.stripe.problems import Json, Problem

type Endpoint = Callable[..., Json]

ENDPOINTS: dict[str, Endpoint] = {
    "GET /v1/account": account.retrieve,
    "GET /v1/events": account.every_event,
    "GET /v1/events/ID": account.event,
    "GET /v1/webhook_endpoints": account.every_endpoint,
    "POST /v1/webhook_endpoints": account.create_endpoint,
    "GET /v1/webhook_endpoints/ID": account.endpoint,
    "DELETE /v1/webhook_endpoints/ID": account.delete_endpoint,
    "GET /v1/customers": customers.every,
    "POST /v1/customers": customers.create,
    "GET /v1/customers/ID": customers.retrieve,
    "POST /v1/customers/ID": customers.update,
    "DELETE /v1/customers/ID": customers.delete,
    "GET /v1/customers/ID/payment_methods": customers.methods_of,
    "GET /v1/payment_methods": customers.every_method,
    "GET /v1/payment_methods/ID": customers.method,
    "POST /v1/payment_methods/ID/attach": customers.attach,
    "POST /v1/payment_methods/ID/detach": customers.detach,
    "GET /v1/payment_intents": payment_intents.every,
    "POST /v1/payment_intents": payment_intents.create,
    "GET /v1/payment_intents/ID": payment_intents.retrieve,
    "POST /v1/payment_intents/ID/confirm": payment_intents.confirm,
    "POST /v1/payment_intents/ID/cancel": payment_intents.cancel,
    "GET /v1/checkout/sessions": sessions.every,
    "POST /v1/checkout/sessions": sessions.create,
    "GET /v1/checkout/sessions/ID": sessions.retrieve,
    "POST /v1/checkout/sessions/ID/expire": sessions.expire,
    "GET /v1/charges": money.every_charge,
    "GET /v1/charges/ID": money.charge,
    "GET /v1/refunds": money.every_refund,
    "POST /v1/refunds": money.refund,
    "GET /v1/refunds/ID": money.one_refund,
    "GET /v1/disputes": money.every_dispute,
    "GET /v1/disputes/ID": money.dispute,
    "GET /v1/balance_transactions": money.every_balance_transaction,
    "GET /v1/balance_transactions/ID": money.balance_transaction,
}
ROUTES = [(re.compile(name.replace("ID", r"([A-Za-z0-9_]+)")), endpoint) for name, endpoint in ENDPOINTS.items()]

# Fields that hold an id and can be expanded.
EXPANDABLE = {
    "balance_transaction": "balance_transaction",
    "charge": "charge",
    "customer": "customer",
    "latest_charge": "charge",
    "payment_intent": "payment_intent",
    "payment_method": "payment_method",
}


def answer(desk: Desk, method: str, path: str, values: Json) -> Json:
    """Returns the body of a 200 response. Raises Problem for any other status."""
    for pattern, endpoint in ROUTES:
        found = pattern.fullmatch(f"{method} {path}")
        if found is not None:
            asked = Asked(values)
            wanted = asked.texts("expand")
            body: Json = objects.shown(endpoint(desk, asked, *found.groups()))
            for each in wanted:
                _expand(desk, body, each.split("."))
            return body
    raise Problem(404, f"Unrecognized request URL ({method}: {path}). The sandbox may not know it yet.")


def _expand(desk: Desk, body: Json, steps: list[str]) -> None:
    name, rest = steps[0], steps[1:]
    if name == "data" and rest:
        for each in body["data"]:
            _expand(desk, each, rest)
        return
    value = body.get(name)
    if name == "refunds" and body["object"] == "charge":
        like = desk.all("refund", lambda each: each["charge"] == body["id"])
        body[name] = {"object": "list", "data": objects.shown(like), "has_more": False, "url": "/v1/refunds"}
        return
    if name not in EXPANDABLE or name not in body:
        raise Problem(400, f"This property cannot be expanded ({name}).", param="expand[0]")
    if isinstance(value, str):
        body[name] = objects.shown(desk.get(EXPANDABLE[name], value))
    if rest and body[name] is not None:
        _expand(desk, body[name], rest)
