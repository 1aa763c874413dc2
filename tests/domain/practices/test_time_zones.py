"""The one list of time zones, for commands, seed files and the settings page."""

from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError

from portico.domain.practices import time_zones
from portico.domain.practices.models.practices import refuse_unknown_zone

pytestmark = pytest.mark.sqlite


@pytest.mark.parametrize(
    "name",
    [
        *("localtime", "Factory", "posixrules", "posix/America/New_York", "right/America/New_York", "Portland", ""),
        *("GMT", "GMT+0", "GMT0", "UCT", "Universal", "Zulu", "Greenwich", "Etc/UTC", "Etc/GMT+5", "Etc/Unknown"),
        *("EST", "MST", "HST", "EST5EDT", "PST8PDT", "CET", "WET", "utc", "america/new_york", "America/New_York "),
        *("America", "America/", "America/Nowhere", "../localtime", "/etc/localtime", "zone.tab", "tzdata.zi"),
    ],
)
def test_what_stands_for_no_place_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="is not a time zone"):
        refuse_unknown_zone(name)


@pytest.mark.parametrize(
    "name",
    [
        *("UTC", "America/New_York", "America/Argentina/Buenos_Aires", "Europe/Kyiv", "Asia/Kolkata", "Pacific/Apia"),
        *("Antarctica/Troll", "America/Coyhaique", "US/Eastern", "Europe/Kiev", "Japan", "NZ", "GB"),
    ],
)
def test_a_place_is_accepted_by_its_older_names_too(name: str) -> None:
    refuse_unknown_zone(name)


def test_what_is_offered_is_accepted_and_every_clock_knows_it() -> None:
    assert set(time_zones.offered()) <= time_zones.accepted()
    assert len(time_zones.offered()) > 300
    for name in time_zones.accepted():
        assert ZoneInfo(name).key == name
