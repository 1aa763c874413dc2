"""Refuses requests for other host names than ours, except health probes."""

from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from portico import hosts
from portico.web import error_pages
from portico.web.middleware import Middleware

# Load balancers request them by IP address, by any name or without a Host header. They reveal nothing.
PROBES = frozenset({"/healthz", "/readyz"})
# Servers listen on these addresses; browsers on the same machine connect to localhost for them.
UNSPECIFIED = frozenset({"0.0.0.0", "::"})  # noqa: S104  # Compared with, not listened on.


class HostCheck(Middleware):
    """Comes before everything that reads the request's host. Answers 400, or redirects between loopback names."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info in PROBES:
            request.META["HTTP_HOST"] = settings.ALLOWED_HOSTS[0].removeprefix(".")
            return self.get_response(request)
        try:
            request.get_host()
        except DisallowedHost:
            return _wrong_host(request)
        return self.get_response(request)


def _wrong_host(request: HttpRequest) -> HttpResponse:
    """Redirects between two names of this machine (127.0.0.1, localhost); else returns a page with the right URL."""
    base = settings.PUBLIC_BASE_URL
    host = _requested_host(request)
    is_local = hosts.is_loopback(host) or host in UNSPECIFIED
    if is_local and hosts.is_loopback(urlsplit(base).hostname) and request.method in {"GET", "HEAD"}:
        response = redirect(f"{base}{request.get_full_path()}")
        # The path may contain the token of a link.
        response["Referrer-Policy"] = "no-referrer"
        return response
    return error_pages.wrong_host(request)


def _requested_host(request: HttpRequest) -> str:
    """Returns the requested host; empty if it is malformed. Without a Host header, the server's address."""
    host = request.META.get("HTTP_HOST", request.META.get("SERVER_NAME", ""))
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
