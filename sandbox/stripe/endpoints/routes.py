"""The routes of the API: method and path to endpoint."""

import re
from collections.abc import Callable

from sandbox.stripe import objects
from sandbox.stripe.account_data import AccountData
from sandbox.stripe.api_errors import ApiError, Json
from sandbox.stripe.endpoints import account_and_webhooks, charges, checkout_sessions, customers, payment_intents
from sandbox.stripe.parameters import Parameters

type Endpoint = Callable[..., Json]

ENDPOINTS: dict[str, Endpoint] = {
    "GET /v1/account": account_and_webhooks.retrieve,
    "GET /v1/events": account_and_webhooks.every_event,
    "GET /v1/events/ID": account_and_webhooks.event,
    "GET /v1/webhook_endpoints": account_and_webhooks.every_endpoint,
    "POST /v1/webhook_endpoints": account_and_webhooks.create_endpoint,
    "GET /v1/webhook_endpoints/ID": account_and_webhooks.endpoint,
    "DELETE /v1/webhook_endpoints/ID": account_and_webhooks.delete_endpoint,
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
    "POST /v1/checkout/sessions": checkout_sessions.create,
    "GET /v1/checkout/sessions/ID": checkout_sessions.retrieve,
    "POST /v1/checkout/sessions/ID/expire": checkout_sessions.expire,
    "GET /v1/charges": charges.every_charge,
    "GET /v1/charges/ID": charges.charge,
    "GET /v1/refunds": charges.every_refund,
    "POST /v1/refunds": charges.refund,
    "GET /v1/refunds/ID": charges.one_refund,
    "GET /v1/disputes": charges.every_dispute,
    "GET /v1/disputes/ID": charges.dispute,
    "GET /v1/balance_transactions": charges.every_balance_transaction,
    "GET /v1/balance_transactions/ID": charges.balance_transaction,
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


def answer(data: AccountData, method: str, path: str, values: Json) -> Json:
    """Returns the body of a 200 response. Raises ApiError for any other status."""
    for pattern, endpoint in ROUTES:
        found = pattern.fullmatch(f"{method} {path}")
        if found is not None:
            parameters = Parameters(values)
            wanted = parameters.texts("expand")
            body: Json = objects.shown(endpoint(data, parameters, *found.groups()))
            for each in wanted:
                _expand(data, body, each.split("."))
            return body
    raise ApiError(404, f"Unrecognized request URL ({method}: {path}). The sandbox may not know it yet.")


def _expand(data: AccountData, body: Json, steps: list[str]) -> None:
    name, rest = steps[0], steps[1:]
    if name == "data" and rest:
        for each in body["data"]:
            _expand(data, each, rest)
        return
    value = body.get(name)
    if name == "refunds" and body["object"] == "charge":
        like = data.all("refund", lambda each: each["charge"] == body["id"])
        body[name] = {"object": "list", "data": objects.shown(like), "has_more": False, "url": "/v1/refunds"}
        return
    if name not in EXPANDABLE or name not in body:
        raise ApiError(400, f"This property cannot be expanded ({name}).", param="expand[0]")
    if isinstance(value, str):
        body[name] = objects.shown(data.get(EXPANDABLE[name], value))
    if rest and body[name] is not None:
        _expand(data, body[name], rest)
