"""A database error ends a command with one sentence and no traceback."""

from pathlib import Path

import pytest
from django.db import DataError, IntegrityError, OperationalError, ProgrammingError

from portico.operating import command_runner
from tests.support.processes.commands import Processes


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("no such table: clients_client"),
        ProgrammingError('relation "clients_client" does not exist\nLINE 1: SELECT …'),
        ProgrammingError("column clients_client.sort_key does not exist\nLINE 1: SELECT …"),
    ],
)
def test_missing_tables_and_columns_suggest_migrate(error: OperationalError | ProgrammingError) -> None:
    assert command_runner.describe(error) == "The database is not up to date. Run `portico migrate` first."


@pytest.mark.parametrize("error", [ProgrammingError("syntax error"), IntegrityError("twice"), DataError("too long")])
def test_a_bug_of_ours_keeps_its_traceback(error: ProgrammingError | IntegrityError | DataError) -> None:
    assert command_runner.describe(error) == ""


@pytest.mark.sqlite
@pytest.mark.real_processes
@pytest.mark.slow
def test_a_file_without_tables_is_reported(processes: Processes, tmp_path: Path) -> None:
    done = processes.run("verify-states", DATABASE_URL=f"sqlite:///{tmp_path}/empty.sqlite3")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "The database is not up to date. Run `portico migrate` first.\n"


@pytest.mark.postgresql
@pytest.mark.real_processes
@pytest.mark.slow
def test_a_missing_postgresql_database_is_named(processes: Processes) -> None:
    done = processes.run("verify-states", DATABASE_URL=f"{processes.database_url.rpartition('/')[0]}/missing")
    assert done.returncode == 1
    assert done.stderr == (
        'Portico cannot work with the database that DATABASE_URL names: database "missing" does not exist.\n'
    )
