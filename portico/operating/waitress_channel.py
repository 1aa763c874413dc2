"""The connection of waitress: limits what is stored of a body, and adds our headers to the errors of the server."""

import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from waitress.buffers import OverflowableBuffer
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.task import ErrorTask

from portico.web.http import body_limits
from portico.web.middleware.security_headers import HEADERS

logger = logging.getLogger(__name__)

# Of a body that is too large; a longer one sees its connection closed, and no page.
MAX_DISCARDED_BYTES = 512 * 1024 * 1024


class LimitedBuffer(OverflowableBuffer):  # type: ignore[misc]  # Waitress is not typed; below as well.
    """Drops what exceeds the limit of the address: RequestLimits refuses such a body by its length."""

    def __init__(self, overflow: int, limit: int) -> None:
        super().__init__(overflow)
        self._limit = limit

    def append(self, part: bytes) -> None:
        if len(self) <= self._limit:
            super().append(part)


class Parser(HTTPRequestParser):  # type: ignore[misc]
    """Passes a request whose announced body is too large on without it: the application answers with its page."""

    def __init__(self, discard_body: Callable[[], None], adjustments: object) -> None:
        super().__init__(adjustments)
        self._discard_body = discard_body
        self._is_too_large = False

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        limit = body_limits.limit_of(self.path)
        if self.body_rcv is not None:
            self.body_rcv.buf = LimitedBuffer(self.adj.inbuf_overflow, limit)
        self._is_too_large = self.content_length > limit

    def received(self, data: bytes) -> int:
        consumed: int = super().received(data)
        if not self._is_too_large:
            return consumed
        # Waitress would answer by itself, without a page, or ask for the body first.
        self.error, self.completed, self.expect_continue = None, True, False
        self.headers["CONNECTION"] = "close"
        self._discard_body()
        return len(data)


class ErrorResponse(ErrorTask):  # type: ignore[misc]
    """Answers a request that is not valid HTTP or exceeds waitress's limits, which the application never sees."""

    def execute(self) -> None:
        logger.info("request.rejected", extra={"status": self.request.error.code})
        self.response_headers.extend(HEADERS.items())
        super().execute()


class Channel(HTTPChannel):  # type: ignore[misc]
    """Discards a body that is too large while and after it is answered: a browser reads no answer before its end.

    Closing at once would reset the connection and lose the answer. With `Expect: 100-continue` no body arrives.
    """

    error_task_class = ErrorResponse
    close_when_flushed: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # Any: waitress is not typed.
        self._is_discarding = False
        self._discarded_bytes = 0
        self.parser_class = partial(Parser, self._discard_body)
        super().__init__(*args, **kwargs)

    def received(self, data: bytes) -> None:
        if not self._is_discarding:
            super().received(data)
            return
        self._discarded_bytes += len(data)
        if self._discarded_bytes > MAX_DISCARDED_BYTES:
            self.will_close = True

    def readable(self) -> bool:
        return not self.will_close if self._is_discarding else bool(super().readable())

    def handle_write(self) -> None:
        is_last = self._is_discarding and self.close_when_flushed
        if is_last:
            self.close_when_flushed = False
        super().handle_write()
        if is_last and self.connected:
            if self.total_outbufs_len:
                self.close_when_flushed = True
            else:
                self._end_answer()

    def _end_answer(self) -> None:
        """Ends the answer. The connection is closed when the other side has sent everything, or stays silent."""
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)

    def _discard_body(self) -> None:
        self._is_discarding = True
