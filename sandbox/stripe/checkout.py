"""Checkout Sessions: created by the API, paid on the hosted page, expired at their time."""

from sandbox.stripe import charging, objects
from sandbox.stripe.cards import Card
from sandbox.stripe.desk import Desk
from sandbox.stripe.problems import Json, invalid


def current(desk: Desk, session: Json) -> Json:
    """Returns the session, expired first if its time has passed."""
    if session["status"] == "open" and desk.now >= session["expires_at"]:
        return _end(desk, session)
    return session


def expire(desk: Desk, session: Json) -> Json:
    session = current(desk, session)
    if session["status"] != "open":
        raise invalid(
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of '
            f"`{session['status']}`."
        )
    return _end(desk, session)


def pay(desk: Desk, session: Json, card: Card, *, month: int, year: int, name: str) -> Json:
    """Pays an open session; returns its payment intent."""
    method = charging.new_method(desk, card, month=month, year=year, name=name or None)
    intent = desk.find("payment_intent", session["payment_intent"]) or _new_intent(desk, session)
    back = f"{desk.base_url}/c/pay/{session['id']}/back"
    intent = charging.confirm(desk, intent, method, return_url=back)
    if intent["status"] == "succeeded":
        complete(desk, session, name=name or None)
    return intent


def complete(desk: Desk, session: Json, *, name: str | None = None) -> Json:
    customer = desk.find("customer", session["customer"]) or {}
    session |= {"status": "complete", "payment_status": "paid", "url": None}
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
    desk.save(session)
    desk.send_event("checkout.session.completed", session)
    return session


def success_url(session: Json) -> str:
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def _new_intent(desk: Desk, session: Json) -> Json:
    intent = new_intent(
        desk,
        amount=session["amount_total"],
        currency=session["currency"],
        customer=session["customer"],
        payment_method_types=session["payment_method_types"],
        _session=session["id"],
        **session["_intent"],
    )
    session["payment_intent"] = intent["id"]
    desk.save(session)
    return intent


def new_intent(desk: Desk, **values: object) -> Json:
    intent = desk.new("payment_intent", _return_url=None, **values)
    intent["client_secret"] = f"{intent['id']}_secret_{objects.new_id('', 25)}"
    desk.save(intent)
    desk.send_event("payment_intent.created", intent)
    return intent


def _end(desk: Desk, session: Json) -> Json:
    session |= {"status": "expired", "url": None}
    desk.save(session)
    intent = desk.find("payment_intent", session["payment_intent"])
    if intent is not None and intent["status"] != "succeeded":
        charging.cancel(desk, intent, "automatic")
    desk.send_event("checkout.session.expired", session)
    return session
