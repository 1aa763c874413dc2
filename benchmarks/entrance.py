"""The delay of sign-in mails after their requests; and response times, which must be equal for unknown addresses."""

import logging
import random
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.test import Client as Browser

from benchmarks.instruments import figures, processor
from benchmarks.instruments.sink import Sink
from benchmarks.report import Row
from portico.domain.practices.models import Practice
from tests import cast
from tests.support.processes.commands import Process, Processes, url_of_test_database

ASKS = 300
A_SECOND = 50
MOST_SECONDS = 30.0
# So many asks may be under way at once.
ASKERS = 16
SECTION = "Entrance"


def measure() -> Iterator[Row]:
    """Measures asks for sign-in links, by known and unknown addresses."""
    practice = Practice.objects.create(slug="asking", name="A practice that is asked", reply_to="desk@asking.example")
    for number in range(ASKS):
        cast.with_access(cast.client(practice, f"Person {number}", address=_known(number)))
    # Each request would print its line between the figures.
    logging.getLogger("portico").setLevel(logging.WARNING)
    yield from _measure_telling_apart(practice)
    yield from _measure_mails(practice)


def _known(number: int) -> str:
    return f"asker.{number}@mail.example"


def _place(number: int) -> str:
    return f"10.{number // 65536}.{number // 256 % 256}.{number % 256}"


def _measure_telling_apart(practice: Practice) -> Iterator[Row]:
    """Asks for known and unknown addresses in random order; nobody should be able to sort them by time."""
    asks = [(True, _known(number)) for number in range(ASKS)]
    asks += [(False, f"nobody.{number}@mail.example") for number in range(ASKS)]
    random.Random(11).shuffle(asks)
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for number, (is_known, address) in enumerate(asks):
        browser = Browser(REMOTE_ADDR=_place(number))
        began = time.perf_counter()
        answer = browser.post(practice.portal_path, {"email": address}, headers={"host": "localhost"})
        seconds[is_known].append(time.perf_counter() - began)
        if answer.status_code != 302:
            raise SystemExit(f"Asking for a link was answered {answer.status_code}.")
    for is_known, name in ((True, "asking for a link, known address"), (False, "asking for a link, unknown address")):
        yield Row(SECTION, name, f"{figures.spread(seconds[is_known])} elapsed")
    told_apart = f"{auc(seconds[True], seconds[False]):.3f}"
    yield Row(SECTION, "told apart by time (AUC, 0.5 is not at all)", told_apart)


def auc(ones: Sequence[float], others: Sequence[float]) -> float:
    """The chance that one of the first takes longer than one of the second."""
    longer = sum((one > other) + (one == other) / 2 for one in ones for other in others)
    return longer / (len(ones) * len(others))


def _measure_mails(practice: Practice) -> Iterator[Row]:
    """Two workers first answer what was asked above; then comes a steady stream of asks through the front door."""
    sink = Sink()
    with tempfile.TemporaryDirectory(prefix="portico-bench-entrance-") as folder:
        parts = Processes(Path(folder), url_of_test_database())
        try:
            # Each ask comes from a network of its own, as if a proxy had said so.
            web = parts.web(TRUSTED_PROXY_COUNT="1")
            workers = [parts.worker(EMAIL_URL=sink.url, PUBLIC_BASE_URL=web.url) for _ in range(2)]
            for worker in workers:
                worker.wait_for_line("worker.started")
            sink.wait_for(ASKS, seconds=120)
            sink.taken_at.clear()
            pids = {"web": web.pid, "first worker": workers[0].pid, "second worker": workers[1].pid}
            pids |= {"database": _pid_of_database(), "mail server": sink.pid}
            before = processor.seconds_of(pids)
            asked_at = _stream(practice, web)
            sink.wait_for(ASKS, seconds=MOST_SECONDS)
            used = {name: seconds - before[name] for name, seconds in processor.seconds_of(pids).items()}
        finally:
            parts.end()
            sink.stop()
    waits = [sink.taken_at[address] - at for address, at in asked_at.items()]
    name = f"ask to mail server, {A_SECOND} asks a second, two workers"
    yield Row(SECTION, name, f"{figures.spread(waits)}, longest {max(waits):.2f} s, elapsed", "500 ms (p99)")
    each = ", ".join(f"{who} {seconds * 1000 / ASKS:.1f} ms" for who, seconds in used.items())
    yield Row(SECTION, "for each ask", each, "", sum(used.values()) * 1000 / ASKS)


def _pid_of_database() -> int:
    """The server behind the connection; 0 for SQLite, which is in the other processes."""
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return processor.parent_of(cursor.fetchone()[0])


def _stream(practice: Practice, web: Process) -> dict[str, float]:
    """Asks at a steady pace, whatever happens to those before; gives when each began."""
    doorway, csrf = f"{web.url}{practice.portal_path}", "x" * 32
    asked_at: dict[str, float] = {}

    def ask(number: int) -> None:
        time.sleep(max(0.0, began + number / A_SECOND - time.perf_counter()))
        body = urllib.parse.urlencode({"email": _known(number), "csrfmiddlewaretoken": csrf}).encode()
        headers = {"Cookie": f"{settings.CSRF_COOKIE_NAME}={csrf}", "X-Forwarded-For": _place(number + 65536)}
        asked_at[_known(number)] = time.perf_counter()
        try:
            with _no_redirects.open(urllib.request.Request(doorway, body, headers), timeout=MOST_SECONDS):
                raise SystemExit("Asking for a link did not lead on.")
        except urllib.error.HTTPError as answer:
            if answer.code != 302:
                raise SystemExit(f"Asking for a link was answered {answer.code}.") from None

    began = time.perf_counter() + 0.1
    with ThreadPoolExecutor(ASKERS) as askers:
        list(askers.map(ask, range(ASKS)))
    return asked_at


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: object) -> None:
        return None


_no_redirects = urllib.request.build_opener(_Stay)
