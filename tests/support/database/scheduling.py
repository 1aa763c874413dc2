"""Distributes the tests of a run on both databases: each database has its own workers, which share its modules."""

from collections.abc import Sequence
from typing import Any

import pytest
from xdist.remote import Producer
from xdist.scheduler.loadscope import LoadScopeScheduling
from xdist.workermanage import WorkerController


class PerDatabaseScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist comes without types.
    """One of xdist's queues of modules per database.

    xdist gives each test to any worker. Here a worker belongs to the database named in its environment (`variable`),
    and takes the next module of that database when it has finished the last.
    """

    def __init__(self, config: pytest.Config, log: Producer, variable: str) -> None:
        super().__init__(config, log)
        self.variable = variable
        # Modules keep the order in which they were collected: those that take longest come first.
        config.option.loadscopereorder = False
        specs = [_database_of_spec(spec, variable) for spec in config.getvalue("tx")]
        self.queues: dict[str, LoadScopeScheduling] = {}
        for database in sorted(set(specs)):
            self.queues[database] = LoadScopeScheduling(config, log)
            self.queues[database].numnodes = specs.count(database)
        self._is_counted = False

    @property
    def nodes(self) -> list[WorkerController]:
        return [node for queue in self.queues.values() for node in queue.nodes]

    @property
    def collection_is_completed(self) -> bool:
        return all(queue.collection_is_completed for queue in self.queues.values())

    @property
    def tests_finished(self) -> bool:
        return all(queue.tests_finished for queue in self.queues.values())

    @property
    def has_pending(self) -> bool:
        return any(queue.has_pending for queue in self.queues.values())

    def add_node(self, node: WorkerController) -> None:
        self._queue_of(node).add_node(node)

    def remove_node(self, node: WorkerController) -> str | None:
        crashed: str | None = self._queue_of(node).remove_node(node)
        return crashed

    def add_node_collection(self, node: WorkerController, collection: Sequence[str]) -> None:
        self._queue_of(node).add_node_collection(node, collection)

    def mark_test_complete(self, node: WorkerController, item_index: int, duration: float = 0) -> None:
        self._queue_of(node).mark_test_complete(node, item_index, duration)

    def schedule(self) -> None:
        for queue in self.queues.values():
            queue.schedule()
        if not self._is_counted:
            self._is_counted = True
            self._count_all_tests()

    def _count_all_tests(self) -> None:
        """Gives the progress line the number of tests of all databases; xdist counts those of one worker.

        It counts a test that runs on both databases once.
        """
        session: Any = self.config.pluginmanager.getplugin("dsession")
        session._session.testscollected = len(set().union(*(queue.collection or () for queue in self.queues.values())))

    def _queue_of(self, node: WorkerController) -> LoadScopeScheduling:
        return self.queues[node.gateway.spec.env[self.variable]]


def _database_of_spec(spec: str, variable: str) -> str:
    """Returns the value of the environment variable in an execnet spec such as `popen//env:NAME=value`."""
    marker = f"env:{variable}="
    return next(part.removeprefix(marker) for part in spec.split("//") if part.startswith(marker))
