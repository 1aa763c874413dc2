"""The language a page speaks: the one chosen in this browser, else the person's own, else what the browser asks for."""

from collections.abc import Mapping

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

from portico.domain.access.sign_in.known_browsers import REMEMBERED
from portico.web.http import cookies

OFFICE = "/office/"
# In an address: the language that was pressed at the foot of the page.
CHOICE = "language"


def of_visitor(request: HttpRequest) -> str:
    """For whoever comes: as chosen earlier, else as the browser asks. The office is in English."""
    if request.path_info.startswith(OFFICE):
        return settings.LANGUAGE_CODE
    return translation.get_language_from_request(request)


def chosen(request: HttpRequest) -> str:
    """What was chosen in this browser, just now or earlier; empty when nobody has."""
    return _known(request.GET, CHOICE) or _known(request.COOKIES, settings.LANGUAGE_COOKIE_NAME)


def remember(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Keeps in this browser what was just pressed; the page itself changes nothing."""
    language = _known(request.GET, CHOICE)
    if language:
        keep(response, language)
    return response


def keep(response: HttpResponse, language: str) -> None:
    cookies.give(response, settings.LANGUAGE_COOKIE_NAME, language, max_age=int(REMEMBERED.total_seconds()))


def is_known(language: str) -> bool:
    return language in dict(settings.LANGUAGES)


def _known(values: Mapping[str, object], name: str) -> str:
    language = str(values.get(name, ""))
    return language if is_known(language) else ""
