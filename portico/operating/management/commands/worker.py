"""`portico worker`: delivers emails, seals the audit log and runs scheduled tasks."""

import logging
import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error, connection

from portico.domain.maintenance.worker_queues import worker_queues
from portico.operating import malloc_arenas
from portico.plumbing.database import schema_state
from portico.plumbing.database.connections import checkpoint_wal
from portico.plumbing.queue import worker_loop

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    # `make check` runs them; here they would load all views before the first request.
    requires_system_checks: list[str] = []
    help = "Runs background work. You can run any number of workers. On SIGTERM, finishes the current email and exits."

    def handle(self, *args: str, **options: Any) -> None:  # Any: Django's own.
        stop = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stop.set())
        malloc_arenas.share_one()
        refuse_old_database()
        logger.info("worker.started")
        worker_loop.run(worker_queues(), stop)
        checkpoint_wal()
        logger.info("worker.stopped")


def refuse_old_database() -> None:
    """Raises CommandError if migrations are missing.

    The worker would otherwise take missing tables for a database that is down, and retry for ever.
    """
    try:
        is_old = not schema_state.is_up_to_date()
    except Error:
        return  # The database is down: the queues wait for it.
    finally:
        connection.close()
    if is_old:
        raise CommandError("The database is not up to date. Run `portico migrate` first.")
