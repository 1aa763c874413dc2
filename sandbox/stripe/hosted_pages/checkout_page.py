"""The hosted checkout page: the amount, a card form, the test cards and the link back."""

import re
from datetime import UTC, datetime
from html import escape

from sandbox.stripe.account_data import AccountData
from sandbox.stripe.api_errors import Json
from sandbox.stripe.hosted_pages import html
from sandbox.stripe.hosted_pages.html import Page
from sandbox.stripe.payments import cards, checkout
from sandbox.stripe.sandbox import Sandbox

EXPIRY = re.compile(r"(0[1-9]|1[0-2]) ?/? ?(?:20)?(\d\d)")


def answer(sandbox: Sandbox, method: str, id_: str, fields: dict[str, str], *, is_back: bool) -> Page:
    with sandbox.store.turn():
        data, session = sandbox.find_with_account("checkout.session", id_)
        session = checkout.current(data, session)
        if session["status"] == "complete":
            return html.elsewhere(checkout.success_url(session))
        if session["status"] == "expired":
            back = session["cancel_url"]
            way = f'<p><a href="{escape(back)}">Back</a></p>' if back else ""
            return html.shown("This page has expired", f"<p>Nothing was charged.</p>{way}", status=410)
        if is_back:
            return _form(data, session, fields, _last_complaint(data, session))
        if method == "POST":
            return _pay(data, session, fields)
        return _form(data, session, fields, "")


def _pay(data: AccountData, session: Json, fields: dict[str, str]) -> Page:
    complaint = _complaint(data, fields)
    if complaint:
        return _form(data, session, fields, complaint, status=422)
    month, year = _expiry(fields)
    card = cards.BY_NUMBER[_number(fields)]
    intent = checkout.pay(data, session, card, month=month, year=year, name=fields.get("name", "").strip())
    if session["status"] == "complete":
        return html.elsewhere(checkout.success_url(session))
    if intent["status"] == "requires_action":
        return html.elsewhere(intent["next_action"]["redirect_to_url"]["url"])
    return _form(data, session, fields, intent["last_payment_error"]["message"], status=402)


def _complaint(data: AccountData, fields: dict[str, str]) -> str:
    if _number(fields) not in cards.BY_NUMBER:
        return "Your card number is not one of the test cards below. Never type a real one here."
    month, year = _expiry(fields)
    now = datetime.fromtimestamp(data.now, UTC)
    if (year, month) < (now.year, now.month):
        return "Your card's expiration date is in the past or incomplete."
    if not re.fullmatch(r"\d{3,4}", fields.get("code", "").strip()):
        return "Your card's security code is incomplete."
    return ""


def _number(fields: dict[str, str]) -> str:
    return re.sub(r"[\s-]", "", fields.get("number", ""))


def _expiry(fields: dict[str, str]) -> tuple[int, int]:
    found = EXPIRY.fullmatch(fields.get("expires", "").strip())
    return (int(found[1]), 2000 + int(found[2])) if found else (0, 0)


def _last_complaint(data: AccountData, session: Json) -> str:
    intent = data.find("payment_intent", session["payment_intent"])
    error = intent["last_payment_error"] if intent else None
    return str(error["message"]) if error else ""


def _form(data: AccountData, session: Json, fields: dict[str, str], complaint: str, *, status: int = 200) -> Page:
    amount = html.amount_of(session["amount_total"], session["currency"])
    customer = data.find("customer", session["customer"]) or {}
    who = f'<p class="soft">{escape(customer["email"])}</p>' if customer.get("email") else ""
    saved = "<p>This card will be saved for next time.</p>" if session["_intent"]["setup_future_usage"] else ""
    back = f'<a href="{escape(session["cancel_url"])}">Back</a>' if session["cancel_url"] else ""
    page = f"/c/pay/{session['id']}"
    content = (
        f"{html.said(complaint) if complaint else ''}"
        f'<div class="sheet"><p>{escape(session["_name"])}</p><p class="amount" data-testid="amount">{amount}</p>{who}'
        f'<form method="post" action="{page}">'
        f"{_input('number', 'Card number', fields, 'numeric')}"
        f'<div class="two"><div>{_input("expires", "Expires (MM/YY)", fields)}</div>'
        f"<div>{_input('code', 'Security code', fields, 'numeric')}</div></div>"
        f"{_input('name', 'Name on card', fields)}{saved}"
        f'<p class="deeds"><button>Pay {amount}</button>{back}</p></form></div>'
        f'<h2>Test cards</h2><div class="wide" tabindex="0"><table>{_listed(page)}</table></div>'
    )
    return html.shown(f"Pay {data.account.name}", content, status=status, leads_to=session["success_url"])


def _input(name: str, label: str, fields: dict[str, str], mode: str = "text") -> str:
    value = escape(fields.get(name, ""))
    return (
        f'<label for="{name}">{label}</label>'
        f'<input id="{name}" name="{name}" value="{value}" inputmode="{mode}" autocomplete="off">'
    )


def _listed(page: str) -> str:
    return "".join(
        f'<tr><td><a href="{page}?number={card.number}&amp;expires=12/34&amp;code=123">{card.spaced}</a></td>'
        f"<td>{escape(card.says)}</td></tr>"
        for card in cards.on_page()
    )
