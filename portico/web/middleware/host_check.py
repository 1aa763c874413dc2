"""Answers requests under our own host names only; probes of load balancers are answered under any."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from portico import hosts
from portico.web import error_pages

# They say nothing about anyone, and probes ask them by IP address, by any name or without a Host.
PROBES = frozenset({"/healthz", "/readyz"})
# "Every address of this machine": a browser on it that opens one of these arrives here.
UNSPECIFIED = frozenset({"0.0.0.0", "::"})  # noqa: S104  # Compared with, not listened on.


class HostCheck:
    """Comes before everything that reads the request's host."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info in PROBES:
            request.META["HTTP_HOST"] = settings.ALLOWED_HOSTS[0].removeprefix(".")
            return self.get_response(request)
        try:
            request.get_host()
        except DisallowedHost:
            return _elsewhere(request)
        return self.get_response(request)


def _elsewhere(request: HttpRequest) -> HttpResponse:
    """Redirects between two names of this machine (127.0.0.1, localhost); else a page names the right address."""
    base = settings.PUBLIC_BASE_URL
    host = _host_of(request)
    is_here = hosts.is_loopback(host) or host in UNSPECIFIED
    if is_here and hosts.is_loopback(urlsplit(base).hostname) and request.method in {"GET", "HEAD"}:
        response = redirect(f"{base}{request.get_full_path()}")
        # The path may hold the token of a mailed link.
        response["Referrer-Policy"] = "no-referrer"
        return response
    return error_pages.wrong_host(request)


def _host_of(request: HttpRequest) -> str:
    """The host that was asked for, empty if it cannot be read; without a Host, the address that was connected to."""
    named = request.META.get("HTTP_HOST", request.META.get("SERVER_NAME", ""))
    try:
        return urlsplit(f"//{named}").hostname or ""
    except ValueError:
        return ""
