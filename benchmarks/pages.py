"""Measures whole requests: pages of Portico beside the same page in plain Django, in one interleaved run."""

import io
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from django.test import Client as Browser
from django.test import RequestFactory

from benchmarks import documents, stripe_events
from benchmarks.instruments import server_time
from benchmarks.instruments.server_time import Environ, Page
from benchmarks.report import PAGES, Row
from benchmarks.twins import application as twins
from portico.domain.access.models import PortalAccess
from portico.domain.practices.models import Practice
from portico.domain.practices.stripe_setup import api_keys
from portico.domain.practices.stripe_setup.api_keys import Keys
from portico.web.http.wsgi_application import Application
from tests import cast
from tests.support import card_payments

LEAN, LOGIN, HOOK = "lean twin", "Django's login page", "webhook in plain Django"
BILLS, PAID_BILLS = 25, 15


def measure(practice: Practice) -> Iterator[Row]:
    """Measures the pages of a practice and of one of its clients, who has 25 invoices."""
    with quiet_log():
        signed_in = portal_and_office(practice)
        measured = [*_twins(practice, signed_in[0]), *signed_in, *_entrance_and_webhook(practice)]
        server_time.measure(measured)
    medians = {page.name: page.median_ms for page in measured}
    for page in measured:
        figure = f"{page.median_ms:.2f} + {page.median_database_ms:.2f} ms, {page.queries} queries"
        if page.reference:
            figure = f"{page.median_ms / medians[page.reference]:.2f} × {page.reference}, {figure}"
        yield Row(PAGES, page.name, figure, _limit(page), page.median_ms + page.median_database_ms)


def _limit(page: Page) -> str:
    queries = f", {page.most_queries} queries" if page.most_queries else ""
    return f"{page.most:g} ×{queries}" if page.most else ""


@contextmanager
def quiet_log() -> Iterator[None]:
    """Writes the line of each request, as in operation, but to nowhere."""
    with Path(os.devnull).open("w") as nowhere:
        handler = logging.root.handlers[0]
        assert isinstance(handler, logging.StreamHandler)
        shown = handler.setStream(nowhere)
        try:
            yield
        finally:
            handler.setStream(shown)


def portal_and_office(practice: Practice) -> list[Page]:
    """Returns the pages of people who are signed in; the first is the one with the twins."""
    portico = Application()
    api_keys.save_unchecked(practice, Keys("sk_test_bench", stripe_events.SECRET), by=cast.DESK)
    person = cast.ana(practice)
    portal = cast.in_the_portal(Browser(headers={"host": "localhost"}), person)
    card_payments.let_pay(person)
    desk = cast.signed_in(Browser(headers={"host": "localhost"}), cast.fay(practice))
    invoices = [cast.bill(person) for _ in range(BILLS)]
    for paid in invoices[:PAID_BILLS]:
        cast.cash(person, paid.total_minor, invoice=paid)
    invoice = invoices[-1]
    at, client = practice.portal_path, f"/office/clients/{person.ref}/"

    def page(name: str, browser: Browser, path: str, most: float, most_queries: int = 0) -> Page:
        return Page(name, portico, _get(browser, path), LEAN, most, most_queries)

    return [
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
        *(page(name, *of, 3) for name, of in _documents(practice).items()),
    ]


def _documents(practice: Practice) -> dict[str, tuple[Browser, str]]:
    """Returns the portal's pages of documents by name, for another client, each with its browser and address."""
    person = cast.carol(practice)
    portal = cast.in_the_portal(Browser(headers={"host": "localhost"}), person)
    found = documents.addresses(PortalAccess.objects.get(own_client=person))
    return {name: (portal, path) for name, path in found.items()}


def _twins(practice: Practice, page: Page) -> list[Page]:
    """Returns the same page in plain Django, with the same cookies."""
    plain, cookies = twins.application(), page.environ()["HTTP_COOKIE"]
    return [
        Page(LEAN, plain, _get_with(cookies, f"/lean/{practice.slug}/")),
        Page("ordinary twin", plain, _get_with(cookies, f"/ordinary/{practice.slug}/"), LEAN),
    ]


def _entrance_and_webhook(practice: Practice) -> list[Page]:
    portico, plain, numbers = Application(), twins.application(), count()
    return [
        Page(LOGIN, plain, _get(Browser(), "/login/")),
        Page("entrance", portico, _get(Browser(), practice.portal_path), LOGIN, 1.2, 1),
        Page(HOOK, plain, _webhook(f"/hooks/{practice.slug}/", numbers)),
        Page("webhook stored", portico, _webhook(f"/hooks/stripe/{practice.slug}/", numbers), HOOK, 1.5, 2),
    ]


def _get(browser: Browser, path: str) -> Callable[[], Environ]:
    return _get_with("; ".join(f"{name}={morsel.value}" for name, morsel in browser.cookies.items()), path)


def _get_with(cookies: str, path: str) -> Callable[[], Environ]:
    environ = RequestFactory(headers={"host": "localhost"}).get(path).environ
    environ["HTTP_COOKIE"] = cookies
    return lambda: environ | {"wsgi.input": io.BytesIO()}


def _webhook(path: str, numbers: Iterator[int]) -> Callable[[], Environ]:
    return lambda: stripe_events.request(path, f"evt_{next(numbers)}", "pi_1")
