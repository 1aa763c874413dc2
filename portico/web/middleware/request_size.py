"""Refuses requests that are too large, or whose length cannot be read."""

from django.http import HttpRequest, HttpResponse

from portico.web import error_pages
from portico.web.http import body_limits
from portico.web.middleware import Middleware


class RequestLimits(Middleware):
    """Answers 400 for a malformed Content-Length and 413 above the limit of the address."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or ""
        if length and not (length.isascii() and length.isdigit()):
            return error_pages.bad_request(request)
        # int() is slow, and refuses to work, on thousands of digits; 16 are too large in any case.
        if len(length) > 15 or int(length or 0) > body_limits.limit_of(request.path_info):
            return error_pages.too_large(request)
        return self.get_response(request)
