"""What the web server calls, and what it makes of a request whose headers cannot be read."""

from typing import Any

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils.http import parse_header_parameters


class ReadableRequest(WSGIRequest):
    """Django's, but a malformed Content-Type is refused by a page instead of ending the request without one.

    Django raises before any middleware could answer: for a header it cannot parse, and for charsets that decode no
    text (hex, rot13). Here a charset is only noted; SmallRequests refuses all but our own.
    """

    is_readable = True

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:  # Any: as WSGI has it.
        try:
            self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except ValueError:
            self.content_type, self.content_params = "", {}
            self.is_readable = False


class Application(WSGIHandler):
    request_class = ReadableRequest
