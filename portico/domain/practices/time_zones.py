"""The time zones that a practice can have: those of places, and UTC."""

from functools import cache
from zoneinfo import available_timezones

from babel.core import get_global

UTC = "UTC"
# The continents and oceans with which names of places begin in the IANA time zone database.
_AREAS = frozenset(
    {
        *("Africa", "America", "Antarctica", "Arctic", "Asia"),
        *("Atlantic", "Australia", "Europe", "Indian", "Pacific"),
    }
)
# Zones without a place. Those who select EST mean New York, where it is an hour later in summer.
_ABBREVIATIONS = frozenset(
    {"CET", "CST6CDT", "EET", "EST", "EST5EDT", "HST", "MET", "MST", "MST7MDT", "PST8PDT", "WET"}
)
# CLDR's territories for a zone that belongs to no country.
_NOWHERE = frozenset({"", "ZZ", "001"})


@cache
def accepted() -> frozenset[str]:
    """Returns every name that a practice can have, including older names of places such as US/Eastern.

    Excludes zones without a place: the server's own zone (`localtime`), `Factory`, `Etc/GMT+5`, `GMT`, `EST`.
    """
    return frozenset(name for name in available_timezones() if name == UTC or _is_of_a_place(name))


@cache
def offered() -> tuple[str, ...]:
    """Returns the current names of places, sorted, for a select field. The database has as many older names."""
    return tuple(sorted(name for name in accepted() if country_of(name) not in _NOWHERE))


def country_of(name: str) -> str:
    """Returns the ISO code of the country of a current name; empty for an older name."""
    return str(get_global("zone_territories").get(name, ""))


def _is_of_a_place(name: str) -> bool:
    if name in _ABBREVIATIONS:
        return False
    current = get_global("zone_aliases").get(name, name)
    # A new zone is added to the time zone database before it is in CLDR.
    return name.partition("/")[0] in _AREAS or country_of(current) not in _NOWHERE
