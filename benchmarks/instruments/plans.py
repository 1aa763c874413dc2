"""Records the queries of a page, their duration and their query plans."""

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.db import connection

# How many steps of SQLite's machine (sqlite.org/opcode.html) one question may take; a page of 25 takes some 10,000.
MOST_STEPS = 150_000
# What each match of a search may add: very many are put in order when the list's own order does not come upon them.
STEPS_A_MATCH = 30
STRIDE = 1_000
# A table so small that reading all of it is what any database would do.
SMALL = 1_000
# More rows than this read for one page is work that grows with the practice.
MANY = 20_000
# Each match may be read twice: its term, and its client.
ROWS_A_MATCH = 2
_SCAN = re.compile(r"SCAN (?:TABLE )?(\w+)")


@dataclass(frozen=True)
class Query:
    """One query."""

    sql: str
    parameters: Any  # Any: a tuple or nothing, as Django passes it.


@dataclass
class Asked:
    """The queries recorded so far."""

    queries: list[Query] = field(default_factory=list)
    seconds: float = 0.0


@contextmanager
def watched() -> Iterator[Asked]:
    """Records the queries of the connection."""
    asked = Asked()

    def listen(execute: Callable[..., Any], sql: str, parameters: Any, many: bool, context: dict[str, Any]) -> Any:  # noqa: FBT001  # Any: Django's own hook.
        began = time.perf_counter()
        try:
            return execute(sql, parameters, many, context)
        finally:
            asked.seconds += time.perf_counter() - began
            asked.queries.append(Query(sql, parameters))

    with connection.execute_wrapper(listen):
        yield asked


@dataclass(frozen=True)
class Plan:
    """The plan of one query; `complaints` name what grows with the practice."""

    query: Query
    lines: tuple[str, ...]
    complaints: tuple[str, ...]


def explain(query: Query, *, matches: int = 0) -> Plan | None:
    """Returns the plan of a query, None unless it is a SELECT. A query that finds `matches` rows may work for each."""
    if not query.sql.lstrip("( ").upper().startswith("SELECT"):
        return None
    if connection.vendor == "sqlite":
        return _of_sqlite(query, most_steps=MOST_STEPS + STEPS_A_MATCH * matches)
    return _of_postgresql(query, most_rows=MANY + ROWS_A_MATCH * matches)


def _of_sqlite(query: Query, *, most_steps: int) -> Plan:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {query.sql}", query.parameters)
        lines = tuple(str(row[-1]) for row in cursor.fetchall())
    complaints = []
    for line in lines:
        scanned = _SCAN.match(line)
        if scanned and _size(_table(scanned[1], query.sql)) > SMALL:
            complaints.append(f"full scan: {line}")
    steps = _steps(query)
    if steps > most_steps:
        complaints.append(f"much work: {steps:,} steps")
    return Plan(query, (*lines, f"({steps:,} steps)"), tuple(complaints))


def _steps(query: Query) -> int:
    """Measures the work of SQLite, whose plans do not give the number of rows they pass."""
    strides = 0

    def count() -> int:
        nonlocal strides
        strides += 1
        return 0

    with connection.cursor() as cursor:
        connection.connection.set_progress_handler(count, STRIDE)
        try:
            cursor.execute(query.sql, query.parameters)
            cursor.fetchall()
        finally:
            connection.connection.set_progress_handler(None, 0)
    return strides * STRIDE


def _table(name: str, sql: str) -> str:
    """The table behind an alias such as U0."""
    aliased = re.search(rf'"(\w+)" {re.escape(name)}\b', sql)
    return aliased[1] if aliased else name


@cache
def _size(table: str) -> int:
    """Returns the number of rows of a table; 0 for a subquery or a constant row."""
    if table not in connection.introspection.table_names():
        return 0
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(table)}")
        return int(cursor.fetchone()[0])


def _of_postgresql(query: Query, *, most_rows: int) -> Plan:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query.sql}", query.parameters)
        (answer,) = cursor.fetchone()
    plan = json.loads(answer) if isinstance(answer, str) else answer
    lines: list[str] = []
    complaints: list[str] = []
    for depth, node in _nodes(plan[0]["Plan"]):
        read = _rows_read(node)
        line = f"{'  ' * depth}{_named(node)} ({read} rows)"
        lines.append(line)
        is_scan = "Scan" in node["Node Type"]
        if node["Node Type"] == "Seq Scan" and _size(node["Relation Name"]) > SMALL:
            complaints.append(f"full scan: {line.strip()}")
        elif is_scan and read > most_rows:
            complaints.append(f"many rows: {line.strip()}")
    return Plan(query, tuple(lines), tuple(complaints))


def _nodes(node: dict[str, Any], depth: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:  # Any: PostgreSQL's JSON.
    yield depth, node
    for child in node.get("Plans", ()):
        yield from _nodes(child, depth + 1)


def _rows_read(node: dict[str, Any]) -> int:  # Any: as above.
    removed = sum(int(count) for name, count in node.items() if name.startswith("Rows Removed"))
    return int((int(node.get("Actual Rows", 0)) + removed) * node.get("Actual Loops", 1))


def _named(node: dict[str, Any]) -> str:  # Any: as above.
    parts = [node["Node Type"], node.get("Index Name"), node.get("Relation Name")]
    return " ".join(part for part in parts if part)
