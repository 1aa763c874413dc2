"""Times in mails carry the short name of the practice's zone, in a reader's language where there is one."""

from datetime import UTC, datetime

import pytest

from portico.domain.access import mail_words
from portico.domain.practices.models import Practice

WINTER = datetime(2026, 1, 15, 18, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "english", "spanish"),
    [
        ("America/New_York", "1:05 PM EST", "13:05 EST"),
        ("America/Los_Angeles", "10:05 AM PST", "10:05 PST"),
        ("Europe/Madrid", "7:05 PM CET", "19:05 CET"),
        ("America/Sao_Paulo", "3:05 PM GMT-03:00", "15:05 GMT-03:00"),
        ("UTC", "6:05 PM UTC", "18:05 UTC"),
    ],
)
def test_a_zone_is_named_in_short_and_never_by_a_bare_number(zone: str, english: str, spanish: str) -> None:
    practice = Practice(time_zone=zone)
    assert mail_words.time_with_zone(WINTER, practice, "en") == english
    assert mail_words.time_with_zone(WINTER, practice, "es") == spanish
