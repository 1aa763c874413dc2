"""The list of accepted time zones, for commands, seed files and the settings page."""

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
def test_a_zone_without_a_place_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="is not a time zone"):
        refuse_unknown_zone(name)


@pytest.mark.parametrize(
    "name",
    [
        *("UTC", "America/New_York", "America/Argentina/Buenos_Aires", "Europe/Kyiv", "Asia/Kolkata", "Pacific/Apia"),
        *("Antarctica/Troll", "America/Coyhaique", "US/Eastern", "Europe/Kiev", "Japan", "NZ", "GB"),
    ],
)
def test_current_and_older_names_are_accepted(name: str) -> None:
    refuse_unknown_zone(name)


def test_all_offered_zones_are_accepted() -> None:
    assert set(time_zones.offered()) <= time_zones.accepted()
    assert len(time_zones.offered()) > 300
    for name in time_zones.accepted():
        assert ZoneInfo(name).key == name
