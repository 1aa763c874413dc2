"""`portico worker`: hands over mails, seals the trail and does the chores."""

import logging
import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor

from portico.domain.maintenance.worker_queues import worker_queues
from portico.plumbing.database.connections import checkpoint_wal
from portico.plumbing.queue import worker_loop

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    # Those of `make check`; they would load every page before the first is asked for.
    requires_system_checks: list[str] = []
    help = "Does what pages leave to be done. Any number may run. SIGTERM: finishes the mail at hand, then ends."

    def handle(self, *args: str, **options: Any) -> None:  # Any: Django's own.
        stop = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stop.set())
        refuse_old_database()
        logger.info("worker.started")
        worker_loop.run(worker_queues(), stop)
        checkpoint_wal()
        logger.info("worker.stopped")


def refuse_old_database() -> None:
    """Tables that are missing would look like a database that is away, for ever."""
    try:
        executor = MigrationExecutor(connection)
        is_old = bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    except Error:
        return  # Away: the lanes wait for it.
    finally:
        connection.close()
    if is_old:
        raise CommandError("The database is not up to date. Run `portico migrate` first.")
