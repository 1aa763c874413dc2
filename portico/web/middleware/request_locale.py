"""Starts each request with its own language and without the previous request's time zone."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from portico.web import languages


class RequestLocale:
    """Resets what Django stores per thread, since a thread serves one request after another."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        timezone.deactivate()
        translation.activate(languages.language_for(request))
        try:
            return self.get_response(request)
        finally:
            translation.deactivate()
