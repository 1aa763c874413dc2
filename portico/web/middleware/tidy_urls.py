"""Redirects an address that was copied with what stood around it, or typed in capitals, to the page it means."""

import html
import re
from collections.abc import Callable
from urllib.parse import unquote

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import Resolver404, resolve
from django.utils.encoding import escape_uri_path

# Every address of ours ends in one of these, or in a slash after it. Letters of any script are no punctuation.
_ENDING = re.compile(r"[\w-]+")
_PLAIN = re.compile(r"[a-z0-9._/-]*")
_SLASHES = re.compile(r"/{2,}")
# Marks of italics around an address; within a token they belong to it.
_MARKS_AFTER_SLASH = re.compile(r"/[_-]+\Z")
# Bytes that are no UTF-8 are no punctuation either: what they meant is not known.
_UNDECODABLE = "\ufffd"
# Parts of an address that are never capitals; any other part that a page takes (a token, a ref) is used as it is.
_LOWER_CASE = frozenset({"slug", "language"})


class TidyAddresses:
    """Only for requests that read: what a form sends to a wrong address is refused as before."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method in {"GET", "HEAD"} and (path := tidied(request.path_info)):
            query = request.META.get("QUERY_STRING", "")
            response = HttpResponseRedirect(escape_uri_path(path) + (f"?{query}" if query else ""))
            # The address that was asked for may hold the token of a mailed link.
            response["Referrer-Policy"] = "no-referrer"
            return response
        return self.get_response(request)


def tidied(path: str) -> str:
    """Returns the path of the page that is meant; empty if the path is as it should be, or means no page.

    Punctuation, blanks and HTML entities at the end go, double slashes become one, and the words of our addresses and
    a practice's slug are written in lower case.
    """
    if _PLAIN.fullmatch(path) and not _SLASHES.search(path) and _is_ended(path):
        return ""
    text = html.unescape(unquote(path))
    if _UNDECODABLE in text or _is_a_name_of_its_own(text):
        return ""
    end = max((match.end() for match in _ENDING.finditer(text)), default=0)
    stem = _MARKS_AFTER_SLASH.sub("", _SLASHES.sub("/", text[:end]))
    for candidate in (f"{stem}/", stem):
        found = _in_lower_case(candidate)
        if found:
            return found if found != path else ""
    return ""


def _is_a_name_of_its_own(text: str) -> bool:
    """Whether the last part, closed by a slash, has no letter or digit: it was asked for, not copied along."""
    last = text.rpartition("/")[0].rpartition("/")[2]
    return ".." in text.split("/") or (text.endswith("/") and last != "" and _ENDING.search(last) is None)


def _is_ended(path: str) -> bool:
    last = path.removesuffix("/").rpartition("/")[2]
    return path == "/" or (_ENDING.fullmatch(last[-1:]) is not None and last.strip("_-") != "")


def _in_lower_case(path: str) -> str:
    """The path with lower-case words, if there is a page at it; else empty."""
    try:
        match = resolve(path.lower())
    except Resolver404:
        return ""
    exact = {value for name, value in match.kwargs.items() if name not in _LOWER_CASE}
    parts = path.split("/")
    found = "/".join(part if part.lower() in exact else part.lower() for part in parts)
    try:
        resolve(found)
    except Resolver404:
        return ""
    return found
