"""Checkout Sessions: created by the API, paid on the hosted page, expired at their time."""

from sandbox.stripe import objects
from sandbox.stripe.account_data import AccountData
from sandbox.stripe.api_errors import Json, invalid
from sandbox.stripe.payments import charges
from sandbox.stripe.payments.cards import Card


def current(data: AccountData, session: Json) -> Json:
    """Returns the session, expired first if its time has passed."""
    if session["status"] == "open" and data.now >= session["expires_at"]:
        return _end(data, session)
    return session


def expire(data: AccountData, session: Json) -> Json:
    session = current(data, session)
    if session["status"] != "open":
        raise invalid(
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of '
            f"`{session['status']}`."
        )
    return _end(data, session)


def pay(data: AccountData, session: Json, card: Card, *, month: int, year: int, name: str) -> Json:
    """Pays an open session; returns its payment intent."""
    method = charges.new_method(data, card, month=month, year=year, name=name or None)
    intent = data.find("payment_intent", session["payment_intent"]) or _new_intent(data, session)
    back = f"{data.base_url}/c/pay/{session['id']}/back"
    intent = charges.confirm(data, intent, method, return_url=back)
    if intent["status"] in {"succeeded", "processing"}:
        complete(data, session, name=name or None, is_paid=intent["status"] == "succeeded")
    return intent


def complete(data: AccountData, session: Json, *, name: str | None = None, is_paid: bool = True) -> Json:
    customer = data.find("customer", session["customer"]) or {}
    session |= {"status": "complete", "payment_status": "paid" if is_paid else "unpaid", "url": None}
    session["customer_details"] = {
        "address": None,
        "business_name": None,
        "individual_name": None,
        "email": customer.get("email"),
        "name": name,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [],
    }
    data.save(session)
    data.send_event("checkout.session.completed", session)
    return session


def success_url(session: Json) -> str:
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def _new_intent(data: AccountData, session: Json) -> Json:
    intent = new_intent(
        data,
        amount=session["amount_total"],
        currency=session["currency"],
        customer=session["customer"],
        payment_method_types=session["payment_method_types"],
        _session=session["id"],
        **session["_intent"],
    )
    session["payment_intent"] = intent["id"]
    data.save(session)
    return intent


def new_intent(data: AccountData, **values: object) -> Json:
    intent = data.new("payment_intent", _return_url=None, **values)
    intent["client_secret"] = f"{intent['id']}_secret_{objects.new_id('', 25)}"
    data.save(intent)
    data.send_event("payment_intent.created", intent)
    return intent


def _end(data: AccountData, session: Json) -> Json:
    session |= {"status": "expired", "url": None}
    data.save(session)
    intent = data.find("payment_intent", session["payment_intent"])
    if intent is not None and intent["status"] != "succeeded":
        charges.cancel(data, intent, "automatic")
    data.send_event("checkout.session.expired", session)
    return session
