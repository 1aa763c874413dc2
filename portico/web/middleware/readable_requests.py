"""Refuses requests with an address, header or form that cannot be decoded as UTF-8, or with an incomplete body."""

import codecs
import io
from urllib.parse import unquote_to_bytes

from django.core.exceptions import TooManyFilesSent
from django.http import HttpRequest, HttpResponse, QueryDict, UnreadablePostError
from django.http.multipartparser import MultiPartParser, MultiPartParserError

from portico.web import error_pages
from portico.web.http import body_limits
from portico.web.middleware import Middleware

# Django decodes malformed bytes to this character.
REPLACEMENT = "\ufffd"


class ReadableHeaders(Middleware):
    """Answers 400 if the address or the Content-Type cannot be read. Comes before anything that reads the body."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not _has_readable_address(request) or not _has_readable_content_type(request):
            return error_pages.bad_request(request)
        return self.get_response(request)


class ReadableBodies(Middleware):
    """Answers 400 if the body is incomplete or malformed. Comes after RequestLimits: it reads the body."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
        if length and not self._is_readable(request, length):
            return error_pages.bad_request(request)
        return self.get_response(request)

    def _is_readable(self, request: HttpRequest, length: int) -> bool:
        if body_limits.takes_files(request.path_info) and request.content_type == "multipart/form-data":
            return _has_readable_files(request, length)
        return _is_complete(request, length) and _has_readable_form(request)


def _has_readable_address(request: HttpRequest) -> bool:
    query = unquote_to_bytes(request.META.get("QUERY_STRING", "").replace("+", " "))
    if b"\0" in query or "\0" in request.path:
        return False
    try:
        query.decode()
    except UnicodeDecodeError:
        return False
    return True


def _has_readable_content_type(request: HttpRequest) -> bool:
    """Accepts UTF-8 only, which our pages send: Django would decode every field with any other charset, even rot13."""
    if not getattr(request, "is_readable", True):
        return False
    try:
        return codecs.lookup(request.content_params.get("charset", "utf-8")).name == "utf-8"  # type: ignore[union-attr]  # Set by every request that Django makes.
    except LookupError:
        return False


def _is_complete(request: HttpRequest, length: int) -> bool:
    """Checks that all announced bytes of the body arrived; a broken connection leaves half a form."""
    try:
        return len(request.body) == length
    except UnreadablePostError:
        return False


def _has_readable_form(request: HttpRequest) -> bool:
    """Checks that every field is UTF-8: Django would store replacement characters for malformed bytes."""
    try:
        if request.content_type == "application/x-www-form-urlencoded":
            unquote_to_bytes(request.body).decode()
        if request.content_type == "multipart/form-data":
            _decode_fields(request)
    except (UnicodeDecodeError, MultiPartParserError):
        return False
    return True


def _has_readable_files(request: HttpRequest, length: int) -> bool:
    """Reads a form with files, which may be too large for memory. No field of it has text that a person types."""
    try:
        texts = _texts(request.POST)
    except (UnreadablePostError, MultiPartParserError, TooManyFilesSent):
        return False
    is_complete = getattr(request, "received_bytes", length) == length
    return is_complete and not any(REPLACEMENT in text for text in texts)


def _decode_fields(request: HttpRequest) -> None:
    """Raises UnicodeDecodeError for text fields that are not UTF-8, MultiPartParserError for a malformed form."""
    texts = _texts(request.POST)
    if not any(REPLACEMENT in text for text in texts):
        return
    # The character may have been typed; only the bytes show whether it was.
    fields, _files = MultiPartParser(request.META, io.BytesIO(request.body), [], "latin-1").parse()
    for text in _texts(fields):
        text.encode("latin-1").decode()


def _texts(fields: QueryDict) -> list[str]:
    return [text for name, values in fields.lists() for text in (name, *values)]
