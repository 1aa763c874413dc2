"""The web server passes requests on unchanged, reads bodies before it takes a thread, and ends without losing one."""

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from pytest_django import Settings
from waitress import wasyncore

from portico.operating import listening_sockets, waitress_channel, web_server
from portico.operating.web_server import Server
from portico.web.http.wsgi_application import Application
from tests.support.servers.ports import free_port

pytestmark = [pytest.mark.urls("tests.web.failures"), pytest.mark.sqlite, pytest.mark.real_time]

MEGABYTE = 1024 * 1024
MAX_BYTES = 3 * MEGABYTE


class Running:
    """A server in a thread, with what its application was given."""

    def __init__(self) -> None:
        self.port = free_port()
        self.environ: dict[str, object] = {}
        self.stored_bytes = 0
        self.is_held = threading.Event()
        self.is_held.set()
        self.has_begun = threading.Event()
        application = Application()

        def recorded(environ, start_response):  # type: ignore[no-untyped-def]  # WSGI's own.
            self.environ = dict(environ)
            self.stored_bytes = environ["wsgi.input"].seek(0, 2)
            environ["wsgi.input"].seek(0)
            self.has_begun.set()
            assert self.is_held.wait(10)
            return application(environ, start_response)

        self.server = Server(recorded, listening_sockets.listen("127.0.0.1", self.port))
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()

    def end(self) -> None:
        self.is_held.set()
        self.server.stop()
        self.thread.join(20)
        assert not self.thread.is_alive()
        for thread in threading.enumerate():
            if thread.name.startswith("waitress-"):
                thread.join(10)
        wasyncore.close_all(self.server._connections)

    def connect(self, sent: bytes = b"") -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        connection.sendall(sent)
        return connection

    def answer(self, sent: bytes) -> tuple[int, http.client.HTTPMessage, bytes]:
        with self.connect(sent) as connection:
            return answer_on(connection)

    def post(self, body: bytes, *headers: str) -> tuple[int, bytes]:
        status, _headers, page = self.answer(request("POST", "/echo/", *headers) + body)
        return status, page


def request(method: str = "GET", path: str = "/read/", *headers: str) -> bytes:
    form = "Content-Type: application/x-www-form-urlencoded"
    return "\r\n".join((f"{method} {path} HTTP/1.1", "Host: testserver", form, *headers, "", "")).encode("latin-1")


def multipart(content: bytes) -> bytes:
    head = b'--limit\r\nContent-Disposition: form-data; name="files"; filename="a.pdf"\r\n\r\n'
    return head + content + b"\r\n--limit--\r\n"


def answer_on(connection: socket.socket) -> tuple[int, http.client.HTTPMessage, bytes]:
    response = http.client.HTTPResponse(connection)
    with response:
        response.begin()
        return response.status, response.headers, response.read()


@pytest.fixture
def running() -> Iterator[Running]:
    server = Running()
    yield server
    server.end()


@pytest.mark.parametrize("name", ["X_Forwarded_For", "X_Forwarded-For", "X-Forwarded_For"])
@pytest.mark.parametrize("comes_last", [True, False])
def test_header_with_underscores_is_dropped(running: Running, name: str, comes_last: bool) -> None:  # noqa: FBT001  pytest's own way
    headers = ["X-Forwarded-For: 203.0.113.7", f"{name}: 198.51.100.9"]
    running.answer(request("GET", "/read/", *(headers if comes_last else reversed(headers))))
    assert running.environ["HTTP_X_FORWARDED_FOR"] == "203.0.113.7"
    assert "198.51.100.9" not in running.environ.values()


def test_repeated_forwarded_headers_are_joined(running: Running) -> None:
    running.answer(request("GET", "/read/", "X-Forwarded-For: 1.1.1.1", "X-Forwarded-For: 203.0.113.7"))
    assert str(running.environ["HTTP_X_FORWARDED_FOR"]).replace(" ", "") == "1.1.1.1,203.0.113.7"


def test_remote_address_is_that_of_the_connection(running: Running) -> None:
    running.answer(request("GET", "/read/", "X-Forwarded-For: 203.0.113.7"))
    assert (running.environ["REMOTE_ADDR"], running.environ["wsgi.url_scheme"]) == ("127.0.0.1", "http")


def test_non_ascii_paths_and_values_are_passed_on(running: Running) -> None:
    assert running.answer(request("GET", "/%C3%A9%E2%80%A8/?q=%C3%A9", "X-Name: \u00e9"))[0] == 404
    assert str(running.environ["PATH_INFO"]).encode("latin-1").decode() == "/\u00e9\u2028/"
    assert (running.environ["QUERY_STRING"], running.environ["HTTP_X_NAME"]) == ("q=%C3%A9", "\u00e9")


def test_body_in_chunks_is_joined(running: Running) -> None:
    chunked = "Transfer-Encoding: chunked"
    assert running.post(b"5\r\nname=\r\n3\r\nAna\r\n0\r\n\r\n", chunked) == (200, b"[('name', 'Ana')]")


@pytest.mark.parametrize(
    ("header", "part"), [("Content-Length: 20", b"name=Ana"), ("Transfer-Encoding: chunked", b"8\r\nname=Ana\r\n")]
)
def test_incomplete_body_never_reaches_the_application(running: Running, header: str, part: bytes) -> None:
    with running.connect(request("POST", "/echo/", header) + part) as connection:
        connection.shutdown(socket.SHUT_WR)
        time.sleep(0.2)
    assert running.answer(request())[0] == 200
    assert running.environ["PATH_INFO"] == "/read/"


def test_stalled_connection_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_server, "IDLE_SECONDS", 1)
    monkeypatch.setattr(web_server, "CLEAN_UP_SECONDS", 1)
    running = Running()
    with running.connect(request("POST", "/echo/", "Content-Length: 20") + b"name=") as connection:
        assert connection.recv(1) == b""
    running.end()


def test_stalled_bodies_take_no_thread(running: Running) -> None:
    head = request("POST", "/echo/", "Content-Length: 100") + b"name="
    with ExitStack() as held:
        for _ in range(web_server.THREADS * 5):
            held.enter_context(running.connect(head))
        assert running.answer(request())[0] == 200


def test_body_over_3_mb_is_refused_without_storing_it(running: Running) -> None:
    body = b"x" * (MAX_BYTES * 3)
    status, page = running.post(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body), "Transfer-Encoding: chunked")
    assert (status, b"3 MB" in page) == (413, True)
    assert MAX_BYTES < running.stored_bytes < MAX_BYTES + 65536


@pytest.mark.parametrize("megabytes", [9, 40])
def test_announced_body_over_the_limit_is_refused_and_read_to_its_end(running: Running, megabytes: int) -> None:
    body = b"x" * (megabytes * 1024 * 1024)
    status, page = running.post(body, f"Content-Length: {len(body)}")
    assert (status, b"3 MB" in page, running.stored_bytes) == (413, True, 0)
    assert running.answer(request())[0] == 200


@pytest.mark.parametrize("expect", ["Expect: 100-continue", "X-Expect: nothing"])
def test_body_over_the_limit_is_refused_by_its_header(running: Running, expect: str) -> None:
    head = request("POST", "/portal/oak/documents/x/upload/", f"Content-Length: {27 * MEGABYTE}", expect)
    # Not one byte of the body is sent.
    status, headers, page = running.answer(head)
    assert (status, b"25 MB" in page, headers["Connection"]) == (413, True, "close")
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_what_follows_a_refused_body_is_no_request(running: Running) -> None:
    head = request("POST", "/echo/", f"Content-Length: {MAX_BYTES + 1}")
    with running.connect(head + request("GET", "/read/?smuggled") * 100) as connection:
        assert answer_on(connection)[0] == 413
        assert connection.recv(1) == b""
    assert "smuggled" not in str(running.environ["QUERY_STRING"])


def test_endless_body_after_a_refusal_is_given_up(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waitress_channel, "MAX_DISCARDED_BYTES", 100_000)
    with running.connect(request("POST", "/echo/", f"Content-Length: {MAX_BYTES + 1}")) as connection:
        assert answer_on(connection)[0] == 413
        with pytest.raises(OSError, match=r"reset|Broken pipe"):
            connection.sendall(b"x" * 20_000_000)


def test_a_file_of_25_mb_is_passed_on(running: Running) -> None:
    body = multipart(b"x" * (25 * MEGABYTE))
    form = "Content-Type: multipart/form-data; boundary=limit"
    head = request(
        "POST", "/office/settings/documents/x/", form, f"Content-Length: {len(body)}", "Expect: 100-continue"
    ).replace(b"Content-Type: application/x-www-form-urlencoded\r\n", b"")
    with running.connect(head) as connection:
        assert connection.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        # The page refuses it, which has no token.
        assert answer_on(connection)[0] == 403
    assert running.stored_bytes == len(body)


def test_body_of_exactly_3_mb_is_accepted(running: Running) -> None:
    assert running.post(b"name=" + b"x" * (MAX_BYTES - 5), f"Content-Length: {MAX_BYTES}")[0] == 200


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /read/ HTTP/1.1\r\nHost testserver\r\n\r\n", 400),
        (b"POST /echo/ HTTP/1.1\r\nHost: testserver\r\nContent-Length: 1, 2\r\n\r\n", 400),
        (b"POST /echo/ HTTP/1.1\r\nHost: testserver\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"GET /read/ HTTP/1.1\r\nHost: testserver\r\nX-Long: " + b"x" * 300_000 + b"\r\n\r\n", 431),
    ],
)
def test_malformed_requests_get_the_security_headers(running: Running, sent: bytes, status: int) -> None:
    said, headers, page = running.answer(sent)
    assert (said, headers["X-Content-Type-Options"], headers["Cache-Control"]) == (status, "nosniff", "no-store")
    assert "waitress" not in f"{headers}{page!r}".lower()
    assert running.environ == {}


@pytest.mark.django_db
def test_other_hosts_are_refused(running: Running, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    assert running.answer(request())[0] == 200
    assert running.answer(request("GET", "/read/", "Host: evil.example"))[0] == 400


def test_current_request_is_answered_before_the_server_ends(running: Running) -> None:
    running.is_held.clear()
    with running.connect(request()) as current, running.connect() as idle:
        assert running.has_begun.wait(10)
        running.server.stop()
        assert idle.recv(1) == b""
        with pytest.raises(ConnectionRefusedError):
            running.connect()
        running.is_held.set()
        assert answer_on(current)[0] == 200
    running.thread.join(10)
    assert not running.thread.is_alive()


def test_requests_that_wait_for_a_thread_are_answered_too(running: Running) -> None:
    running.is_held.clear()
    with ExitStack() as held:
        waiting = [held.enter_context(running.connect(request())) for _ in range(web_server.THREADS * 2)]
        assert running.has_begun.wait(10)
        time.sleep(0.3)
        running.server.stop()
        running.is_held.set()
        assert [answer_on(connection)[0] for connection in waiting] == [200] * len(waiting)


def test_body_that_is_arriving_is_waited_for(running: Running) -> None:
    with running.connect(request("POST", "/echo/", "Content-Length: 8") + b"name") as connection:
        assert running.answer(request())[0] == 200
        running.server.stop()
        time.sleep(0.3)
        connection.sendall(b"=Ana")
        assert answer_on(connection)[2] == b"[('name', 'Ana')]"


def test_stalled_body_does_not_keep_the_server(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_server, "SECONDS_FOR_BODIES", 0)
    with running.connect(request("POST", "/echo/", "Content-Length: 8") + b"name"):
        assert running.answer(request())[0] == 200
        running.server.stop()
        running.thread.join(3)
        assert not running.thread.is_alive()


def test_endless_request_is_given_up(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_server, "SECONDS_TO_FINISH", 0.2)
    running.is_held.clear()
    with running.connect(request()) as connection:
        assert running.has_begun.wait(10)
        running.server.stop()
        assert connection.recv(1) == b""
        running.thread.join(3)
        assert not running.thread.is_alive()
