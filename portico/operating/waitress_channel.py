"""The connection of waitress: limits what is stored of a body, and adds our headers to the errors of the server."""

import logging

from django.conf import settings
from waitress.buffers import OverflowableBuffer
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.task import ErrorTask

from portico.web.middleware.security_headers import HEADERS

logger = logging.getLogger(__name__)


class LimitedBuffer(OverflowableBuffer):  # type: ignore[misc]  # Waitress is not typed; below as well.
    """Drops what exceeds DATA_UPLOAD_MAX_MEMORY_SIZE: RequestLimits refuses such a body by its length."""

    def append(self, part: bytes) -> None:
        if len(self) <= settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            super().append(part)


class Parser(HTTPRequestParser):  # type: ignore[misc]
    """Reads a body to its end, because a browser reads no response before, but stores only what may be used of it."""

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        if self.body_rcv is not None:
            self.body_rcv.buf = LimitedBuffer(self.adj.inbuf_overflow)


class ErrorResponse(ErrorTask):  # type: ignore[misc]
    """Answers a request that is not valid HTTP or exceeds waitress's limits, which the application never sees."""

    def execute(self) -> None:
        logger.info("request.rejected", extra={"status": self.request.error.code})
        self.response_headers.extend(HEADERS.items())
        super().execute()


class Channel(HTTPChannel):  # type: ignore[misc]
    parser_class = Parser
    error_task_class = ErrorResponse
