"""Checkout Sessions: https://docs.stripe.com/api/checkout/sessions."""

from urllib.parse import urlsplit

from sandbox.stripe.account_data import AccountData
from sandbox.stripe.api_errors import Json, invalid
from sandbox.stripe.parameters import Parameters
from sandbox.stripe.payments import amounts, charges, checkout

LEAST_LIFE = 30 * 60
LONGEST_LIFE = 24 * 3600


def create(data: AccountData, parameters: Parameters) -> Json:
    if parameters.text("mode", "payment", among=("payment", "setup", "subscription")) != "payment":
        raise invalid("The sandbox knows Checkout in payment mode only.", param="mode")
    amount, currency, name = _line_items(parameters)
    expires_at = parameters.whole("expires_at", data.now + LONGEST_LIFE)
    values = {
        "customer": parameters.maybe("customer"),
        "customer_email": parameters.maybe("customer_email"),
        "client_reference_id": parameters.maybe("client_reference_id"),
        "success_url": _address(parameters, "success_url"),
        "cancel_url": _address(parameters, "cancel_url")
        if parameters.has("cancel_url")
        else parameters.maybe("cancel_url"),
        "locale": parameters.maybe("locale"),
        "submit_type": parameters.maybe("submit_type"),
        "metadata": parameters.metadata(),
        "payment_method_types": parameters.texts("allowed_payment_method_types") or ["card", "link"],
        "adaptive_pricing": _adaptive_pricing(parameters.nested("adaptive_pricing")),
        "_intent": _intent_values(parameters.nested("payment_intent_data")),
    }
    _read_switches(parameters)
    parameters.done()
    if values["customer"] and values["customer_email"]:
        raise invalid("You may only specify one of these parameters: customer, customer_email.")
    if not data.now + LEAST_LIFE <= expires_at <= data.now + LONGEST_LIFE:
        raise invalid(
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.",
            param="expires_at",
        )
    charges.refuse_closed_account(data)
    amounts.refuse_amount(amount, currency)
    if values["customer"]:
        data.get("customer", str(values["customer"]), param="customer")
    session = data.new(
        "checkout.session",
        amount_subtotal=amount,
        amount_total=amount,
        currency=currency,
        expires_at=expires_at,
        _name=name,
        **values,
    )
    session["url"] = f"{data.base_url}/c/pay/{session['id']}"
    return data.save(session)


def retrieve(data: AccountData, parameters: Parameters, id_: str) -> Json:
    parameters.done()
    return checkout.current(data, data.get("checkout.session", id_))


def expire(data: AccountData, parameters: Parameters, id_: str) -> Json:
    parameters.done()
    return checkout.expire(data, data.get("checkout.session", id_))


def _line_items(parameters: Parameters) -> tuple[int, str, str]:
    """Returns the total, its currency and the name of the first item."""
    items = parameters.each("line_items")
    if not items:
        raise invalid("`line_items` is required in payment mode.", param="line_items", code="parameter_missing")
    amount, currencies, names = 0, set(), []
    for item in items:
        price = item.nested("price_data")
        product = price.nested("product_data")
        names.append(product.text("name"))
        product.maybe("description")
        currencies.add(price.text("currency").lower())
        amount += price.whole("unit_amount") * item.whole("quantity", 1)
        for part in (product, price, item):
            part.done()
    if len(currencies) != 1:
        raise invalid("All line items must have the same currency.", param="line_items")
    return amount, currencies.pop(), names[0]


def _intent_values(parameters: Parameters) -> Json:
    values = {
        "description": parameters.maybe("description"),
        "metadata": parameters.metadata(),
        "setup_future_usage": parameters.maybe("setup_future_usage", among=("on_session", "off_session")),
        "statement_descriptor_suffix": parameters.maybe("statement_descriptor_suffix"),
    }
    parameters.done()
    return values


def _adaptive_pricing(parameters: Parameters) -> Json:
    """Reads the parameters of adaptive pricing, which the sandbox does not simulate."""
    pricing = {"enabled": parameters.flag("enabled", default=True)}
    parameters.done()
    return pricing


def _read_switches(parameters: Parameters) -> None:
    """Validates parameters that have no effect in the sandbox."""
    parameters.text("ui_mode", "hosted_page", among=("hosted_page",))
    saving = parameters.nested("saved_payment_method_options")
    saving.text("payment_method_save", "disabled", among=("enabled", "disabled"))
    saving.done()
    wallets = parameters.nested("wallet_options")
    link = wallets.nested("link")
    link.text("display", "auto", among=("auto", "never"))
    link.done()
    wallets.done()


def _address(parameters: Parameters, name: str) -> str:
    value = parameters.text(name)
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise invalid("Not a valid URL", param=name, code="url_invalid")
    return value
