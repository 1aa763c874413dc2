"""Gives each request a reference, and writes one log line when it is finished."""

import logging
import secrets
import time
from typing import Any, cast

from django.http import HttpRequest, HttpResponse

from portico.web import error_pages
from portico.web.middleware import Middleware

logger = logging.getLogger(__name__)

# No 0 O 1 I L: a reference is read out on the phone.
REFERENCE_CHARACTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


class RequestIds(Middleware):
    """The outermost middleware: every response has passed through it, errors and static files included."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        cast(Any, request).reference = new_reference()
        response = self.get_response(request)
        logger.info(
            "request.finished",
            extra={
                "reference": error_pages.reference_of(request),
                "method": request.method,
                "path": request.path,
                "status": response.status_code,
                "ms": round((time.perf_counter() - started) * 1000, 1),
            },
        )
        return response


def new_reference() -> str:
    """Returns an unguessable id for a request, short enough to be read out."""
    characters = "".join(secrets.choice(REFERENCE_CHARACTERS) for _ in range(10))
    return f"{characters[:5]}-{characters[5:]}"
