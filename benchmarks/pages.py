"""Measures whole requests: pages of Portico beside the same page in plain Django, in one interleaved run."""

import hashlib
import hmac
import io
import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from django.test import Client as Browser
from django.test import RequestFactory

from benchmarks import server_time
from benchmarks.server_time import Environ, Page
from benchmarks.twins import application as twins
from portico.domain.practices.models import Practice
from portico.domain.practices.stripe_setup import api_keys
from portico.domain.practices.stripe_setup.api_keys import Keys
from portico.web.http.wsgi_application import Application
from tests import cast
from tests.support import paying

SECRET = "whsec_bench"
LEAN, LOGIN, HOOK = "lean twin", "Django's login page", "webhook in plain Django"
BILLS, PAID_BILLS = 25, 15


def measure(practice: Practice) -> None:
    """Measures the pages of a practice and of one of its clients, who has 25 invoices."""
    with Path(os.devnull).open("w") as nowhere:
        # A line is written for each request, as in operation.
        handler = logging.root.handlers[0]
        assert isinstance(handler, logging.StreamHandler)
        shown = handler.setStream(nowhere)
        try:
            pages = _pages(practice)
            server_time.measure(pages)
        finally:
            handler.setStream(shown)
    _print(pages)


def _pages(practice: Practice) -> list[Page]:
    portico, plain = Application(), twins.application()
    api_keys.save_unchecked(practice, Keys("sk_test_bench", SECRET), by=cast.DESK)
    person = cast.ana(practice)
    portal = cast.in_the_portal(Browser(headers={"host": "localhost"}), person)
    paying.let_pay(person)
    desk = cast.signed_in(Browser(headers={"host": "localhost"}), cast.fay(practice))
    invoices = [cast.bill(person) for _ in range(BILLS)]
    for paid in invoices[:PAID_BILLS]:
        cast.cash(person, paid.total_minor, invoice=paid)
    invoice = invoices[-1]
    at, client = practice.portal_path, f"/office/clients/{person.ref}/"

    def page(name: str, browser: Browser, path: str, most: float, most_queries: int = 0) -> Page:
        return Page(name, portico, _get(browser, path), LEAN, most, most_queries)

    numbers = count()
    return [
        Page(LEAN, plain, _get(portal, f"/lean/{practice.slug}/")),
        Page("ordinary twin", plain, _get(portal, f"/ordinary/{practice.slug}/"), LEAN),
        page("Billing & Payments, 25 bills", portal, f"{at}billing/", 2.4, 4),
        page("portal home", portal, f"{at}home/", 3),
        page("one invoice", portal, f"{at}billing/{invoice.ref}/", 3),
        page("profile", portal, f"{at}profile/", 3),
        page("pay page", portal, f"{at}billing/{invoice.ref}/payment/", 3),
        page("client list", desk, "/office/clients/", 5),
        page("search", desk, f"/office/clients/?q={person.last_name}", 5),
        page("invoice list", desk, "/office/invoices/", 5),
        page("a client", desk, client, 7, 9),
        page("Client Portal tab", desk, f"{client}edit/portal/", 7, 9),
        Page(LOGIN, plain, _get(Browser(), "/login/")),
        Page("entrance", portico, _get(Browser(), at), LOGIN, 1.2, 1),
        Page(HOOK, plain, _webhook(f"/hooks/{practice.slug}/", numbers)),
        Page("webhook stored", portico, _webhook(f"/hooks/stripe/{practice.slug}/", numbers), HOOK, 1.5, 2),
    ]


def _get(browser: Browser, path: str) -> Callable[[], Environ]:
    environ = RequestFactory(headers={"host": "localhost"}).get(path).environ
    environ["HTTP_COOKIE"] = "; ".join(f"{name}={morsel.value}" for name, morsel in browser.cookies.items())
    return lambda: environ | {"wsgi.input": io.BytesIO()}


def _webhook(path: str, numbers: Iterator[int]) -> Callable[[], Environ]:
    return lambda: _event(path, next(numbers))


def _event(path: str, number: int) -> Environ:
    at = int(time.time())
    body = json.dumps(
        {
            "id": f"evt_{number}", "object": "event", "type": "payment_intent.succeeded", "livemode": False,
            "created": at, "data": {"object": {"id": "pi_1", "object": "payment_intent"}},
        }
    ).encode()  # fmt: skip
    signature = hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {"host": "localhost", "Stripe-Signature": f"t={at},v1={signature}"}
    request = RequestFactory(headers=headers).post(path, body, content_type="application/json")
    return request.environ


def _print(pages: list[Page]) -> None:
    medians = {page.name: page.median_ms for page in pages}
    print(f"\n{'Processor time of a request':32} {'server':>9} {'database':>9} {'queries':>8}  multiple")
    for page in pages:
        line = f"{page.name:32} {page.median_ms:6.2f} ms {page.median_database_ms:6.2f} ms {page.queries:8}"
        if page.reference:
            line += f"  {page.median_ms / medians[page.reference]:5.2f} × {page.reference}"
        if page.most:
            line += f" (at most {page.most:g}{f', {page.most_queries} queries' if page.most_queries else ''})"
        print(line)
