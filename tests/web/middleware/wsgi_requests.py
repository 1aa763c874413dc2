"""Requests sent to the application as a web server sends them, malformed ones included."""

import io
from collections.abc import Callable
from typing import Any, cast

from django.test import RequestFactory

from portico.web.http.wsgi_application import Application

FORM = "application/x-www-form-urlencoded"


def call(**environ: Any) -> tuple[int, bytes]:  # Any: as WSGI has it.
    """Returns the status and body of the response."""
    statuses: list[str] = []

    def start_response(status: str, headers: object, error: object = None, /) -> Callable[[bytes], object]:
        statuses.append(status)
        return bytes

    response = Application()(cast(Any, RequestFactory())._base_environ() | environ, start_response)
    try:
        return int(statuses[0].split()[0]), b"".join(response)
    finally:
        response.close()


def post(body: bytes, **environ: Any) -> tuple[int, bytes]:  # Any: as above.
    """Posts a form to the page of tests.web.failures that echoes it. Sets no Content-Length."""
    source = io.BytesIO(body)
    posted = {"REQUEST_METHOD": "POST", "PATH_INFO": "/echo/", "CONTENT_TYPE": FORM, "wsgi.input": source}
    return call(**posted | environ)
