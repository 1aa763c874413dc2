"""The report has a table for each section, with a column for each run, and says what grows."""

from datetime import date

from benchmarks import report
from benchmarks.report import LISTS, PAGES, Results, Row

SMALL = Results(
    "SQLite, 10 clients",
    [
        Row(PAGES, "portal home", "2.00 × lean twin, 3.00 + 1.00 ms", "3 ×", 4.0),
        Row(LISTS, "first page", "1.0 / 2.0 ms", "", 1.0),
        Row(LISTS, "search", "2.0 / 2.0 ms", "", 2.0),
    ],
)
LARGE = Results(
    "SQLite, 10,000 clients",
    [
        Row(LISTS, "first page", "1.1 / 2.0 ms", "", 1.1),
        Row(LISTS, "search", "900.0 / 950.0 ms", "", 900.0, ("full scan",)),
    ],
)


def rendered(*runs: Results) -> str:
    return report.render(runs, day=date(2026, 11, 3))


def test_the_report_names_day_and_machine() -> None:
    assert f"Measured on November 3, 2026 on {report.machine()}." in rendered(SMALL)


def test_a_section_has_a_column_for_each_run() -> None:
    assert (
        "|  | SQLite, 10 clients | SQLite, 10,000 clients |\n"
        "| --- | --- | --- |\n"
        "| first page | 1.0 / 2.0 ms | 1.1 / 2.0 ms |\n"
        "| search | 2.0 / 2.0 ms | 900.0 / 950.0 ms, *grows* |\n"
    ) in rendered(SMALL, LARGE)


def test_limits_have_a_column_where_there_are_any() -> None:
    assert (
        "|  | at most | SQLite, 10 clients |\n"
        "| --- | --- | --- |\n"
        "| portal home | 3 × | 2.00 × lean twin, 3.00 + 1.00 ms |\n"
    ) in rendered(SMALL, LARGE)


def test_capacity_follows_from_the_milliseconds() -> None:
    assert "| portal home (SQLite, 10 clients) | 250 |\n" in rendered(SMALL)


def test_what_breaks_first_is_the_slowest_list_that_grew() -> None:
    assert "- search (SQLite, 10,000 clients): 900 ms, 450 times as long" in rendered(SMALL, LARGE)
    assert "No page or list is over 50 ms" in rendered(SMALL)
