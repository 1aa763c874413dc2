"""The report of all measurements, as the Markdown of docs/performance.md."""

import os
import platform
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

PAGES, STARTS, LISTS = "Pages", "Starts and memory", "Lists"
INTRODUCTION = """\
# Performance

Written by `make bench`: do not edit it. Measured on {day} on {machine}.

Milliseconds are processor time unless a line says otherwise: of the web server, then of PostgreSQL. On SQLite the
database is a part of the server.
"""
NOTES = {
    PAGES: """\
Each request is measured in turns with the same page in plain Django: the *lean twin* is two queries, tuples and one
flat template, the *ordinary twin* is written as in a Django tutorial. Both are in `benchmarks/twins/`. A multiple is
that of the server's time.
""",
    STARTS: """\
Memory is measured after each page above was answered 20 times by each process. *Resident* counts all that is mapped,
libraries too, as `ps` does. *Proportional* (PSS) divides each page of memory by the number of processes that share it:
added up, it is what the processes take together. *Its own* is what one process alone has. Two or more processes are
forked from a parent, which has loaded the application and only watches them.
""",
    LISTS: """\
Elapsed time of the queries, median and 99th percentile. *Grows* marks a query that reads a whole table or very many
rows.
""",
}
# What breaks first: pages and lists this slow, that were faster by this factor with few rows.
SLOW_MS, GROWTH = 50.0, 4.0


@dataclass(frozen=True)
class Row:
    """One measurement. `milliseconds` is its number, for comparisons; `complaints` are about the query plans."""

    section: str
    name: str
    figure: str
    limit: str = ""
    milliseconds: float = 0.0
    complaints: Sequence[str] = field(default=())


@dataclass(frozen=True)
class Results:
    """The rows of one run; the title names its database and size."""

    title: str
    rows: Sequence[Row]


def render(runs: Sequence[Results], *, day: date) -> str:
    """Returns the whole report, with a column for each run in which a section was measured."""
    parts = [INTRODUCTION.format(day=f"{day:%B} {day.day}, {day.year}", machine=machine())]
    sections = dict.fromkeys(row.section for run in runs for row in run.rows)
    for section in sorted(sections, key=lambda name: (name != PAGES, name == LISTS)):
        measured = [
            Results(run.title, rows) for run in runs if (rows := [row for row in run.rows if row.section == section])
        ]
        note = NOTES.get(section)
        parts += [f"## {section}\n", *([note] if note else []), _section_table(measured)]
    parts += ["## What one processor carries\n", _table(("", "a second"), _capacity(runs))]
    parts += ["## What breaks first\n", _breaks_first(runs)]
    return "\n".join(parts)


def machine() -> str:
    """Returns the processors, the memory and the system."""
    model = _first_value(Path("/proc/cpuinfo"), "model name") or platform.processor() or platform.machine()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} × {model}, {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}"


def _first_value(file: Path, name: str) -> str:
    lines = file.read_text().splitlines() if file.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")


def _section_table(measured: Sequence[Results]) -> str:
    limits = {row.name: row.limit for run in measured for row in run.rows}
    figures = [{row.name: _marked(row) for row in run.rows} for run in measured]
    has_limits = any(limits.values())
    heads = ("", *(["at most"] if has_limits else []), *(run.title for run in measured))
    rows = (
        (name, *([limit] if has_limits else []), *(of_run.get(name, "") for of_run in figures))
        for name, limit in limits.items()
    )
    return _table(heads, rows)


def _marked(row: Row) -> str:
    return f"{row.figure}, *grows*" if row.complaints else row.figure


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _capacity(runs: Sequence[Results]) -> Iterator[tuple[str, str]]:
    for run in runs:
        for row in run.rows:
            if row.section != LISTS and row.milliseconds:
                yield f"{row.name} ({run.title})", f"{1000 / row.milliseconds:,.0f}"


def _breaks_first(runs: Sequence[Results]) -> str:
    """Names the pages and lists that are slow in a large run and were fast in a smaller one, the slowest first."""
    measured = [(row, run.title) for run in runs for row in run.rows if row.section in (PAGES, LISTS)]
    fastest: dict[str, float] = {}
    for row, _title in measured:
        fastest[row.name] = min(row.milliseconds, fastest.get(row.name, row.milliseconds))
    slow = [(row, title) for row, title in measured if row.milliseconds > max(SLOW_MS, GROWTH * fastest[row.name])]
    if not slow:
        return f"No page or list is over {SLOW_MS:.0f} ms and {GROWTH:.0f} times its time with the fewest rows.\n"
    slow.sort(key=lambda each: -each[0].milliseconds)
    return "".join(
        f"- {row.name} ({title}): {row.milliseconds:,.0f} ms,"
        f" {row.milliseconds / fastest[row.name]:,.0f} times as long as with the fewest rows.\n"
        for row, title in slow
    )
