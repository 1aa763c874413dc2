"""Renders the sandbox's HTML pages."""

from dataclasses import dataclass, field
from html import escape
from http import HTTPStatus
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

from sandbox.stripe.api_errors import Json
from sandbox.stripe.payments import amounts

HERE = Path(__file__).parent
STYLE = (HERE / "sandbox.css").read_bytes()
FRAME = Template((HERE / "frame.html").read_text(encoding="utf-8"))
POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
SIGNS = {"usd": "$", "eur": "€", "gbp": "£", "cad": "CA$", "jpy": "¥"}


@dataclass(frozen=True)
class Page:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def shown(title: str, content: str, *, status: int = 200, leads_to: str | None = None) -> Page:
    """Returns a page. `leads_to` is an origin to which its forms may redirect, for the Content-Security-Policy."""
    parts = urlsplit(leads_to or "")
    origin = f" {parts.scheme}://{parts.netloc}" if parts.netloc else ""
    html = FRAME.substitute(title=escape(title), content=content)
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": POLICY + origin,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
    return Page(status, html.encode(), headers)


def elsewhere(address: str) -> Page:
    return Page(HTTPStatus.SEE_OTHER, headers={"Location": address, "Cache-Control": "no-store"})


def said(sentence: str) -> str:
    return f'<p class="bad" role="alert">{escape(sentence)}</p>'


def amount_of(minor: int, currency: str) -> str:
    """Formats an amount: "$140.00"."""
    digits = amounts.decimals_of(currency)
    return f"{SIGNS.get(currency, currency.upper() + ' ')}{minor / 10**digits:,.{digits}f}"


def card_name(charge: Json) -> str:
    card = charge["payment_method_details"]["card"]
    return f"{card['brand'].title()} {card['last4']}"
