"""Checkout Sessions: https://docs.stripe.com/api/checkout/sessions."""

from urllib.parse import urlsplit

from sandbox.stripe import amounts, charging, checkout
from sandbox.stripe.answers import listing
from sandbox.stripe.asking import Asked
from sandbox.stripe.desk import Desk
from sandbox.stripe.problems import Json, invalid

LEAST_LIFE = 30 * 60
LONGEST_LIFE = 24 * 3600


def create(desk: Desk, asked: Asked) -> Json:
    if asked.text("mode", "payment", among=("payment", "setup", "subscription")) != "payment":
        raise invalid("The sandbox knows Checkout in payment mode only.", param="mode")
    amount, currency, name = _line_items(asked)
    expires_at = asked.whole("expires_at", desk.now + LONGEST_LIFE)
    values = {
        "customer": asked.maybe("customer"),
        "customer_email": asked.maybe("customer_email"),
        "client_reference_id": asked.maybe("client_reference_id"),
        "success_url": _address(asked, "success_url"),
        "cancel_url": _address(asked, "cancel_url") if asked.has("cancel_url") else asked.maybe("cancel_url"),
        "locale": asked.maybe("locale"),
        "submit_type": asked.maybe("submit_type"),
        "metadata": asked.metadata(),
        "payment_method_types": asked.texts("allowed_payment_method_types") or ["card", "link"],
        "adaptive_pricing": _adaptive_pricing(asked.nested("adaptive_pricing")),
        "_intent": _intent_values(asked.nested("payment_intent_data")),
    }
    _read_switches(asked)
    asked.done()
    if values["customer"] and values["customer_email"]:
        raise invalid("You may only specify one of these parameters: customer, customer_email.")
    if not desk.now + LEAST_LIFE <= expires_at <= desk.now + LONGEST_LIFE:
        raise invalid(
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.",
            param="expires_at",
        )
    charging.refuse_closed_account(desk)
    amounts.refuse_amount(amount, currency)
    if values["customer"]:
        desk.get("customer", str(values["customer"]), param="customer")
    session = desk.new(
        "checkout.session",
        amount_subtotal=amount,
        amount_total=amount,
        currency=currency,
        expires_at=expires_at,
        _name=name,
        **values,
    )
    session["url"] = f"{desk.base_url}/c/pay/{session['id']}"
    return desk.save(session)


def retrieve(desk: Desk, asked: Asked, id_: str) -> Json:
    asked.done()
    return checkout.current(desk, desk.get("checkout.session", id_))


def every(desk: Desk, asked: Asked) -> Json:
    fields = ("customer", "payment_intent", "status")
    found = listing.answer(
        desk,
        asked,
        "checkout.session",
        "/v1/checkout/sessions",
        fields=fields,
        adjust=lambda body: checkout.current(desk, body),
    )
    asked.done()
    return found


def expire(desk: Desk, asked: Asked, id_: str) -> Json:
    asked.done()
    return checkout.expire(desk, desk.get("checkout.session", id_))


def _line_items(asked: Asked) -> tuple[int, str, str]:
    """Returns the total, its currency and the name of the first item."""
    items = asked.each("line_items")
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


def _intent_values(asked: Asked) -> Json:
    values = {
        "description": asked.maybe("description"),
        "metadata": asked.metadata(),
        "setup_future_usage": asked.maybe("setup_future_usage", among=("on_session", "off_session")),
        "statement_descriptor_suffix": asked.maybe("statement_descriptor_suffix"),
    }
    asked.done()
    return values


def _adaptive_pricing(asked: Asked) -> Json:
    """Reads the parameters of adaptive pricing, which the sandbox does not simulate."""
    pricing = {"enabled": asked.flag("enabled", default=True)}
    asked.done()
    return pricing


def _read_switches(asked: Asked) -> None:
    """Validates parameters that have no effect in the sandbox."""
    asked.text("ui_mode", "hosted_page", among=("hosted_page",))
    saving = asked.nested("saved_payment_method_options")
    saving.text("payment_method_save", "disabled", among=("enabled", "disabled"))
    saving.done()
    wallets = asked.nested("wallet_options")
    link = wallets.nested("link")
    link.text("display", "auto", among=("auto", "never"))
    link.done()
    wallets.done()


def _address(asked: Asked, name: str) -> str:
    value = asked.text(name)
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise invalid("Not a valid URL", param=name, code="url_invalid")
    return value
