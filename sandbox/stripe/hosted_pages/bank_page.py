"""The bank's page, where a payment is confirmed or refused."""

import hmac
from html import escape
from urllib.parse import urlencode

from sandbox.stripe.account_data import AccountData
from sandbox.stripe.api_errors import Json, missing
from sandbox.stripe.hosted_pages import html
from sandbox.stripe.hosted_pages.html import Page
from sandbox.stripe.payments import checkout
from sandbox.stripe.sandbox import Sandbox


def answer(sandbox: Sandbox, method: str, id_: str, fields: dict[str, str]) -> Page:
    data, intent = sandbox.find_with_account("payment_intent", id_)
    key = intent["client_secret"].rpartition("_")[2]
    if not hmac.compare_digest(fields.get("key", "").encode(), key.encode()):
        raise missing("payment_intent", id_)
    if method == "POST" and fields.get("answer") in {"accept", "refuse"}:
        sandbox.answer_at_bank(id_, accept=fields["answer"] == "accept")
        return html.elsewhere(_way_back(data, data.get("payment_intent", id_)))
    if intent["status"] != "requires_action":
        way = f'<p><a href="{escape(_way_back(data, intent))}">Back</a></p>'
        return html.shown("The bank asks nothing any more", way, status=410)
    amount = html.amount_of(intent["amount"], intent["currency"])
    content = (
        f"<p>{escape(data.account.name)} asks for:</p>"
        f'<div class="sheet"><p class="amount">{amount}</p><form method="post" action="/bank/{id_}">'
        f'<input type="hidden" name="key" value="{key}">'
        '<p class="deeds"><button name="answer" value="accept">Accept</button>'
        '<button class="plain" name="answer" value="refuse">Refuse</button></p></form></div>'
    )
    return html.shown("Your bank needs you to confirm", content, leads_to=_leaving(data, intent))


def _leaving(data: AccountData, intent: Json) -> str | None:
    session = data.find("checkout.session", intent["_session"])
    address: str | None = session["success_url"] if session else intent["_return_url"]
    return address


def _way_back(data: AccountData, intent: Json) -> str:
    session = data.find("checkout.session", intent["_session"])
    if session is not None:
        is_paid = session["status"] == "complete"
        return checkout.success_url(session) if is_paid else f"/c/pay/{session['id']}/back"
    address = intent["_return_url"]
    if not address:
        return "/"
    said = urlencode({"payment_intent": intent["id"], "payment_intent_client_secret": intent["client_secret"]})
    return f"{address}{'&' if '?' in address else '?'}{said}"
