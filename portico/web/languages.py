"""The language a page speaks: the one chosen in this browser, else the person's own, else what the browser asks for."""

from collections.abc import Mapping

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

from portico.domain.access.sign_in.known_browsers import RETENTION
from portico.web.http import cookies

OFFICE = "/office/"
# In an address: the language that was pressed at the foot of the page.
LANGUAGE_PARAMETER = "language"


def language_for(request: HttpRequest) -> str:
    """For whoever comes: as chosen earlier, else as the browser asks. The office is in English."""
    if request.path_info.startswith(OFFICE):
        return settings.LANGUAGE_CODE
    return translation.get_language_from_request(request)


def chosen_language(request: HttpRequest) -> str:
    """What was chosen in this browser, just now or earlier; empty when nobody has."""
    return _known(request.GET, LANGUAGE_PARAMETER) or _known(request.COOKIES, settings.LANGUAGE_COOKIE_NAME)


def remember(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Keeps in this browser what was just pressed; the page itself changes nothing."""
    language = _known(request.GET, LANGUAGE_PARAMETER)
    if language:
        set_language_cookie(response, language)
    return response


def set_language_cookie(response: HttpResponse, language: str) -> None:
    cookies.set_cookie(response, settings.LANGUAGE_COOKIE_NAME, language, max_age=int(RETENTION.total_seconds()))


def is_known(language: str) -> bool:
    return language in dict(settings.LANGUAGES)


def _known(values: Mapping[str, object], name: str) -> str:
    language = str(values.get(name, ""))
    return language if is_known(language) else ""
