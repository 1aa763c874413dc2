"""Records which tables a block writes to, so that a test can look at these instead of at every table."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import Model

# Statements that change no row.
_READS = re.compile(r"\s*(?:SELECT|SAVEPOINT|RELEASE|ROLLBACK|BEGIN|SET|PRAGMA)\b", re.IGNORECASE)


@contextmanager
def recorded() -> Iterator[set[type[Model]]]:
    """Yields the models of all tables that a writing statement of this thread names, as the block goes on."""
    written: set[type[Model]] = set()

    def record(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:  # Any: Django's own.
        if not _READS.match(sql):
            written.update(model for table, model in _models().items() if table in sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(record):
        yield written


@cache
def _models() -> dict[str, type[Model]]:
    return {model._meta.db_table: model for model in apps.get_models()}
