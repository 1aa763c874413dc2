"""Starts each request with its own language and without the previous request's time zone."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from portico.web import languages
from portico.web.middleware import Middleware


class RequestLocale(Middleware):
    """Resets what Django stores per thread, since a thread serves one request after another."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        timezone.deactivate()
        translation.activate(languages.language_for(request))
        try:
            return self.get_response(request)
        finally:
            translation.deactivate()
