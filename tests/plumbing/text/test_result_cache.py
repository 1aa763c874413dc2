"""The bounded cache of pure functions."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from portico.plumbing.text import money, time_formatting
from portico.plumbing.text.result_cache import MAX_RESULTS, cached


def test_a_result_is_computed_once_while_it_is_kept() -> None:
    asked: list[int] = []

    @cached
    def double(number: int) -> int:
        asked.append(number)
        return 2 * number

    assert [double(3), double(3), double(4)] == [6, 6, 8]
    assert asked == [3, 4]
    for number in range(MAX_RESULTS + 10):
        double(number + 10)
    double(3)
    assert asked[-1] == 3


def test_each_language_and_zone_has_its_own_text() -> None:
    at = datetime(2026, 11, 20, 19, 14, tzinfo=UTC)
    for _ in range(2):
        assert money.formatted(123_450, "EUR", language="en") == "€1,234.50"
        assert money.formatted(123_450, "EUR", language="es") == "EUR\xa01,234.50"
        assert time_formatting.time_of_day(at, ZoneInfo("America/New_York"), "en") == "2:14 PM"
        assert time_formatting.time_of_day(at, ZoneInfo("America/Chicago"), "en") == "1:14 PM"
