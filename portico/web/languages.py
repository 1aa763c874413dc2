"""The language of a page: the one chosen in this browser, else the client's, else the browser's Accept-Language."""

from collections.abc import Mapping

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

from portico.domain.access.notices.known_browsers import RETENTION
from portico.web.http import cookies

OFFICE = "/office/"
# Query parameter of the language links in the footer.
LANGUAGE_PARAMETER = "language"


def language_for(request: HttpRequest) -> str:
    """Returns the language before the person is known: the cookie's, else Accept-Language; English in the office."""
    if request.path_info.startswith(OFFICE):
        return settings.LANGUAGE_CODE
    return translation.get_language_from_request(request)


def chosen_language(request: HttpRequest) -> str:
    """Returns the language chosen in this browser, by link or cookie; empty if none was."""
    return language_in_link(request) or _language_in(request.COOKIES, settings.LANGUAGE_COOKIE_NAME)


def language_in_link(request: HttpRequest) -> str:
    """Returns the language named by a link in the footer; empty if the URL names none."""
    return _language_in(request.GET, LANGUAGE_PARAMETER)


def store_chosen_language(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Stores the language of a footer link in a cookie."""
    language = language_in_link(request)
    if language:
        set_language_cookie(response, language)
    return response


def set_language_cookie(response: HttpResponse, language: str) -> None:
    cookies.set_cookie(response, settings.LANGUAGE_COOKIE_NAME, language, max_age=int(RETENTION.total_seconds()))


def is_known(language: str) -> bool:
    return language in dict(settings.LANGUAGES)


def _language_in(values: Mapping[str, object], name: str) -> str:
    language = str(values.get(name, ""))
    return language if is_known(language) else ""
