"""Confirms payment intents: they are paid, declined, or sent to the bank."""

from sandbox.stripe import objects
from sandbox.stripe.account_data import AccountData
from sandbox.stripe.api_errors import ApiError, Json, invalid
from sandbox.stripe.payments import disputes
from sandbox.stripe.payments.cards import BY_NUMBER, BY_TOKEN, MESSAGES, Card

BANK_MUST_BE_ASKED: Json = {
    "code": "authentication_required",
    "decline_code": "authentication_required",
    "message": "Your card was declined. This transaction requires authentication.",
}
BANK_SAID_NO: Json = {
    "code": "payment_intent_authentication_failure",
    "message": "We are unable to authenticate your payment method. Please choose a different payment method and try "
    "again.",
}


def refuse_closed_account(data: AccountData) -> None:
    if not data.account.charges_enabled:
        raise ApiError(400, "Your account cannot currently make charges.", code="account_invalid")


def method_for(data: AccountData, id_: str, customer: str | None) -> Json:
    """Returns the payment method that a request names: a stored one, or a new one for a test token."""
    if id_ in BY_TOKEN:
        return new_method(data, BY_TOKEN[id_], month=12, year=2034)
    method = data.get("payment_method", id_, param="payment_method")
    if method["customer"] != customer and (method["customer"] is not None or method["_was_used"]):
        raise invalid(
            f"The customer does not have a payment method with the ID {id_}. The payment method must be attached to "
            "the customer.",
            param="payment_method",
            code="payment_method_unexpected_state" if method["customer"] is None else "resource_missing",
        )
    return method


def new_method(data: AccountData, card: Card, *, month: int, year: int, name: str | None = None) -> Json:
    method = objects.new("payment_method", now=data.now, livemode=data.account.livemode)
    method["card"] |= objects.card_details(card, month=month, year=year) | {"display_brand": card.brand}
    method["billing_details"]["name"] = name
    return data.save(method | {"_number": card.number, "_is_set_up": False, "_was_used": False})


def attach(data: AccountData, method: Json, customer: str) -> Json:
    if method["customer"] != customer:
        method["customer"] = customer
        data.save(method)
        data.send_event("payment_method.attached", method)
    return method


def confirm(
    data: AccountData, intent: Json, method: Json, *, off_session: bool = False, return_url: str | None = None
) -> Json:
    """Confirms the intent; returns it succeeded, processing, requires_action, or as requires_payment_method."""
    card = BY_NUMBER[method["_number"]]
    intent |= {"payment_method": method["id"], "last_payment_error": None, "next_action": None}
    if not _wants_bank(card, method, off_session=off_session):
        return _charge(data, intent, method, card)
    if off_session:
        return _fail(data, intent, method, BANK_MUST_BE_ASKED)
    intent["status"] = "requires_action"
    intent["_return_url"] = return_url
    bank = f"{data.base_url}/bank/{intent['id']}?key={intent['client_secret'].rpartition('_')[2]}"
    intent["next_action"] = (
        {"type": "redirect_to_url", "redirect_to_url": {"return_url": return_url, "url": bank}}
        if return_url
        else {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": bank}}
    )
    data.save(intent)
    data.send_event("payment_intent.requires_action", intent)
    return intent


def bank_said(data: AccountData, intent: Json, *, yes: bool) -> Json:
    """Applies the client's answer at the bank. An intent that is not waiting is unchanged."""
    if intent["status"] != "requires_action":
        return intent
    method = data.get("payment_method", intent["payment_method"])
    intent["next_action"] = None
    if yes:
        return _charge(data, intent, method, BY_NUMBER[method["_number"]])
    return _fail(data, intent, method, BANK_SAID_NO)


def cancel(data: AccountData, intent: Json, reason: str | None = None) -> Json:
    intent |= {
        "status": "canceled",
        "canceled_at": data.now,
        "cancellation_reason": reason,
        "next_action": None,
    }
    data.save(intent)
    data.send_event("payment_intent.canceled", intent)
    return intent


def refusal(intent: Json) -> ApiError:
    """Returns the 402 response for an intent's last error."""
    error = dict(intent["last_payment_error"])
    details = {name: value for name, value in error.items() if name not in {"type", "message"}}
    return ApiError(402, error["message"], type_="card_error", payment_intent=objects.shown(intent), **details)


def declined(card: Card) -> ApiError:
    """Returns the 402 response for a card that is declined before there is an intent."""
    return ApiError(402, MESSAGES[card.decline], type_="card_error", code=card.code, decline_code=card.decline)


def _wants_bank(card: Card, method: Json, *, off_session: bool) -> bool:
    if card.bank == "until_set_up":
        return not (off_session and method["_is_set_up"])
    return card.bank == "always"


def _charge(data: AccountData, intent: Json, method: Json, card: Card) -> Json:
    if card.decline:
        return _decline(data, intent, method, card)
    if card.slow:
        intent["status"] = "processing"
        data.save(intent)
        data.send_event("payment_intent.processing", intent)
        return intent
    charge = _new_charge(data, intent, method, paid=True, status="succeeded")
    entry = data.new(
        "balance_transaction",
        amount=charge["amount"],
        currency=charge["currency"],
        net=charge["amount"],
        source=charge["id"],
        available_on=data.now,
    )
    charge |= {"balance_transaction": entry["id"], "amount_captured": charge["amount"], "captured": True}
    data.save(charge)
    intent |= {"status": "succeeded", "amount_received": intent["amount"], "latest_charge": charge["id"]}
    data.save(intent)
    _keep_method(data, intent, method)
    data.send_event("charge.succeeded", charge)
    data.send_event("payment_intent.succeeded", intent)
    if card.disputed:
        disputes.open_dispute(data, charge, reason="fraudulent")
    return intent


def _keep_method(data: AccountData, intent: Json, method: Json) -> None:
    method["_was_used"] = True
    if intent["setup_future_usage"] and intent["customer"]:
        method["_is_set_up"] = True
        if method["customer"] is None:
            method["allow_redisplay"] = "limited"
            attach(data, method, intent["customer"])
    data.save(method)


def _fail(data: AccountData, intent: Json, method: Json, error: Json) -> Json:
    error = {"type": "card_error"} | error | {"payment_method": objects.shown(method)}
    intent |= {"status": "requires_payment_method", "payment_method": None, "last_payment_error": error}
    data.save(intent)
    data.send_event("payment_intent.payment_failed", intent)
    return intent


def _decline(data: AccountData, intent: Json, method: Json, card: Card) -> Json:
    message = MESSAGES[card.decline]
    charge = _new_charge(data, intent, method, paid=False, status="failed")
    charge |= {"failure_code": card.code, "failure_message": message}
    charge["outcome"] |= {
        "network_status": "declined_by_network",
        "reason": card.decline,
        "seller_message": "The bank did not return any further details with this decline.",
        "type": "issuer_declined",
    }
    data.save(charge)
    data.send_event("charge.failed", charge)
    intent["latest_charge"] = charge["id"]
    error = {"code": card.code, "message": message, "decline_code": card.decline, "charge": charge["id"]}
    return _fail(data, intent, method, error)


def _new_charge(data: AccountData, intent: Json, method: Json, *, paid: bool, status: str) -> Json:
    charge = data.new(
        "charge",
        amount=intent["amount"],
        currency=intent["currency"],
        customer=intent["customer"],
        description=intent["description"],
        metadata=intent["metadata"],
        payment_intent=intent["id"],
        payment_method=method["id"],
        paid=paid,
        status=status,
        captured=False,
        _card=method["_number"],
    )
    details = ("brand", "exp_month", "exp_year", "last4", "fingerprint")
    charge["payment_method_details"]["card"] |= {name: method["card"][name] for name in details}
    charge["billing_details"] = method["billing_details"]
    return data.save(charge)
