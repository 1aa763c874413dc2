"""All cookies are set in one way; over https their names have the `__Host-` prefix."""

import re
from pathlib import Path

from django.http import HttpResponse
from pytest_django import Settings

import portico
from portico.web.http import cookies

SOURCES = [path for path in Path(portico.__file__).parent.rglob("*.py") if "migrations" not in path.parts]


def test_a_cookie_is_for_our_own_pages_only(settings: Settings) -> None:
    settings.HTTPS = True
    response = HttpResponse()
    cookies.set_cookie(response, "__Host-portico-x", "a key")
    kept = response.cookies["__Host-portico-x"]
    attributes = {name: kept[name] for name in ("secure", "httponly", "samesite", "domain", "path", "max-age")}
    assert attributes == {
        "secure": True,
        "httponly": True,
        "samesite": "Lax",
        "domain": "",
        "path": "/",
        "max-age": "",
    }


def test_every_cookie_is_set_in_that_way() -> None:
    direct = {
        path.name for path in SOURCES if re.search(r"(?<!cookies)\.(set_cookie|set_signed_cookie)\(", path.read_text())
    }
    assert direct == {"cookies.py"}


def test_every_cookie_has_the_prefix() -> None:
    named = dict[str, str]()
    for path in SOURCES:
        named |= dict(re.findall(r'^(\w*COOKIE_NAME) = f?"(.*)"$', path.read_text(), re.MULTILINE))
    without = {name for name, value in named.items() if "COOKIE_PREFIX}portico-" not in value}
    assert {"CLIENT_COOKIE_NAME", "PIN_COOKIE_NAME", "ADDRESS_COOKIE_NAME"} < set(named)
    # The view of staff is sent to one practice's portal only, which the prefix does not allow.
    assert without == {"VIEW_COOKIE_NAME"}
