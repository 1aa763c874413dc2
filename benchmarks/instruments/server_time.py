"""Processor time of requests to WSGI applications in this process, and of the database behind them."""

import gc
import io
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.test.utils import CaptureQueriesContext

from benchmarks.instruments import processor

ROUNDS, REQUESTS_A_ROUND = 15, 10


type Environ = dict[str, Any]  # Any: as WSGI has it.


@dataclass
class Page:
    """A request to measure. `environ` is called for each request, outside the measurement.

    `most` is the multiple of the reference that the page may cost, `most_queries` the number of its queries.
    """

    name: str
    application: WSGIHandler
    environ: Callable[[], Environ]
    reference: str = ""
    most: float = 0.0
    most_queries: int = 0
    queries: int = 0
    server_ms: list[float] = field(default_factory=list)
    database_ms: list[float] = field(default_factory=list)

    @property
    def median_ms(self) -> float:
        return statistics.median(self.server_ms)

    @property
    def median_database_ms(self) -> float:
        return statistics.median(self.database_ms)


def measure(pages: Sequence[Page]) -> None:
    """Measures all pages in turns, so that what else the machine does falls on each of them alike."""
    for page in pages:
        for _ in range(REQUESTS_A_ROUND):
            _ask(page)
        with CaptureQueriesContext(connection) as queries:
            _ask(page)
        page.queries = len(queries)
    for _ in range(ROUNDS):
        for page in pages:
            _measure_round(page)


def _measure_round(page: Page) -> None:
    environs = [page.environ() for _ in range(REQUESTS_A_ROUND)]
    gc.collect()
    database_began, began = database_seconds(), time.process_time()
    for environ in environs:
        respond(page.name, page.application, environ)
    page.server_ms.append((time.process_time() - began) * 1000 / REQUESTS_A_ROUND)
    page.database_ms.append((database_seconds() - database_began) * 1000 / REQUESTS_A_ROUND)


def database_seconds() -> float:
    """Returns the time of PostgreSQL's processes; SQLite is a part of the server."""
    return processor.exact_seconds_of_children(_postmaster()) if connection.vendor == "postgresql" else 0.0


@cache
def _postmaster() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return processor.parent_of(cursor.fetchone()[0])


def _ask(page: Page) -> None:
    respond(page.name, page.application, page.environ())


def respond(name: str, application: WSGIHandler, environ: Environ) -> None:
    """Answers a request; ends the program if the answer is not 200."""
    statuses: list[str] = []

    def start_response(status: str, headers: object, error: object = None, /) -> Callable[[bytes], object]:
        statuses.append(status)
        return io.BytesIO().write

    with closing(application(environ, start_response)) as response:
        b"".join(response)
    if not statuses[0].startswith("200"):
        raise SystemExit(f"{name} was answered {statuses[0]}.")
