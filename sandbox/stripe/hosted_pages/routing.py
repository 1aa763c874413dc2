"""The routes of the hosted pages, and the front page."""

import re
from html import escape
from http import HTTPStatus
from urllib.parse import parse_qsl

from sandbox.stripe.accounts import WORDS
from sandbox.stripe.api_errors import ApiError
from sandbox.stripe.hosted_pages import bank_page, checkout_page, dashboard_page, html
from sandbox.stripe.hosted_pages.html import Page
from sandbox.stripe.payments import cards
from sandbox.stripe.sandbox import Sandbox


def answer(sandbox: Sandbox, method: str, path: str, query: str, body: str) -> Page:
    fields = dict(parse_qsl(body if method == "POST" else query, keep_blank_values=True))
    try:
        if path == "/sandbox.css":
            return Page(200, html.STYLE, {"Content-Type": "text/css; charset=utf-8"})
        if path == "/":
            return html.shown("Nothing here is real", _front(sandbox))
        if found := re.fullmatch(r"/c/pay/(cs_\w+)(/back)?", path):
            return checkout_page.answer(sandbox, method, found[1], fields, is_back=bool(found[2]))
        if found := re.fullmatch(r"/bank/(pi_\w+)", path):
            return bank_page.answer(sandbox, method, found[1], fields)
        if found := re.fullmatch(r"/dashboard/(acct_\w+/(?:test|live))", path):
            return dashboard_page.answer(sandbox, method, found[1], fields)
    except ApiError as problem:
        return html.shown("That did not work", html.said(str(problem)), status=problem.status)
    return html.shown("Nothing here", '<p><a href="/">What there is</a></p>', status=HTTPStatus.NOT_FOUND)


def _front(sandbox: Sandbox) -> str:
    keys = "".join(f"<tr><td><code>{escape(key)}</code></td><td>{escape(what)}</td></tr>" for key, what in WORDS)
    every = "".join(f"<tr><td><code>{card.spaced}</code></td><td>{escape(card.says)}</td></tr>" for card in cards.CARDS)
    accounts = "".join(
        f'<li><a href="/dashboard/{data.account.scope}">{escape(data.account.name)}</a> '
        f"{'live' if data.account.livemode else 'test'} mode, {data.account.currency.upper()}</li>"
        for data in sandbox.all_account_data()
    )
    return (
        "<p>A stand-in for Stripe on this machine. Portico speaks to it as it would to Stripe.</p>"
        f"<h2>Payments</h2><ul>{accounts or '<li>No account has been used yet.</li>'}</ul>"
        f'<h2>Test cards</h2><div class="wide" tabindex="0"><table>{every}</table></div>'
        f'<h2>Keys</h2><div class="wide" tabindex="0"><table>{keys}</table></div>'
    )
