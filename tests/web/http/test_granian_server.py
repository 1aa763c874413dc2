"""The RSGI adapter: header names and bodies arrive unchanged."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from pytest_django import Settings

from portico.web.http import granian_server
from portico.web.http.granian_server import Server, environ_of
from portico.web.http.request_decoding import Application

pytestmark = pytest.mark.urls("tests.web.failures")

MOST = 3 * 1024 * 1024
FORM = ("content-type", "application/x-www-form-urlencoded")
CHUNKED = ("transfer-encoding", "chunked")


class Headers(list[tuple[str, str]]):
    """Granian's headers: lower case, with repeated names."""

    def items(self) -> list[tuple[str, str]]:
        return list(self)


@dataclass
class Scope:
    """Granian's scope."""

    headers: Headers
    method: str = "GET"
    path: str = "/read/"
    query_string: str = ""
    client: str = "203.0.113.7:50000"
    server: str = "127.0.0.1:8000"
    scheme: str = "http"
    http_version: str = "1.1"
    authority: str | None = None


@dataclass
class Line:
    """Granian's protocol object. With `stalls`, the body never completes."""

    parts: list[bytes] = field(default_factory=list)
    stalls: bool = False
    taken: int = 0
    said: list[tuple[int, list[tuple[str, str]], bytes]] = field(default_factory=list)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            self.taken += 1
            yield part
        if self.stalls:
            await asyncio.sleep(60)

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.said.append((status, headers, body))


def environ(*headers: tuple[str, str], **changes: Any) -> dict[str, Any]:  # Any: of whatever kind the field is.
    return environ_of(cast(Any, Scope(Headers(headers), **changes)))


def run[T](coroutine: Coroutine[Any, Any, T]) -> T:  # Any: asyncio's own types.
    """Runs a coroutine in a thread of its own: a browser of other tests may keep an event loop running in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def asked(line: Line, *headers: tuple[str, str], **changes: Any) -> tuple[int, bytes]:  # Any: as above.
    """Returns the status and body of the response."""
    server = Server(Application())

    async def ask() -> None:
        await server.__rsgi__(cast(Any, Scope(Headers(headers), **changes)), cast(Any, line))

    run(ask())
    server.threads.shutdown()
    ((status, _headers, body),) = line.said
    return status, body


def posted(line: Line, *headers: tuple[str, str]) -> tuple[int, bytes]:
    return asked(line, FORM, *headers, method="POST", path="/echo/")


@pytest.mark.parametrize("name", ["x_forwarded_for", "x_forwarded-for", "x-forwarded_for"])
@pytest.mark.parametrize("comes_last", [True, False])
def test_header_with_underscores_is_dropped(name: str, comes_last: bool) -> None:  # noqa: FBT001  pytest's own way
    headers = [("x-forwarded-for", "203.0.113.7"), (name, "198.51.100.9")]
    read = environ(*(headers if comes_last else reversed(headers)))
    assert read["HTTP_X_FORWARDED_FOR"] == "203.0.113.7"
    assert "198.51.100.9" not in read.values()


def test_repeated_headers_are_joined() -> None:
    read = environ(
        ("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "203.0.113.7"), ("cookie", "a=1"), ("cookie", "b=2")
    )
    assert (read["HTTP_X_FORWARDED_FOR"], read["HTTP_COOKIE"]) == ("1.1.1.1,203.0.113.7", "a=1; b=2")


@pytest.mark.parametrize(
    ("client", "address"), [("203.0.113.7:50000", "203.0.113.7"), ("[2001:db8::7]:50000", "2001:db8::7")]
)
def test_remote_address_is_that_of_the_connection(client: str, address: str) -> None:
    assert environ(client=client)["REMOTE_ADDR"] == address


def test_http2_authority_becomes_the_host() -> None:
    assert environ(authority="portal.example.org")["HTTP_HOST"] == "portal.example.org"
    assert environ(("host", "a.example"), authority="b.example")["HTTP_HOST"] == "a.example"


def test_non_ascii_paths_are_decoded() -> None:
    read = environ(path="/\u00e9\u2028/", query_string="q=\u00e9")
    assert [read[name].encode("latin-1").decode() for name in ("PATH_INFO", "QUERY_STRING")] == [
        "/\u00e9\u2028/",
        "q=\u00e9",
    ]
    assert asked(Line(), path="/\u00e9\u2028/")[0] == 404


def test_server_environment_is_not_in_the_request() -> None:
    assert {name for name in environ() if name.isupper()} == {
        *("REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING"),
        *("SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "REMOTE_ADDR"),
    }


def test_body_in_chunks_is_joined() -> None:
    assert posted(Line([b"name=", b"Ana"]), ("content-length", "8")) == (200, b"[('name', 'Ana')]")


def test_body_without_length_is_refused_unread() -> None:
    """Browsers send Content-Length; an incomplete chunked body cannot be recognised."""
    line = Line([b"name=", b"Ana"])
    status, page = posted(line, CHUNKED)
    assert (status, line.taken, "We couldn’t read that" in page.decode()) == (411, 0, True)


def test_length_is_checked_against_chunks() -> None:
    assert posted(Line([b"name=Ana"]), CHUNKED, ("content-length", "8"))[0] == 200
    assert posted(Line([b"name=Ana"]), CHUNKED, ("content-length", "9"))[0] == 400


def test_incomplete_body_is_refused() -> None:
    assert posted(Line([b"name=Ana"]), ("content-length", "20"))[0] == 400


def test_stalled_body_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(granian_server, "BODY_TIMEOUT_SECONDS", 0.05)
    assert posted(Line([b"name=Ana"], stalls=True), ("content-length", "20"))[0] == 400


LARGE = ("content-length", str(MOST * 20))


def test_body_over_3_mb_is_refused_without_buffering() -> None:
    line = Line([b"x" * 1024] * (MOST * 2 // 1024))
    body = run(granian_server.read_body(cast(Any, line)))
    assert (len(body), line.taken) == (MOST + 1024, len(line.parts))
    status, page = posted(line, LARGE)
    assert (status, b"3 MB" in page) == (413, True)


def test_endless_body_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(granian_server, "DRAIN_MAX_BYTES", MOST)
    line = Line([b"x" * 65536] * 1000)
    assert posted(line, LARGE)[0] == 413
    assert line.taken * 65536 <= MOST * 2 + 3 * 65536


def test_slow_large_body_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(granian_server, "DRAIN_SECONDS", 0.05)
    assert posted(Line([b"x" * (MOST + 1)], stalls=True), LARGE)[0] == 413


def test_body_of_exactly_3_mb_is_accepted() -> None:
    body = b"name=" + b"x" * (MOST - 5)
    assert posted(Line([body]), ("content-length", str(MOST)))[0] == 200


@pytest.mark.django_db
def test_other_hosts_are_refused(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["portal.example.org"]
    assert asked(Line(), ("host", "portal.example.org"))[0] == 200
    for hosts in (["evil.example"], ["portal.example.org", "evil.example"]):
        assert asked(Line(), *(("host", host) for host in hosts))[0] == 400
