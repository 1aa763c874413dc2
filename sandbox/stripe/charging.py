"""Confirms payment intents: they are paid, declined, or sent to the bank."""

from sandbox.stripe import disputing, objects
from sandbox.stripe.cards import BY_NUMBER, BY_TOKEN, MESSAGES, Card
from sandbox.stripe.desk import Desk
from sandbox.stripe.problems import Json, Problem, invalid

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


def refuse_closed_account(desk: Desk) -> None:
    if not desk.account.charges_enabled:
        raise Problem(400, "Your account cannot currently make charges.", code="account_invalid")


def method_for(desk: Desk, id_: str, customer: str | None) -> Json:
    """Returns the payment method that a request names: a stored one, or a new one for a test token."""
    if id_ in BY_TOKEN:
        return new_method(desk, BY_TOKEN[id_], month=12, year=2034)
    method = desk.get("payment_method", id_, param="payment_method")
    if method["customer"] != customer and (method["customer"] is not None or method["_was_used"]):
        raise invalid(
            f"The customer does not have a payment method with the ID {id_}. The payment method must be attached to "
            "the customer.",
            param="payment_method",
            code="payment_method_unexpected_state" if method["customer"] is None else "resource_missing",
        )
    return method


def new_method(desk: Desk, card: Card, *, month: int, year: int, name: str | None = None) -> Json:
    method = objects.new("payment_method", now=desk.now, livemode=desk.account.livemode)
    method["card"] |= objects.card_details(card, month=month, year=year) | {"display_brand": card.brand}
    method["billing_details"]["name"] = name
    return desk.save(method | {"_number": card.number, "_is_set_up": False, "_was_used": False})


def attach(desk: Desk, method: Json, customer: str) -> Json:
    if method["customer"] != customer:
        method["customer"] = customer
        desk.save(method)
        desk.send_event("payment_method.attached", method)
    return method


def confirm(
    desk: Desk, intent: Json, method: Json, *, off_session: bool = False, return_url: str | None = None
) -> Json:
    """Confirms the intent; returns it succeeded, requires_action, or requires_payment_method with its error."""
    card = BY_NUMBER[method["_number"]]
    intent |= {"payment_method": method["id"], "last_payment_error": None, "next_action": None}
    if not _wants_bank(card, method, off_session=off_session):
        return _charge(desk, intent, method, card)
    if off_session:
        return _fail(desk, intent, method, BANK_MUST_BE_ASKED)
    intent["status"] = "requires_action"
    intent["_return_url"] = return_url
    bank = f"{desk.base_url}/bank/{intent['id']}?key={intent['client_secret'].rpartition('_')[2]}"
    intent["next_action"] = (
        {"type": "redirect_to_url", "redirect_to_url": {"return_url": return_url, "url": bank}}
        if return_url
        else {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": bank}}
    )
    desk.save(intent)
    desk.send_event("payment_intent.requires_action", intent)
    return intent


def bank_said(desk: Desk, intent: Json, *, yes: bool) -> Json:
    """Applies the client's answer at the bank. An intent that is not waiting is unchanged."""
    if intent["status"] != "requires_action":
        return intent
    method = desk.get("payment_method", intent["payment_method"])
    intent["next_action"] = None
    if yes:
        return _charge(desk, intent, method, BY_NUMBER[method["_number"]])
    return _fail(desk, intent, method, BANK_SAID_NO)


def cancel(desk: Desk, intent: Json, reason: str | None = None) -> Json:
    intent |= {"status": "canceled", "canceled_at": desk.now, "cancellation_reason": reason, "next_action": None}
    desk.save(intent)
    desk.send_event("payment_intent.canceled", intent)
    return intent


def refusal(intent: Json) -> Problem:
    """Returns the 402 response for an intent's last error."""
    error = dict(intent["last_payment_error"])
    details = {name: value for name, value in error.items() if name not in {"type", "message"}}
    return Problem(402, error["message"], type_="card_error", payment_intent=objects.shown(intent), **details)


def declined(card: Card) -> Problem:
    """Returns the 402 response for a card that is declined before there is an intent."""
    return Problem(402, MESSAGES[card.decline], type_="card_error", code=card.code, decline_code=card.decline)


def _wants_bank(card: Card, method: Json, *, off_session: bool) -> bool:
    if card.bank == "until_set_up":
        return not (off_session and method["_is_set_up"])
    return card.bank == "always"


def _charge(desk: Desk, intent: Json, method: Json, card: Card) -> Json:
    if card.decline:
        return _decline(desk, intent, method, card)
    charge = _new_charge(desk, intent, method, paid=True, status="succeeded")
    entry = desk.new(
        "balance_transaction",
        amount=charge["amount"],
        currency=charge["currency"],
        net=charge["amount"],
        source=charge["id"],
        available_on=desk.now,
    )
    charge |= {"balance_transaction": entry["id"], "amount_captured": charge["amount"], "captured": True}
    desk.save(charge)
    intent |= {"status": "succeeded", "amount_received": intent["amount"], "latest_charge": charge["id"]}
    desk.save(intent)
    _keep_method(desk, intent, method)
    desk.send_event("charge.succeeded", charge)
    desk.send_event("payment_intent.succeeded", intent)
    if card.disputed:
        disputing.open_dispute(desk, charge, reason="fraudulent")
    return intent


def _keep_method(desk: Desk, intent: Json, method: Json) -> None:
    method["_was_used"] = True
    if intent["setup_future_usage"] and intent["customer"]:
        method["_is_set_up"] = True
        if method["customer"] is None:
            method["allow_redisplay"] = "limited"
            attach(desk, method, intent["customer"])
    desk.save(method)


def _fail(desk: Desk, intent: Json, method: Json, error: Json) -> Json:
    error = {"type": "card_error"} | error | {"payment_method": objects.shown(method)}
    intent |= {"status": "requires_payment_method", "payment_method": None, "last_payment_error": error}
    desk.save(intent)
    desk.send_event("payment_intent.payment_failed", intent)
    return intent


def _decline(desk: Desk, intent: Json, method: Json, card: Card) -> Json:
    message = MESSAGES[card.decline]
    charge = _new_charge(desk, intent, method, paid=False, status="failed")
    charge |= {"failure_code": card.code, "failure_message": message}
    charge["outcome"] |= {
        "network_status": "declined_by_network",
        "reason": card.decline,
        "seller_message": "The bank did not return any further details with this decline.",
        "type": "issuer_declined",
    }
    desk.save(charge)
    desk.send_event("charge.failed", charge)
    intent["latest_charge"] = charge["id"]
    error = {"code": card.code, "message": message, "decline_code": card.decline, "charge": charge["id"]}
    return _fail(desk, intent, method, error)


def _new_charge(desk: Desk, intent: Json, method: Json, *, paid: bool, status: str) -> Json:
    charge = desk.new(
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
    return desk.save(charge)
