"""How fast a sign-in mail follows its ask, and whether the time of an answer tells who is known."""

import logging
import random
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from django.db import connection
from django.test import Client as Browser

from benchmarks import figures
from portico.domain.practices.models import Practice
from tests import cast
from tests.support.processes import Processes, url_of_test_database
from tests.support.smtp import SmtpServer

ASKS = 300
A_SECOND = 50
MOST_SECONDS = 30.0


def measure() -> None:
    practice = Practice.objects.create(slug="asking", name="A practice that is asked", reply_to="desk@asking.example")
    for number in range(ASKS):
        cast.with_access(cast.client(practice, f"Person {number}", address=_known(number)))
    # Each request would print its line between the figures.
    logging.getLogger("portico").setLevel(logging.WARNING)
    _measure_telling_apart(practice)
    _measure_mails(practice)


def _known(number: int) -> str:
    return f"asker.{number}@mail.example"


def _place(number: int) -> str:
    return f"10.{number // 65536}.{number // 256 % 256}.{number % 256}"


def _measure_telling_apart(practice: Practice) -> None:
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
    print(f"\n{'Asking at the entrance':44} {'p50':>7}   {'p99':>7}")
    for is_known, name in ((True, "a known address"), (False, "an unknown address")):
        print(f"{name:44} {figures.spread(seconds[is_known])}")
    print(f"{'told apart by time (AUC, 0.5 is not at all)':44} {auc(seconds[True], seconds[False]):7.3f}")


def auc(ones: Sequence[float], others: Sequence[float]) -> float:
    """The chance that one of the first takes longer than one of the second."""
    longer = sum((one > other) + (one == other) / 2 for one in ones for other in others)
    return longer / (len(ones) * len(others))


def _measure_mails(practice: Practice) -> None:
    """Two workers first answer what was asked above; then comes a steady stream of asks."""
    server = SmtpServer()
    server.start()
    with tempfile.TemporaryDirectory(prefix="portico-bench-entrance-") as folder:
        workers = Processes(Path(folder), url_of_test_database())
        try:
            for _ in range(2):
                workers.worker(EMAIL_URL=server.url).wait_for_line("worker.started")
            server.wait_for(ASKS, seconds=120)
            waits = _waits(practice, server)
        finally:
            workers.end()
            server.stop()
    name = f"{ASKS} asks, {A_SECOND} a second, two workers"
    print(f"{name:44} {figures.spread(waits)}, longest {max(waits):.2f} s (ask to mail server)")


def _waits(practice: Practice, server: SmtpServer) -> list[float]:
    asked: dict[str, float] = {}
    stream = threading.Thread(target=_stream, args=(practice, asked))
    seen = len(server.mails)
    arrived: dict[str, float] = {}
    stream.start()
    give_up_at = time.perf_counter() + ASKS / A_SECOND + MOST_SECONDS
    while len(arrived) < ASKS:
        if time.perf_counter() > give_up_at:
            raise SystemExit(f"Only {len(arrived)} of {ASKS} sign-in mails arrived.")
        for mail in server.mails[seen:]:
            arrived[mail.recipient] = time.perf_counter()
            seen += 1
        time.sleep(0.002)
    stream.join()
    return [arrived[address] - asked[address] for address in asked]


def _stream(practice: Practice, asked: dict[str, float]) -> None:
    began = time.perf_counter()
    for number in range(ASKS):
        time.sleep(max(0.0, began + number / A_SECOND - time.perf_counter()))
        cast.asked(practice, _known(number), browser=f"browser {number}", ip=_place(number + 65536))
        asked[_known(number)] = time.perf_counter()
    connection.close()
