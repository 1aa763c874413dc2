"""A mail server that takes everything and costs next to nothing: it tells of each mail to whom and when it had it."""

import socketserver
import subprocess
import sys
import threading
import time
from contextlib import suppress

HELLO = b"250 sink\r\n"
FINE = b"250 2.0.0 Fine\r\n"
_one_line = threading.Lock()


class Sink:
    """The server in a process of its own, so that what is measured does not wait for it."""

    def __init__(self) -> None:
        # By recipient, on the clock of time.perf_counter, which all processes of a machine share.
        self.taken_at: dict[str, float] = {}
        self._server = subprocess.Popen(
            (sys.executable, "-m", "benchmarks.instruments.sink"), stdout=subprocess.PIPE, text=True
        )
        self.pid = self._server.pid
        self.url = self._next_line()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def wait_for(self, count: int, *, seconds: float) -> None:
        give_up_at = time.monotonic() + seconds
        while len(self.taken_at) < count:
            if time.monotonic() > give_up_at:
                raise SystemExit(f"Only {len(self.taken_at)} of {count} mails arrived.")
            time.sleep(0.05)

    def stop(self) -> None:
        self._server.terminate()
        self._server.wait(10)
        self._reader.join()

    def _next_line(self) -> str:
        assert self._server.stdout is not None
        return self._server.stdout.readline().strip()

    def _read(self) -> None:
        while line := self._next_line():
            recipient, taken_at = line.split()
            self.taken_at[recipient] = float(taken_at)


class _Conversation(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self) -> None:
        self.wfile.write(b"220 sink\r\n")
        recipient = ""
        for line in self.rfile:
            match line[:4].upper():
                case b"EHLO" | b"HELO":
                    self.wfile.write(HELLO)
                case b"RCPT":
                    recipient = line.decode().partition("<")[2].partition(">")[0]
                    self.wfile.write(FINE)
                case b"DATA":
                    self.wfile.write(b"354 Go on\r\n")
                    while self.rfile.readline() != b".\r\n":
                        pass
                    with _one_line:
                        print(recipient, time.perf_counter(), flush=True)  # Read by Sink.
                    self.wfile.write(FINE)
                case b"QUIT":
                    self.wfile.write(b"221 Bye\r\n")
                    return
                case _:
                    self.wfile.write(FINE)


def serve() -> None:
    socketserver.ThreadingTCPServer.daemon_threads = True
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Conversation) as server, suppress(KeyboardInterrupt):
        print(f"smtp://127.0.0.1:{server.server_address[1]}", flush=True)  # Read by Sink.
        server.serve_forever()


if __name__ == "__main__":
    serve()
