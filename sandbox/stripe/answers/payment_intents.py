"""Payment intents: https://docs.stripe.com/api/payment_intents."""

from sandbox.stripe import amounts, charging, checkout, objects
from sandbox.stripe.answers import listing
from sandbox.stripe.asking import Asked
from sandbox.stripe.desk import Desk
from sandbox.stripe.problems import Json, Problem, invalid

USAGES = ("on_session", "off_session")
REASONS = ("abandoned", "duplicate", "fraudulent", "requested_by_customer")
CANCELABLE = {"requires_payment_method", "requires_confirmation", "requires_action"}
CONFIRMABLE = {"requires_payment_method", "requires_confirmation"}


def create(desk: Desk, asked: Asked) -> Json:
    amount, currency = asked.whole("amount"), asked.text("currency").lower()
    customer, method_id = asked.maybe("customer"), asked.maybe("payment_method")
    values = {
        "description": asked.maybe("description"),
        "metadata": asked.metadata(),
        "setup_future_usage": asked.maybe("setup_future_usage", among=USAGES),
        "statement_descriptor_suffix": asked.maybe("statement_descriptor_suffix"),
        "receipt_email": asked.maybe("receipt_email"),
    }
    is_confirmed = asked.flag("confirm")
    how = _How(asked)
    types = asked.texts("allowed_payment_method_types") or ["card"]
    automatic = asked.nested("automatic_payment_methods")
    automatic.flag("enabled")
    redirects = automatic.text("allow_redirects", "always", among=("always", "never"))
    automatic.done()
    asked.done()
    charging.refuse_closed_account(desk)
    amounts.refuse_amount(amount, currency)
    if customer:
        desk.get("customer", customer, param="customer")
    method = charging.method_for(desk, method_id, customer) if method_id else None
    if is_confirmed and types != ["card"] and redirects == "always" and not how.return_url and not how.off_session:
        raise invalid("This PaymentIntent may redirect: you must provide a `return_url`.", param="return_url")
    intent = checkout.new_intent(
        desk,
        amount=amount,
        currency=currency,
        customer=customer,
        payment_method=method["id"] if method else None,
        payment_method_types=types,
        status="requires_confirmation" if method else "requires_payment_method",
        _session=None,
        **values,
    )
    return _confirm(desk, intent, method, how) if is_confirmed else intent


def retrieve(desk: Desk, asked: Asked, id_: str) -> Json:
    asked.done()
    return desk.get("payment_intent", id_)


def every(desk: Desk, asked: Asked) -> Json:
    found = listing.answer(desk, asked, "payment_intent", "/v1/payment_intents", fields=("customer",))
    asked.done()
    return found


def confirm(desk: Desk, asked: Asked, id_: str) -> Json:
    intent = desk.get("payment_intent", id_)
    method_id = asked.maybe("payment_method") or intent["payment_method"]
    how = _How(asked)
    intent["setup_future_usage"] = asked.maybe("setup_future_usage", among=USAGES) or intent["setup_future_usage"]
    asked.done()
    _refuse_checkouts(intent, "confirm")
    if intent["status"] not in CONFIRMABLE:
        raise _unexpected(intent, "confirm")
    return _confirm(desk, intent, charging.method_for(desk, method_id, intent["customer"]) if method_id else None, how)


def cancel(desk: Desk, asked: Asked, id_: str) -> Json:
    intent = desk.get("payment_intent", id_)
    reason = asked.maybe("cancellation_reason", among=REASONS)
    asked.done()
    _refuse_checkouts(intent, "cancel")
    if intent["status"] not in CANCELABLE:
        raise _unexpected(intent, "cancel")
    return charging.cancel(desk, intent, reason)


class _How:
    """The parameters of a confirmation."""

    def __init__(self, asked: Asked) -> None:
        self.off_session = asked.flag("off_session")
        self.return_url = asked.maybe("return_url")
        self.fails_if_bank_asks = asked.flag("error_on_requires_action")


def _confirm(desk: Desk, intent: Json, method: Json | None, how: _How) -> Json:
    if method is None:
        raise invalid(
            "You cannot confirm this PaymentIntent because it's missing a payment method.",
            code="payment_intent_unexpected_state",
        )
    without_bank = how.off_session or how.fails_if_bank_asks
    intent = charging.confirm(desk, intent, method, off_session=without_bank, return_url=how.return_url)
    if intent["status"] == "requires_payment_method":
        raise charging.refusal(intent)
    return intent


def _refuse_checkouts(intent: Json, verb: str) -> None:
    if intent["_session"]:
        raise invalid(f"You cannot {verb} this PaymentIntent because it was created by Checkout.")


def _unexpected(intent: Json, verb: str) -> Problem:
    return Problem(
        400,
        f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}.",
        code="payment_intent_unexpected_state",
        payment_intent=objects.shown(intent),
    )
