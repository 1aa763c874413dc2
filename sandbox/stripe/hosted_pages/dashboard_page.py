"""The dashboard page: lists an account's payments, and refunds and disputes them."""

from html import escape

from sandbox.stripe.account_data import AccountData
from sandbox.stripe.api_errors import Json, missing
from sandbox.stripe.hosted_pages import html
from sandbox.stripe.hosted_pages.html import Page
from sandbox.stripe.sandbox import Sandbox


def answer(sandbox: Sandbox, method: str, scope: str, fields: dict[str, str]) -> Page:
    data = next((each for each in sandbox.all_account_data() if each.account.scope == scope), None)
    if data is None:
        raise missing("account", scope)
    if method == "POST":
        _do(sandbox, fields.get("deed", ""), fields.get("id", ""))
        return html.elsewhere(f"/dashboard/{scope}")
    charges = data.all("charge")
    rows = "".join(_payment(data, charge) for charge in charges) or "<p>No payments yet.</p>"
    return html.shown(f"Payments of {data.account.name}", rows + _customers(data) + _endpoints(data))


def _do(sandbox: Sandbox, deed: str, id_: str) -> None:
    match deed:
        case "refund":
            sandbox.refund(id_)
        case "refund_fails":
            sandbox.end_refund(id_, fails=True)
        case "dispute":
            sandbox.dispute(id_)
        case "delete_customer":
            sandbox.delete_customer(id_)
        case "detach_card":
            sandbox.detach_card(id_)
        case "delete_endpoint":
            sandbox.delete_endpoint(id_)
        case "win" | "lose":
            sandbox.end_dispute(id_, won=deed == "win")


def _payment(data: AccountData, charge: Json) -> str:
    amount = html.amount_of(charge["amount"], charge["currency"])
    what = escape(charge["description"] or charge["id"])
    lines = [f"<p>{amount} by {html.card_name(charge)}: {escape(charge['status'])}</p>"]
    deeds = []
    if charge["paid"] and not charge["disputed"]:
        if not charge["refunded"]:
            deeds.append(_button(data, "refund", charge["id"], f"Refund {what}", "Refund"))
        deeds.append(_button(data, "dispute", charge["id"], f"Dispute {what}", "Dispute"))
    for refund in data.all("refund", lambda each: each["charge"] == charge["id"]):
        lines.append(f"<p>Refund of {html.amount_of(refund['amount'], refund['currency'])}: {refund['status']}</p>")
        if refund["status"] != "failed":
            deeds.append(_button(data, "refund_fails", refund["id"], f"Refund fails: {what}", "Refund fails"))
    for dispute in data.all("dispute", lambda each: each["charge"] == charge["id"]):
        lines.append(f"<p>Disputed: {escape(dispute['status'])}</p>")
        if dispute["status"] not in {"won", "lost"}:
            deeds.append(_button(data, "win", dispute["id"], f"Won: dispute about {what}", "Won"))
            deeds.append(_button(data, "lose", dispute["id"], f"Lost: dispute about {what}", "Lost"))
    return f'<div class="sheet"><h2>{what}</h2>{"".join(lines)}<div class="deeds">{"".join(deeds)}</div></div>'


def _customers(data: AccountData) -> str:
    sheets, methods = [], data.all("payment_method")
    for customer in data.all("customer"):
        name = escape(customer["email"] or customer["id"])
        deeds = [_button(data, "delete_customer", customer["id"], f"Delete customer {name}", "Delete customer")]
        for method in methods:
            if method["customer"] != customer["id"]:
                continue
            card = f"{method['card']['brand'].title()} {method['card']['last4']}"
            deeds.append(_button(data, "detach_card", method["id"], f"Detach {card} of {name}", f"Detach {card}"))
        sheets.append(f'<div class="sheet"><h2>{name}</h2><div class="deeds">{"".join(deeds)}</div></div>')
    return "".join(sheets)


def _endpoints(data: AccountData) -> str:
    sheets = []
    for endpoint in data.all("webhook_endpoint"):
        url = escape(endpoint["url"])
        deed = _button(data, "delete_endpoint", endpoint["id"], f"Delete webhook {url}", "Delete webhook")
        sheets.append(f'<div class="sheet"><h2>{url}</h2><div class="deeds">{deed}</div></div>')
    return "".join(sheets)


def _button(data: AccountData, deed: str, id_: str, label: str, words: str) -> str:
    return (
        f'<form method="post" action="/dashboard/{data.account.scope}"><input type="hidden" name="id" value="{id_}">'
        f'<button class="plain" name="deed" value="{deed}" aria-label="{label}">{words}</button></form>'
    )
