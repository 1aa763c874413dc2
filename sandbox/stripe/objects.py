"""The objects of Stripe's API with all their fields."""

import copy
import json
import secrets
import string
from pathlib import Path
from typing import Any

from sandbox.stripe.api_errors import Json
from sandbox.stripe.payments.cards import Card

SKELETONS: dict[str, Json] = json.loads(Path(__file__).with_name("skeletons.json").read_text(encoding="utf-8"))
SIGNS = string.ascii_letters + string.digits

PREFIXES = {
    "balance_transaction": "txn_",
    "charge": "ch_",
    "customer": "cus_",
    "dispute": "dp_",
    "event": "evt_",
    "payment_intent": "pi_",
    "payment_method": "pm_",
    "refund": "re_",
    "webhook_endpoint": "we_",
}


def new_id(prefix: str, length: int = 24) -> str:
    return prefix + "".join(secrets.choice(SIGNS) for _ in range(length))


def new(kind: str, *, now: int, livemode: bool, **values: Any) -> Json:  # Any: the object's own fields.
    """Returns a new object. Fields that begin with an underscore are internal and never in a response."""
    body = copy.deepcopy(SKELETONS[kind])
    if kind == "checkout.session":
        body["id"] = new_id("cs_live_" if livemode else "cs_test_", 40)
    elif kind in PREFIXES:
        body["id"] = new_id(PREFIXES[kind])
    if "livemode" in body:
        body["livemode"] = livemode
    body["created"] = now
    return body | values


def shown(body: Any) -> Any:  # Any: JSON.
    """Returns the object as in a response, without internal fields."""
    if isinstance(body, dict):
        return {key: shown(value) for key, value in body.items() if not key.startswith("_")}
    if isinstance(body, list):
        return [shown(each) for each in body]
    return body


def card_details(card: Card, *, month: int, year: int) -> Json:
    """Returns the fields of a card that payment methods and charges share."""
    return {
        "brand": card.brand,
        "exp_month": month,
        "exp_year": year,
        "last4": card.last4,
        "fingerprint": f"sandbox{card.number[-8:]}",
    }
