"""Emptying tables whose rows are only added, which the tests' own clean-up must do after real transactions."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager

import pytest
from django.apps import apps
from django.db import connection
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Statement
from django.test import TransactionTestCase

from portico.plumbing.database.constraints import AppendOnly


@contextmanager
def lifted() -> Generator[None]:
    """Takes the rule off every table that has it, and puts it back."""
    guarded = [
        (model, rule) for model in apps.get_models() for rule in model._meta.constraints if isinstance(rule, AppendOnly)
    ]
    with connection.schema_editor() as editor:
        _run(editor, [statement for model, rule in guarded for statement in rule.drop_statements(model, editor)])
    try:
        yield
    finally:
        with connection.schema_editor() as editor:
            _run(editor, [statement for model, rule in guarded for statement in rule.create_statements(model, editor)])


def _run(editor: BaseDatabaseSchemaEditor, statements: list[Statement]) -> None:
    for statement in statements:
        editor.execute(statement, None)


@pytest.fixture(autouse=True, scope="session")
def flush_may_empty_append_only_tables() -> Iterator[None]:
    flush = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]  # Not in the stubs.

    def teardown(case: TransactionTestCase) -> None:
        # SQLite empties one table after the other, in an order that keys of SamePractice would refuse.
        with lifted(), connection.constraint_checks_disabled():
            flush(case)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", teardown)
        yield
