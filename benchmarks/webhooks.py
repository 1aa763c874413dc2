"""Measures how fast webhook events are stored, and processed by one worker."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from django.test import override_settings

from benchmarks import pages, stripe_events
from benchmarks.instruments import processor, server_time
from benchmarks.report import Row
from portico.domain.billing.card_payments import polling
from portico.domain.billing.models import Payment
from portico.domain.practices.models import Practice
from portico.domain.practices.stripe_setup import api_keys
from portico.domain.practices.stripe_setup.api_keys import Keys
from portico.gateways.stripe.deadline import Deadline
from portico.plumbing.models import InboundEvent
from portico.web.http.wsgi_application import Application
from sandbox.stripe.server import SandboxStripe
from tests import cast
from tests.support import card_payments
from tests.support.processes.commands import Processes, url_of_test_database

EVENTS, PAYMENTS = 10_000, 50
MOST_SECONDS = 600.0
SECTION = "Webhooks"


def measure() -> Iterator[Row]:
    """Measures events about payments that are recorded, each of which the worker fetches from Stripe."""
    with SandboxStripe() as stripe, override_settings(STRIPE_API_BASE=stripe.url):
        practice = Practice.objects.create(slug="paid", name="A practice that is paid by card")
        api_keys.save_unchecked(practice, Keys(card_payments.KEY, stripe_events.SECRET), by=cast.DESK)
        intents = _pay(card_payments.Till(stripe, practice))
        with pages.quiet_log():
            each_ms = _store(practice, intents)
        yield Row(SECTION, "storing an event", f"{each_ms:.2f} ms", "", each_ms)
        elapsed, used = _drain(stripe)
    yield Row(SECTION, f"{EVENTS:,} events processed by one worker", f"{elapsed:.0f} s elapsed", "60 s")
    yield Row(SECTION, "processing an event", f"{used * 1000 / EVENTS:.2f} ms", "", elapsed * 1000 / EVENTS)


def _pay(till: card_payments.Till) -> list[str]:
    """Makes card payments; returns the ids of their payment intents."""
    payer = cast.client(till.practice, "Payer", address="payer@mail.example")
    person = card_payments.let_pay(cast.with_access(payer).client)
    for _ in range(PAYMENTS):
        attempt = till.start(person, cast.bill(person))
        till.type_card(attempt)
        polling.poll(attempt, deadline=Deadline(10))
    ids = list(Payment.objects.filter(practice=till.practice).values_list("payment_intent_id", flat=True))
    if len(ids) != PAYMENTS:
        raise SystemExit(f"Only {len(ids)} of {PAYMENTS} payments were recorded.")
    return ids


def _store(practice: Practice, intents: list[str]) -> float:
    """Stores the events through the web application; returns the milliseconds of each."""
    application, path = Application(), f"/hooks/stripe/{practice.slug}/"
    database_began, used = server_time.database_seconds(), 0.0
    for number in range(EVENTS):
        environ = stripe_events.request(path, f"evt_drained_{number}", intents[number % PAYMENTS])
        began = time.process_time()
        server_time.respond("webhook", application, environ)
        used += time.process_time() - began
    return (used + server_time.database_seconds() - database_began) * 1000 / EVENTS


def _drain(stripe: SandboxStripe) -> tuple[float, float]:
    """Starts a worker; returns the seconds until no event waits, and those of processor that it used."""
    with tempfile.TemporaryDirectory(prefix="portico-bench-webhooks-") as folder:
        processes = Processes(Path(folder), url_of_test_database())
        try:
            worker = processes.worker(STRIPE_API_BASE=stripe.url, ALLOW_TEST_ENDPOINTS="1")
            worker.wait_for_line("worker.started", seconds=60)
            began, before = time.monotonic(), processor.seconds_of({"worker": worker.pid})["worker"]
            while InboundEvent.objects.waiting().exists():
                if time.monotonic() - began > MOST_SECONDS:
                    raise SystemExit(f"{InboundEvent.objects.waiting().count()} events still wait.")
                time.sleep(0.2)
            used = processor.seconds_of({"worker": worker.pid})["worker"] - before
            return time.monotonic() - began, used
        finally:
            processes.end()
