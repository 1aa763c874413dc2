"""The web server: start, shutdown and logs."""

import http.client
import json
import os
import re
import signal
import socket
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.cookiejar import CookieJar
from pathlib import Path

import pytest
from django.db import connection, transaction

from portico.domain.practices.staff import set_up_links
from portico.operating.web_server import THREADS
from portico.plumbing.models import RateLimitCount
from tests import cast
from tests.support.processes.commands import Process, Processes

pytestmark = [pytest.mark.real_processes, pytest.mark.slow]


class Visitor:
    """A minimal browser for a sign-in form."""

    def __init__(self, web: Process) -> None:
        self.url = web.url
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def get(self, path: str) -> tuple[int, str]:
        return self._answer(urllib.request.Request(self.url + path))

    def post(self, path: str, **fields: str) -> tuple[int, str]:
        """Fills in and posts the form of the page at the same URL."""
        (token,) = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', self.get(path)[1])[:1]
        data = urllib.parse.urlencode(fields | {"csrfmiddlewaretoken": token}).encode()
        return self._answer(urllib.request.Request(f"{self.url}{path}", data, {"Origin": self.url}))

    def try_password(self) -> tuple[int, str]:
        return self.post("/office/sign-in/", email="unknown@alder.example", password="not the right one")

    def _answer(self, request: urllib.request.Request) -> tuple[int, str]:
        try:
            with self.opener.open(request, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()


@contextmanager
def delay_sign_in() -> Iterator[None]:
    """Blocks every attempt at the table of rate limits until the block ends."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(f"LOCK TABLE {RateLimitCount._meta.db_table} IN EXCLUSIVE MODE")
        yield


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_running_request_finishes_after_sigterm(processes: Processes, workers: str) -> None:
    web = processes.web("--workers", workers)
    answers: list[tuple[int, str]] = []
    visitor = Visitor(web)
    trying = threading.Thread(target=lambda: answers.append(visitor.try_password()))
    with delay_sign_in():
        trying.start()
        time.sleep(1)
        web.terminate()
        time.sleep(0.5)
        assert (answers, web.is_running) == ([], True)
    trying.join(20)
    assert web.wait() == 0
    ((status, page),) = answers
    assert status < 500
    assert "Password" in page


@pytest.mark.both_databases
def test_two_servers_share_a_database(processes: Processes) -> None:
    cast.alder()
    first, second = processes.web("--workers", "2"), processes.web()
    for web in (first, second):
        assert Visitor(web).get("/portal/alder-street/")[0] == 200
    assert [first.stop(), second.stop()] == [0, 0]


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_server_ends_when_one_of_its_processes_dies(processes: Processes) -> None:
    web = processes.web("--workers", "2")
    first, second = children_of(web.pid)
    os.kill(first, signal.SIGKILL)
    assert web.wait() == 1
    assert not Path(f"/proc/{second}").exists()


def test_processes_end_when_their_parent_is_killed(processes: Processes) -> None:
    web = processes.web("--workers", "2")
    children = children_of(web.pid)
    os.kill(web.pid, signal.SIGKILL)
    web.wait()
    deadline = time.monotonic() + 20
    while any(is_alive(child) for child in children):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def is_alive(pid: int) -> bool:
    """Returns False for a zombie too: nothing may reap it here."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_second_server_on_a_port_exits_with_a_message(processes: Processes) -> None:
    web = processes.web()
    port = web.url.rpartition(":")[2]
    answer = processes.run("web", "--port", port)
    assert answer.returncode == 1
    assert f"Port {port} is in use" in answer.stderr
    assert Visitor(web).get("/healthz")[0] == 200


def test_log_lines_are_json_without_tokens(processes: Processes) -> None:
    cast.alder()
    web = processes.web()
    token = "a" * 43
    assert Visitor(web).get(f"/portal/alder-street/link/{token}/")[0] == 410
    assert Visitor(web).get("/portal/%0A%E2%80%A8%22/")[0] == 404
    assert web.stop() == 0
    lines = web.log().splitlines()
    assert {"at", "level", "event"} <= set(json.loads(lines[0]))
    assert all(isinstance(json.loads(line), dict) for line in lines)
    assert token not in web.log()


def test_a_token_unfit_for_a_cookie_is_unknown(processes: Processes) -> None:
    cast.alder()
    web = processes.web()
    for sign in ("%E2%80%A8", "%0D%0ASet-Cookie:evil=1", "%C3%A9", "%22%3B%20evil=1"):
        for door in ("/office/set-up/", "/portal/alder-street/link/"):
            assert Visitor(web).get(f"{door}{sign}/")[0] == 410, sign
    assert "request.failed" not in web.log()


def cookies_of(web: Process, path: str, cookies: dict[str, str], **fields: str) -> list[str]:
    """Returns the Set-Cookie headers of a response behind an https proxy, and stores the cookies in `cookies`.

    With fields, it posts the form of the page at that URL, with its hidden subject.
    """
    subject = re.search(r'name="subject" value="([^"]*)"', request_by_https(web, path, cookies)[1]) if fields else None
    named = {"subject": subject[1]} if subject else {}
    said, _ = request_by_https(web, path, cookies, **named, **fields)
    return said


def request_by_https(web: Process, path: str, cookies: dict[str, str], **fields: str) -> tuple[list[str], str]:
    """Returns the Set-Cookie headers and the page."""
    headers = {"Host": "portal.example.org", "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}
    headers |= {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    connection = http.client.HTTPConnection("127.0.0.1", int(web.url.rpartition(":")[2]), timeout=20)
    try:
        if fields:
            headers |= {"Origin": "https://portal.example.org", "Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST" if fields else "GET", path, urllib.parse.urlencode(fields) or None, headers)
        answer = connection.getresponse()
        page = answer.read().decode()
        said = answer.headers.get_all("Set-Cookie") or []
        assert (answer.status < 400, "max-age=" in answer.headers["Strict-Transport-Security"]) == (True, True)
    finally:
        connection.close()
    cookies |= {line.partition("=")[0]: line.partition("=")[2].partition(";")[0] for line in said}
    return said, page


def test_https_cookies_have_the_host_prefix(processes: Processes) -> None:
    practice = cast.alder()
    token = cast.token_of(cast.invited(cast.ana(practice)))
    set_up = set_up_links.create_link(cast.elm(practice), by=cast.DESK)
    web = processes.web(
        PUBLIC_BASE_URL="https://portal.example.org",
        ALLOWED_HOSTS="portal.example.org,127.0.0.1,localhost",
        TRUSTED_PROXY_COUNT="1",
        PORTICO_DEMO="0",
    )
    door, jar = "/portal/alder-street/", dict[str, str]()
    assert Visitor(web).get(door)[0] == 200  # Only the proxy redirects to https.
    said = cookies_of(web, door, jar)
    csrf = {"csrfmiddlewaretoken": jar["__Host-portico-csrf"]}
    said += cookies_of(web, door, jar, email="ana@mail.example", **csrf)
    said += cookies_of(web, f"{door}link/{token}/", jar)
    said += cookies_of(web, f"{door}link/", jar, **csrf)
    said += cookies_of(web, f"{door}profile/", jar, language="es", **csrf)
    said += cookies_of(web, f"/office/set-up/{set_up}/", jar)
    said += cookies_of(web, "/office/set-up/", jar, password=cast.PASSWORD, **csrf)
    names = {line.partition("=")[0] for line in said}
    kinds = ("csrf", "asking", "link", "client", "browser", "language", "set-up", "staff")
    assert {f"__Host-portico-{kind}" for kind in kinds} <= names
    for line in said:
        attributes = dict(part.strip().lower().partition("=")[::2] for part in line.split(";")[1:])
        assert line.startswith("__Host-"), line
        assert (attributes["path"], attributes["samesite"]) == ("/", "lax"), line
        assert {"secure", "httponly"} <= attributes.keys(), line
        assert "domain" not in attributes, line
        if line.startswith(tuple(f"__Host-portico-{kind}=" for kind in ("client", "asking", "staff"))):
            # Session cookies, or cookies that are deleted now.
            assert attributes.get("max-age", "0") == "0", line


BEHIND_ONE_PROXY = {"TRUSTED_PROXY_COUNT": "1"}
ASKS_OF_A_NETWORK = 30


def test_headers_with_underscores_do_not_evade_limits(processes: Processes) -> None:
    """The proxy's header is trusted, a visitor's header with a similar name is not."""
    cast.alder()
    web = processes.web(**BEHIND_ONE_PROXY)
    visitor = Visitor(web)
    visitor.get("/portal/alder-street/")
    statuses = []
    for turn in range(ASKS_OF_A_NETWORK + 1):
        forged = dict.fromkeys(("X_Forwarded_For", "X_Forwarded-For", "X-Forwarded_For"), f"198.51.100.{turn}")
        visitor.opener.addheaders = [("X-Forwarded-For", "203.0.113.7"), *forged.items()]
        statuses.append(visitor.post("/portal/alder-street/", email=f"somebody{turn}@mail.example")[0])
    assert statuses == [200] * ASKS_OF_A_NETWORK + [429]
    visitor.opener.addheaders = [("X-Forwarded-For", "203.0.113.8")]
    assert visitor.post("/portal/alder-street/", email="stranger@mail.example")[0] == 200


def test_stalled_bodies_do_not_block_others(processes: Processes) -> None:
    web = processes.web()
    address = ("127.0.0.1", int(web.url.rpartition(":")[2]))
    head = b"POST /office/sign-in/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\nemail="
    with ExitStack() as held:
        for _ in range(THREADS * 2):
            held.enter_context(socket.create_connection(address, timeout=20)).sendall(head)
        assert Visitor(web).get("/office/sign-in/")[0] == 200


SECURITY = {
    *("Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Permissions-Policy"),
    *("Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy"),
}


def test_every_response_has_the_security_headers(processes: Processes) -> None:
    cast.alder()
    web = processes.web()
    (sheet, *_) = re.findall(r'href="(/static/[^"]+)"', Visitor(web).get("/office/sign-in/")[1])
    asked = [
        ("GET", sheet, None, 200),
        ("GET", "/static/nothing.css", None, 404),
        ("GET", "/portal/alder-street/link/", None, 410),
        ("DELETE", "/office/sign-in/", None, 405),
        ("GET", "/office/?q=%00", None, 400),
        ("POST", "/office/sign-in/", b"a" * (3 * 1024 * 1024 + 1), 413),
        ("POST", "/office/sign-in/", b"email=a", 403),
        ("GET", "/healthz", None, 200),
    ]
    for method, path, body, status in asked:
        request = urllib.request.Request(web.url + path, body, method=method)
        try:
            answer = urllib.request.urlopen(request, timeout=20)
        except urllib.error.HTTPError as refused:
            answer = refused
        with answer:
            said = f"{answer.headers} {answer.read().decode() if 'html' in answer.headers['Content-Type'] else ''}"
        assert (path, answer.status) == (path, status)
        assert {name for name in SECURITY if name not in answer.headers} == set(), path
        assert not re.search(r"waitress|django|whitenoise|python|uvloop", said, re.IGNORECASE), path


def test_static_files_are_hashed_compressed_and_cached(processes: Processes) -> None:
    web = processes.web()
    page = Visitor(web).get("/office/sign-in/")[1]
    (sheet, *_) = re.findall(r'href="(/static/[^"]+\.[0-9a-f]{12}\.css)"', page)
    request = urllib.request.Request(web.url + sheet, headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert "immutable" in answer.headers["Cache-Control"]
