"""The WSGI application, which accepts requests with malformed headers so that a page can refuse them."""

from typing import Any

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils.http import parse_header_parameters


class ReadableRequest(WSGIRequest):
    """Accepts a malformed Content-Type, which Django refuses before any middleware could answer with a page.

    Django raises for a header that it cannot parse, and for charsets that decode no text (hex, rot13). Here the charset
    is only stored; the middleware ReadableHeaders refuses all but UTF-8.
    """

    is_readable = True
    # The bytes of the body that were read as a stream.
    received_bytes = 0

    def read(self, *args: Any, **kwargs: Any) -> bytes:  # Any: Django's own signature.
        part: bytes = super().read(*args, **kwargs)
        self.received_bytes += len(part)
        return part

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:  # Any: the WSGI environ.
        try:
            self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except ValueError:
            self.content_type, self.content_params = "", {}
            self.is_readable = False


class Application(WSGIHandler):
    request_class = ReadableRequest
