"""Pages and the webhook, whole requests in one process: how long, how many a second, how much of a processor."""

import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable
from itertools import count

from django.test import Client as Browser

from benchmarks import figures
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.domain.practices.stripe_setup import api_keys
from portico.domain.practices.stripe_setup.api_keys import Keys
from tests import cast

TIMES = 300
BILLS = 25
SECRET = "whsec_bench"


def measure() -> None:
    """A client's bills, and what Stripe reports."""
    # Each request would print its line between the figures.
    logging.getLogger("portico").setLevel(logging.WARNING)
    practice = Practice.objects.create(slug="busy", name="A busy practice", reply_to="desk@busy.example")
    person = cast.ana(practice)
    browser = cast.in_the_portal(Browser(headers={"host": "localhost"}), person)
    for _ in range(BILLS):
        cast.bill(person)
    api_keys.save_unchecked(practice, Keys("sk_test_bench", SECRET), by=cast.DESK)
    numbers, stripe = count(), Browser(headers={"host": "localhost"})
    print(f"\n{'Requests':44} {'p50':>7}   {'p99':>7}")
    _time(f"Billing & Payments with {BILLS} bills", lambda: browser.get(f"{practice.portal_path}billing/"))
    _time("a webhook", lambda: _report(stripe, practice, next(numbers)))


def measure_client(practice: Practice) -> None:
    """The page of one client among all of the practice."""
    clients = Client.objects.filter(practice=practice)
    one = clients.order_by("id")[clients.count() // 2]
    desk = cast.signed_in(Browser(headers={"host": "localhost"}), cast.fay(practice))
    _time(f"one client's page, of {clients.count():,}", lambda: desk.get(f"/office/clients/{one.ref}/"))


def _report(stripe: Browser, practice: Practice, number: int) -> object:
    at = int(time.time())
    inside = {"id": "pi_1", "object": "payment_intent"}
    body = json.dumps(
        {
            "id": f"evt_{number}", "object": "event", "type": "payment_intent.succeeded", "livemode": False,
            "created": at, "data": {"object": inside},
        }
    ).encode()  # fmt: skip
    signature = hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return stripe.post(
        f"/hooks/stripe/{practice.slug}/",
        body,
        content_type="application/json",
        headers={"Stripe-Signature": f"t={at},v1={signature}"},
    )


def _time(name: str, ask: Callable[[], object]) -> None:
    seconds, cpu_began = [], time.process_time()
    for _ in range(TIMES):
        began = time.perf_counter()
        status = getattr(ask(), "status_code", None)
        seconds.append(time.perf_counter() - began)
        if status != 200:
            raise SystemExit(f"{name} was answered {status}.")
    cpu = (time.process_time() - cpu_began) * 1000 / TIMES
    print(f"{name:44} {figures.spread(seconds)}, {TIMES / sum(seconds):.0f} a second, {cpu:.1f} ms of a processor each")
