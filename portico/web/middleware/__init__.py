"""Middleware, one job each."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


class Middleware:
    """The base class: a subclass overrides `__call__`, or adds one of Django's hooks."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)
