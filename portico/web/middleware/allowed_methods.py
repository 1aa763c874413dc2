"""Answers 405 for a method that the view does not accept."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

from portico.web import route_list
from portico.web.middleware import Middleware


class AllowedMethods(Middleware):
    """Comes before CsrfViewMiddleware, so that a wrong method is answered with 405 and not with 403."""

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: object, kwargs: object
    ) -> HttpResponse | None:
        allowed = route_list.methods_of(view)
        return HttpResponseNotAllowed(allowed) if allowed and request.method not in allowed else None
