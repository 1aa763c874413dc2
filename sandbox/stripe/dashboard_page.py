"""The dashboard page: lists an account's payments, and refunds and disputes them."""

from html import escape

from sandbox.stripe import drawing
from sandbox.stripe.desk import Desk
from sandbox.stripe.drawing import Page
from sandbox.stripe.problems import Json, missing
from sandbox.stripe.sandbox import Sandbox


def answer(sandbox: Sandbox, method: str, scope: str, fields: dict[str, str]) -> Page:
    desk = next((each for each in sandbox.desks() if each.account.scope == scope), None)
    if desk is None:
        raise missing("account", scope)
    if method == "POST":
        _do(sandbox, fields.get("deed", ""), fields.get("id", ""))
        return drawing.elsewhere(f"/dashboard/{scope}")
    charges = desk.all("charge")
    rows = "".join(_payment(desk, charge) for charge in charges) or "<p>No payments yet.</p>"
    return drawing.shown(f"Payments of {desk.account.name}", rows + _customers(desk) + _endpoints(desk))


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


def _payment(desk: Desk, charge: Json) -> str:
    amount = drawing.amount_of(charge["amount"], charge["currency"])
    what = escape(charge["description"] or charge["id"])
    lines = [f"<p>{amount} by {drawing.card_name(charge)}: {escape(charge['status'])}</p>"]
    deeds = []
    if charge["paid"] and not charge["disputed"]:
        if not charge["refunded"]:
            deeds.append(_button(desk, "refund", charge["id"], f"Refund {what}", "Refund"))
        deeds.append(_button(desk, "dispute", charge["id"], f"Dispute {what}", "Dispute"))
    for refund in desk.all("refund", lambda each: each["charge"] == charge["id"]):
        lines.append(f"<p>Refund of {drawing.amount_of(refund['amount'], refund['currency'])}: {refund['status']}</p>")
        if refund["status"] != "failed":
            deeds.append(_button(desk, "refund_fails", refund["id"], f"Refund fails: {what}", "Refund fails"))
    for dispute in desk.all("dispute", lambda each: each["charge"] == charge["id"]):
        lines.append(f"<p>Disputed: {escape(dispute['status'])}</p>")
        if dispute["status"] not in {"won", "lost"}:
            deeds.append(_button(desk, "win", dispute["id"], f"Won: dispute about {what}", "Won"))
            deeds.append(_button(desk, "lose", dispute["id"], f"Lost: dispute about {what}", "Lost"))
    return f'<div class="sheet"><h2>{what}</h2>{"".join(lines)}<div class="deeds">{"".join(deeds)}</div></div>'


def _customers(desk: Desk) -> str:
    sheets, methods = [], desk.all("payment_method")
    for customer in desk.all("customer"):
        name = escape(customer["email"] or customer["id"])
        deeds = [_button(desk, "delete_customer", customer["id"], f"Delete customer {name}", "Delete customer")]
        for method in methods:
            if method["customer"] != customer["id"]:
                continue
            card = f"{method['card']['brand'].title()} {method['card']['last4']}"
            deeds.append(_button(desk, "detach_card", method["id"], f"Detach {card} of {name}", f"Detach {card}"))
        sheets.append(f'<div class="sheet"><h2>{name}</h2><div class="deeds">{"".join(deeds)}</div></div>')
    return "".join(sheets)


def _endpoints(desk: Desk) -> str:
    sheets = []
    for endpoint in desk.all("webhook_endpoint"):
        url = escape(endpoint["url"])
        deed = _button(desk, "delete_endpoint", endpoint["id"], f"Delete webhook {url}", "Delete webhook")
        sheets.append(f'<div class="sheet"><h2>{url}</h2><div class="deeds">{deed}</div></div>')
    return "".join(sheets)


def _button(desk: Desk, deed: str, id_: str, label: str, words: str) -> str:
    return (
        f'<form method="post" action="/dashboard/{desk.account.scope}"><input type="hidden" name="id" value="{id_}">'
        f'<button class="plain" name="deed" value="{deed}" aria-label="{label}">{words}</button></form>'
    )
