"""Measures the delay of an email from commit to the mail server, with two idle workers."""

import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.instruments import figures
from benchmarks.report import Row
from portico.domain.access.models import Invitation
from portico.domain.practices.models import Practice
from tests import cast
from tests.support.processes.commands import Processes, url_of_test_database
from tests.support.servers.smtp import SmtpServer

MAILS = 100
MOST_SECONDS = 10.0


def measure() -> Iterator[Row]:
    """Measures p50, p99 and the longest wait of mails written at random moments."""
    practice = Practice.objects.create(slug="mailing", name="A practice that writes", reply_to="desk@mailing.example")
    server = SmtpServer()
    server.start()
    with tempfile.TemporaryDirectory(prefix="portico-bench-mail-") as folder:
        workers = Processes(Path(folder), url_of_test_database())
        try:
            for _ in range(2):
                workers.worker(EMAIL_URL=server.url).wait_for_line("worker.started")
            waits = _waits(practice, server)
        finally:
            workers.end()
            server.stop()
    figure = f"{figures.spread(waits)}, longest {max(waits):.2f} s"
    yield Row("Mail", f"commit to mail server, {len(waits)} invitations, two idle workers, elapsed", figure)


def _waits(practice: Practice, server: SmtpServer) -> list[float]:
    draw = random.Random(7)
    waits = []
    for number in range(MAILS):
        person = cast.client(practice, f"Person {number}", address=f"person.{number}@mail.example")
        time.sleep(draw.random() * 0.4)
        taken = len(server.mails)
        invitation: Invitation = cast.invited(person)
        began = time.perf_counter()
        while len(server.mails) == taken:
            if time.perf_counter() - began > MOST_SECONDS:
                raise SystemExit(f"The mail of invitation {invitation.pk} did not arrive.")
            time.sleep(0.002)
        waits.append(time.perf_counter() - began)
    return waits
