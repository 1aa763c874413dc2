"""Payment intents: https://docs.stripe.com/api/payment_intents."""

from sandbox.stripe import objects
from sandbox.stripe.account_data import AccountData
from sandbox.stripe.api_errors import ApiError, Json, invalid
from sandbox.stripe.endpoints import pagination
from sandbox.stripe.parameters import Parameters
from sandbox.stripe.payments import amounts, charges, checkout

USAGES = ("on_session", "off_session")
REASONS = ("abandoned", "duplicate", "fraudulent", "requested_by_customer")
CANCELABLE = {"requires_payment_method", "requires_confirmation", "requires_action"}
CONFIRMABLE = {"requires_payment_method", "requires_confirmation"}


def create(data: AccountData, parameters: Parameters) -> Json:
    amount, currency = parameters.whole("amount"), parameters.text("currency").lower()
    customer, method_id = parameters.maybe("customer"), parameters.maybe("payment_method")
    values = {
        "description": parameters.maybe("description"),
        "metadata": parameters.metadata(),
        "setup_future_usage": parameters.maybe("setup_future_usage", among=USAGES),
        "statement_descriptor_suffix": parameters.maybe("statement_descriptor_suffix"),
        "receipt_email": parameters.maybe("receipt_email"),
    }
    is_confirmed = parameters.flag("confirm")
    how = _How(parameters)
    types = parameters.texts("allowed_payment_method_types") or ["card"]
    automatic = parameters.nested("automatic_payment_methods")
    automatic.flag("enabled")
    redirects = automatic.text("allow_redirects", "always", among=("always", "never"))
    automatic.done()
    parameters.done()
    charges.refuse_closed_account(data)
    amounts.refuse_amount(amount, currency)
    if customer:
        data.get("customer", customer, param="customer")
    method = charges.method_for(data, method_id, customer) if method_id else None
    if is_confirmed and types != ["card"] and redirects == "always" and not how.return_url and not how.off_session:
        raise invalid("This PaymentIntent may redirect: you must provide a `return_url`.", param="return_url")
    intent = checkout.new_intent(
        data,
        amount=amount,
        currency=currency,
        customer=customer,
        payment_method=method["id"] if method else None,
        payment_method_types=types,
        status="requires_confirmation" if method else "requires_payment_method",
        _session=None,
        **values,
    )
    return _confirm(data, intent, method, how) if is_confirmed else intent


def retrieve(data: AccountData, parameters: Parameters, id_: str) -> Json:
    parameters.done()
    return data.get("payment_intent", id_)


def every(data: AccountData, parameters: Parameters) -> Json:
    found = pagination.answer(data, parameters, "payment_intent", "/v1/payment_intents", fields=("customer",))
    parameters.done()
    return found


def confirm(data: AccountData, parameters: Parameters, id_: str) -> Json:
    intent = data.get("payment_intent", id_)
    method_id = parameters.maybe("payment_method") or intent["payment_method"]
    how = _How(parameters)
    intent["setup_future_usage"] = parameters.maybe("setup_future_usage", among=USAGES) or intent["setup_future_usage"]
    parameters.done()
    _refuse_checkouts(intent, "confirm")
    if intent["status"] not in CONFIRMABLE:
        raise _unexpected(intent, "confirm")
    return _confirm(
        data,
        intent,
        charges.method_for(data, method_id, intent["customer"]) if method_id else None,
        how,
    )


def cancel(data: AccountData, parameters: Parameters, id_: str) -> Json:
    intent = data.get("payment_intent", id_)
    reason = parameters.maybe("cancellation_reason", among=REASONS)
    parameters.done()
    _refuse_checkouts(intent, "cancel")
    if intent["status"] not in CANCELABLE:
        raise _unexpected(intent, "cancel")
    return charges.cancel(data, intent, reason)


class _How:
    """The parameters of a confirmation."""

    def __init__(self, parameters: Parameters) -> None:
        self.off_session = parameters.flag("off_session")
        self.return_url = parameters.maybe("return_url")
        self.fails_if_bank_asks = parameters.flag("error_on_requires_action")


def _confirm(data: AccountData, intent: Json, method: Json | None, how: _How) -> Json:
    if method is None:
        raise invalid(
            "You cannot confirm this PaymentIntent because it's missing a payment method.",
            code="payment_intent_unexpected_state",
        )
    without_bank = how.off_session or how.fails_if_bank_asks
    intent = charges.confirm(data, intent, method, off_session=without_bank, return_url=how.return_url)
    if intent["status"] == "requires_payment_method":
        raise charges.refusal(intent)
    return intent


def _refuse_checkouts(intent: Json, verb: str) -> None:
    if intent["_session"]:
        raise invalid(f"You cannot {verb} this PaymentIntent because it was created by Checkout.")


def _unexpected(intent: Json, verb: str) -> ApiError:
    return ApiError(
        400,
        f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}.",
        code="payment_intent_unexpected_state",
        payment_intent=objects.shown(intent),
    )
