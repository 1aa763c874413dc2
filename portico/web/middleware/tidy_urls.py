"""Redirects URLs that were copied with surrounding punctuation, or typed in capitals, to the intended page."""

import html
import re
from urllib.parse import unquote

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import Resolver404, resolve
from django.utils.encoding import escape_uri_path

from portico.web.middleware import Middleware

# Our paths end in such a character, or in a slash after it. Letters of any script are not punctuation.
_ENDING = re.compile(r"[\w-]+")
_PLAIN = re.compile(r"[a-z0-9._/-]*")
_SLASHES = re.compile(r"/{2,}")
# Markdown emphasis around a URL; inside a token these characters belong to it.
_EMPHASIS_AFTER_SLASH = re.compile(r"/[_-]+\Z")
# Paths with bytes that are not UTF-8 are not corrected.
_UNDECODABLE = "\ufffd"
# URL parameters that are always lower case; others (token, ref) are case-sensitive.
_LOWER_CASE_PARAMETERS = frozenset({"slug", "language"})


class TidyAddresses(Middleware):
    """Redirects GET and HEAD only: a POST to a wrong URL is not repeated elsewhere."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method in {"GET", "HEAD"} and (path := tidy(request.path_info)):
            query = request.META.get("QUERY_STRING", "")
            response = HttpResponseRedirect(escape_uri_path(path) + (f"?{query}" if query else ""))
            # The requested URL may contain the token of a link.
            response["Referrer-Policy"] = "no-referrer"
            return response
        return self.get_response(request)


def tidy(path: str) -> str:
    """Returns the path of the intended page; empty if the path is fine, or if no page matches.

    Removes punctuation, spaces and HTML entities at the end, merges slashes, and lower-cases all but tokens and refs.
    """
    if _PLAIN.fullmatch(path) and not _SLASHES.search(path) and _ends_properly(path):
        return ""
    text = html.unescape(unquote(path))
    if _UNDECODABLE in text or _is_deliberate(text):
        return ""
    end = max((match.end() for match in _ENDING.finditer(text)), default=0)
    stem = _EMPHASIS_AFTER_SLASH.sub("", _SLASHES.sub("/", text[:end]))
    for candidate in (f"{stem}/", stem):
        found = _resolve_ignoring_case(candidate)
        if found:
            return found if found != path else ""
    return ""


def _is_deliberate(text: str) -> bool:
    """Returns True for `..`, or a last part of punctuation only that ends in a slash: it was not copied along."""
    last = text.rpartition("/")[0].rpartition("/")[2]
    return ".." in text.split("/") or (text.endswith("/") and last != "" and _ENDING.search(last) is None)


def _ends_properly(path: str) -> bool:
    last = path.removesuffix("/").rpartition("/")[2]
    return path == "/" or (_ENDING.fullmatch(last[-1:]) is not None and last.strip("_-") != "")


def _resolve_ignoring_case(path: str) -> str:
    """Returns the path in lower case, except tokens and refs, if it resolves; else empty."""
    try:
        match = resolve(path.lower())
    except Resolver404:
        return ""
    exact = {value for name, value in match.kwargs.items() if name not in _LOWER_CASE_PARAMETERS}
    parts = path.split("/")
    found = "/".join(part if part.lower() in exact else part.lower() for part in parts)
    try:
        resolve(found)
    except Resolver404:
        return ""
    return found
