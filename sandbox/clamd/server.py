"""A stand-in for clamd on loopback: answers INSTREAM, and finds only the EICAR test file."""

import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import cast

# The standard test file of virus scanners (eicar.org), in two parts: a scanner would find it in this file.
EICAR = (r"X5O!P%@AP[4\PZX54(P^)7CC)7}" + "$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*").encode()
VIRUS_NAME = "Eicar-Test-Signature"


@dataclass
class Script:
    """Says what the server does. `sizes` are the bytes of each content that it was sent."""

    # clamd's StreamMaxLength: it answers and closes as soon as more has arrived.
    max_bytes: int = 100 * 1024 * 1024
    # Sent in place of an answer; empty closes the connection.
    reply: bytes | None = None
    sizes: list[int] = field(default_factory=list)


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        script = cast(ClamdServer, self.server).script
        with suppress(ConnectionError):
            if self.rfile.read(10) != b"zINSTREAM\0":
                self.wfile.write(b"UNKNOWN COMMAND\0")
                return
            content = self._content(script.max_bytes)
            if script.reply is not None:
                self.wfile.write(script.reply)
            elif content is None:
                self.wfile.write(b"INSTREAM size limit exceeded. ERROR\0")
            else:
                script.sizes.append(len(content))
                found = EICAR in content
                self.wfile.write(f"stream: {VIRUS_NAME} FOUND\0".encode() if found else b"stream: OK\0")

    def _content(self, max_bytes: int) -> bytes | None:
        """Returns what was sent; None if it is more than `max_bytes`."""
        content = bytearray()
        while length := struct.unpack(">I", self.rfile.read(4))[0]:
            if len(content) + length > max_bytes:
                return None
            content += self.rfile.read(length)
        return bytes(content)


class ClamdServer(socketserver.ThreadingTCPServer):
    """Listens on 127.0.0.1; port 0 takes a free one."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, script: Script, *, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.script = script

    @property
    def url(self) -> str:
        """Returns the value of CLAMD_URL."""
        return f"tcp://127.0.0.1:{self.server_address[1]}"


@contextmanager
def running(script: Script | None = None, *, port: int = 0) -> Iterator[ClamdServer]:
    """Yields a server that answers until the block ends."""
    with ClamdServer(script or Script(), port=port) as server:
        thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="clamd", daemon=True
        )
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
