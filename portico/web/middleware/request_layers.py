"""The outermost layers: what is on every answer, and which requests are not even looked at."""

import codecs
import io
import logging
import secrets
import time
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, QueryDict, UnreadablePostError
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.utils import timezone, translation

from portico.web import error_pages, languages, route_list

logger = logging.getLogger(__name__)

type Answering = Callable[[HttpRequest], HttpResponse]

# No 0 O 1 I L: a reference is read out on the phone.
SIGNS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"

HEADERS = {
    "Permissions-Policy": (
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), "
        "microphone=(), midi=(), payment=(), usb=()"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    # The server would put its own name here.
    "Server": "web",
    # What may be kept (static files) says so itself.
    "Cache-Control": "no-store",
}

# What stands for bytes that are no text.
REPLACEMENT = "\ufffd"


class SafeAnswers:
    """Gives each request a reference and each answer its headers and its line in the log."""

    def __init__(self, get_response: Answering) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        cast(Any, request).reference = new_reference()
        # Threads serve one request after another: zone and language of the last one are not this one's.
        timezone.deactivate()
        translation.activate(languages.language_for(request))
        try:
            response = self.get_response(request)
        finally:
            translation.deactivate()
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if settings.SECURE_HSTS_SECONDS:
            # Also when the proxy does not say that it was asked by https: the base address says it.
            response.headers.setdefault(
                "Strict-Transport-Security", f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains"
            )
        logger.info(
            "request.finished",
            extra={
                "reference": error_pages.reference_of(request),
                "method": request.method,
                "path": request.path,
                "status": response.status_code,
                "ms": round((time.perf_counter() - began) * 1000, 1),
            },
        )
        return response


class SmallRequests:
    """Turns away what is too large to be one of ours, and what cannot be read as a request at all."""

    def __init__(self, get_response: Answering) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not _has_readable_address(request) or not _has_readable_headers(request):
            return error_pages.bad_request(request)
        length = request.META.get("CONTENT_LENGTH") or ""
        if length and not (length.isascii() and length.isdigit()):
            return error_pages.bad_request(request)
        if not length and "Transfer-Encoding" in request.headers:
            # In chunks: granian does not tell one that broke off from one that came whole.
            return error_pages.length_required(request)
        # Only the number of digits of a number without end is looked at.
        if len(length) > 15 or int(length or 0) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            return error_pages.too_large(request)
        if int(length or 0) and not (_came_whole(request, int(length)) and _has_readable_form(request)):
            return error_pages.bad_request(request)
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: object, kwargs: object
    ) -> HttpResponse | None:
        """A wrong method is told as such, before anybody asks whether the form was ours."""
        allowed = route_list.methods_of(view)
        return HttpResponseNotAllowed(allowed) if allowed and request.method not in allowed else None


def new_reference() -> str:
    """A name for a request that nobody guesses, short enough to be read out."""
    signs = "".join(secrets.choice(SIGNS) for _ in range(10))
    return f"{signs[:5]}-{signs[5:]}"


def _has_readable_address(request: HttpRequest) -> bool:
    query = unquote_to_bytes(request.META.get("QUERY_STRING", "").replace("+", " "))
    if b"\0" in query or "\0" in request.path:
        return False
    try:
        query.decode()
    except UnicodeDecodeError:
        return False
    return True


def _has_readable_headers(request: HttpRequest) -> bool:
    """Our pages send UTF-8. Any other charset would be tried on every field, also those that decode no text."""
    if not getattr(request, "is_readable", True):
        return False
    try:
        return codecs.lookup(request.content_params.get("charset", "utf-8")).name == "utf-8"  # type: ignore[union-attr]  # Set by every request that Django makes.
    except LookupError:
        return False


def _came_whole(request: HttpRequest, length: int) -> bool:
    """Whether the body that was announced arrived; a connection that broke leaves half a form."""
    try:
        return len(request.body) == length
    except UnreadablePostError:
        return False


def _has_readable_form(request: HttpRequest) -> bool:
    """Django would put signs of replacement for half characters, and they would be stored for what was typed."""
    try:
        if request.content_type == "application/x-www-form-urlencoded":
            unquote_to_bytes(request.body).decode()
        if request.content_type == "multipart/form-data":
            _read_fields(request)
    except (UnicodeDecodeError, MultiPartParserError):
        return False
    return True


def _read_fields(request: HttpRequest) -> None:
    """Raises UnicodeDecodeError for fields beside files that are no UTF-8, MultiPartParserError for what is no form."""
    texts = _texts(request.POST)
    if not any(REPLACEMENT in text for text in texts):
        return
    # Somebody may have typed that sign itself: as bytes it is seen which.
    fields, _files = MultiPartParser(request.META, io.BytesIO(request.body), [], "latin-1").parse()
    for text in _texts(fields):
        text.encode("latin-1").decode()


def _texts(fields: QueryDict) -> list[str]:
    return [text for name, values in fields.lists() for text in (name, *values)]
