"""The time zones that a practice may have: those of a place, and UTC."""

from functools import cache
from zoneinfo import available_timezones

from babel.core import get_global

UTC = "UTC"
# The continents and oceans by which the database names a place.
_AREAS = frozenset(
    {
        *("Africa", "America", "Antarctica", "Arctic", "Asia"),
        *("Atlantic", "Australia", "Europe", "Indian", "Pacific"),
    }
)
# Rules without a place: whoever picks EST means New York, and is an hour off in summer.
_ABBREVIATIONS = frozenset(
    {"CET", "CST6CDT", "EET", "EST", "EST5EDT", "HST", "MET", "MST", "MST7MDT", "PST8PDT", "WET"}
)
# What CLDR says of a zone that belongs to no country.
_NOWHERE = frozenset({"", "ZZ", "001"})


@cache
def accepted() -> frozenset[str]:
    """Every name that a practice may have, the database's older names of places (US/Eastern) among them.

    Left out is what stands for no place: the server's own zone (`localtime`), `Factory`, `Etc/GMT+5`, `GMT`, `EST`.
    """
    return frozenset(name for name in available_timezones() if name == UTC or _is_of_a_place(name))


@cache
def offered() -> tuple[str, ...]:
    """The present names of places, in their order, to choose from. The database has as many old names again."""
    return tuple(sorted(name for name in accepted() if country_of(name) not in _NOWHERE))


def country_of(name: str) -> str:
    """The ISO code of the country of a present name; empty for an older one."""
    return str(get_global("zone_territories").get(name, ""))


def _is_of_a_place(name: str) -> bool:
    if name in _ABBREVIATIONS:
        return False
    present = get_global("zone_aliases").get(name, name)
    # CLDR learns of a new zone later than the database does.
    return name.partition("/")[0] in _AREAS or country_of(present) not in _NOWHERE
