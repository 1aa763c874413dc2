"""Malformed requests to every route: a response below 500, within the time limit."""

import io
import re
import time
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from typing import Any, cast
from urllib.parse import quote, urlencode

import pytest
from django.http import HttpResponse
from django.test import Client as Browser
from django.test import RequestFactory

from portico.web.http.wsgi_application import Application
from portico.web.route_list import Route, all_routes
from tests.support.database import databases
from tests.support.world import World, cases
from tests.web.page_forms import forms_on
from tests.web.visitors import forms_of, undone

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

FORM = "application/x-www-form-urlencoded"
# The visitor with the most access at each route, who reaches most of the code that parses input.
INSIDERS = {"office": "owner", "portal": "the client"}
# Bytes in a URL or a form: NUL, which PostgreSQL cannot store; lone surrogates, invalid UTF-8.
NUL = "a%00b"
UNREADABLE = (NUL, "%00", "%ED%A0%80", "%FF%FE", "%C3")
# Characters that break lines, change direction, leave folders or elements, or are format strings; and invalid numbers.
ODD = (
    "%0D%0ASet-Cookie:x=1%E2%80%A8%C2%85%E2%80%AE%F0%9F%92%A9%F3%A0%80%81",
    "..%2F..%2Fetc'%22%3E%3Cscript%3E{{7*191}}[first name]",
    "//evil.example/%5Cevil.example",
    "-1",
    "9" * 400,
    "NaN",
    "1e400",
    "a" * 4000,
)
IN_AN_ADDRESS = (*ODD, "..", "%2F")
IN_ANY_QUERY = {"next", "before", "kept", "again", "language"}
FORMULAS = (
    "x" * 20_000,
    "a " * 10_000,
    "(" * 20_000,
    "[first name]" * 1_600,
    "@." * 10_000,
    "\n" * 20_000,
    "<b " * 6_000,
)
MOST_SECONDS = 2.0
# How many values each route or form is tried with: it takes other ones than the route before it, so that each value
# reaches many of them. With --whole it takes all or most of them.
MANY = len(ODD) if databases.is_whole() and databases.chosen() == "sqlite" else 1
LOOKED_UP = len(IN_AN_ADDRESS) if databases.is_whole() else 2
LONG = len(FORMULAS) if databases.is_whole() else 1
BODIES = 4 if databases.is_whole() else 2
ODD_BYTES = 2 if databases.is_whole() else 1
ROUTES = all_routes()
BODY_KINDS = (FORM, "multipart/form-data; boundary=x", "application/json", "text/plain")
# Where files of up to 25 MB are uploaded.
TAKES_FILES = {
    *("portal:upload", "office:shareable_document", "office:document_publication", "office:document_check"),
    *("office:new_paper_signature", "office:paper_signature"),
}
POSTING = [route for route, method in cases() if method == "POST"]


def in_time(browser: Browser, method: str, path: str, **posted: Any) -> HttpResponse:  # Any: the test client’s own.
    """Returns the response; fails above a limit of CPU time, which does not depend on the load of the machine."""
    browser.raise_request_exception = False
    began = time.process_time()
    with undone(browser):
        answer = cast(HttpResponse, browser.generic(method, path, **posted))
    took = time.process_time() - began
    assert took < MOST_SECONDS, f"{method} {path[:200]} took {took:.1f} s"
    assert answer.status_code < 500, f"{method} {path[:200]} {str(posted)[:300]}: {answer.status_code}"
    return answer


def asked(browser: Browser, route: Route, path: str, query: str = "") -> HttpResponse:
    return in_time(browser, "GET" if "GET" in route.methods else "POST", path, QUERY_STRING=query)


def post(browser: Browser, path: str, body: str) -> HttpResponse:
    return in_time(browser, "POST", path, data=body.encode(), content_type=FORM)


def insider(route: Route) -> str:
    return INSIDERS.get(route.audience, "nobody")


def some[Value](values: tuple[Value, ...], many: int, *, turn: int) -> Iterator[Value]:
    """Returns some of the values, others at each turn, to save time where the response does not depend on them."""
    begin = turn * many % len(values)
    return islice(cycle(values), begin, begin + min(many, len(values)))


@pytest.mark.sqlite
def test_undecodable_urls_are_400(world: World) -> None:
    for turn, route in enumerate(ROUTES):
        browser = world.browsers[insider(route)]
        for odd in some(UNREADABLE, ODD_BYTES, turn=turn):
            assert asked(browser, route, world.path(route), f"q={odd}&{odd}={odd}").status_code == 400, route.name
            if "<" in route.path:
                asked(browser, route, re.sub(r"<\w+:\w+>", odd, route.path))


# Values in a URL are looked up and never stored, so one database is enough.
@pytest.mark.sqlite
def test_malformed_url_arguments_do_not_crash(world: World) -> None:
    for turn, route in enumerate(route for route in ROUTES if "<" in route.path):
        for odd in some(IN_AN_ADDRESS, LOOKED_UP, turn=turn):
            asked(world.browsers[insider(route)], route, re.sub(r"<\w+:\w+>", odd, route.path))
        for visitor in ("nobody", "the client", "owner"):
            for odd in some(IN_AN_ADDRESS, 1, turn=turn):
                asked(world.browsers[visitor], route, re.sub(r"<\w+:\w+>", odd, route.path))


def test_malformed_queries_do_not_crash(world: World) -> None:
    for turn, route in enumerate(route for route in ROUTES if "GET" in route.methods):
        browser, path = world.browsers[insider(route)], world.path(route)
        page = in_time(browser, "GET", path)
        is_html = "html" in page.headers.get("Content-Type", "")
        forms = forms_on(page.content.decode(), at=path) if page.status_code == 200 and is_html else []
        names = {name for form in forms if form.method == "get" for name in form.fields}
        for odd in some(ODD, MANY if names else 1, turn=turn):
            query = "&".join(f"{quote(name)}={odd}" for name in (*names, *IN_ANY_QUERY))
            answer = asked(browser, route, path, f"{query}&{odd}={odd}")
            assert "evil" not in answer.headers.get("Location", "")


def test_malformed_forms_do_not_crash(world: World) -> None:
    offered = {visitor: forms_of(world, visitor) for visitor in ("nobody", "the client", "owner")}
    everywhere = {
        name for paths in offered.values() for forms in paths.values() for form in forms for name in form.offers
    }
    for turn, route in enumerate(POSTING):
        browser, path = world.browsers[insider(route)], world.path(route)
        names = {name for form in offered[insider(route)].get(path, []) for name in form.offers}
        for odd in (NUL, *some(ODD, min(MANY, 4 if names else 2), turn=turn)):
            post(browser, path, "&".join(f"{quote(name)}={odd}" for name in names or everywhere))
        outsiders = [visitor for visitor in offered if visitor != insider(route)]
        for visitor, odd in zip(outsiders, some(ODD, 2, turn=turn), strict=True):
            post(world.browsers[visitor], path, "&".join(f"{quote(name)}={odd}" for name in names or everywhere))


@pytest.mark.sqlite
def test_no_field_takes_long_to_parse(world: World) -> None:
    for visitor in ("nobody", "the client", "owner"):
        for turn, (path, forms) in enumerate(forms_of(world, visitor).items()):
            for value in some(FORMULAS, LONG, turn=turn) if forms[-1].typed else ():
                fields = forms[-1].filled() | dict.fromkeys(forms[-1].typed, value)
                post(world.browsers[visitor], path, urlencode(fields))


def test_no_single_field_is_too_long_or_unreadable(world: World) -> None:
    formulas, unreadable = cycle(FORMULAS), cycle(UNREADABLE)
    for visitor in ("nobody", "the client", "owner"):
        browser = world.browsers[visitor]
        for path, forms in forms_of(world, visitor).items():
            fields = forms[-1].filled()
            for name in forms[-1].typed:
                if MANY > 1:
                    post(browser, path, urlencode(fields | {name: next(formulas)}))
                others = urlencode({each: value for each, value in fields.items() if each != name})
                for odd in islice(unreadable, ODD_BYTES):
                    answer = post(browser, path, f"{others}&{quote(name)}={odd}")
                    assert 400 <= answer.status_code < 500, f"{path} {name} {odd}: {answer.status_code}"


BROKEN = (
    b"",
    b"--x",
    b"--x\r\n",
    b"--x--",
    b"--x\r\nContent-Disposition: form-data\r\n\r\nAna\r\n--x--\r\n",
    b'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\nAna',
    b'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\nA\0na\r\n--x--\r\n',
    b'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\n\xed\xa0\x80\r\n--x--\r\n',
    b'--x\r\nContent-Disposition: form-data; name="em\0ail"\r\n\r\nAna\r\n--x--\r\n',
    b'--x\r\nContent-Disposition: form-data; name="email"; filename="a\0.png"\r\n\r\nAna\r\n--x--\r\n',
    b'--x\r\nContent-Disposition: form-data; name="a"; filename="../x"\r\nContent-Type: \xff\r\n\r\nAna\r\n--x--\r\n',
    b'--x\r\nContent-Disposition: form-data; name="email"\r\nContent-Transfer-Encoding: base64\r\n\r\n!\r\n--x--\r\n',
    b"--x\r\n" + b"a: b\r\n" * 5_000 + b"\r\n\r\n--x--\r\n",
    b'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\n1\r\n' * 2_000 + b"--x--\r\n",
    b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n1\r\n' * 2_000 + b"--x--\r\n",
)
BOUNDARIES = ("boundary=x", "boundary=", "", "boundary=" + "x" * 500, "boundary=\xff", 'boundary="x; charset=utf-16"')


@pytest.mark.sqlite
def test_malformed_multipart_does_not_crash(world: World) -> None:
    sent = [(body, "boundary=x") for body in BROKEN] + [(BROKEN[5], boundary) for boundary in BOUNDARIES]
    for turn, route in enumerate(POSTING):
        is_with_files = route.name in {
            *TAKES_FILES,
            "office:logo",
            "office:client_info",
            "entrance:doorway",
            "stripe_hook",
        }
        for body, boundary in sent if is_with_files else some(tuple(sent), BODIES, turn=turn):
            kind = f"multipart/form-data; {boundary}"
            in_time(world.browsers[insider(route)], "POST", world.path(route), data=body, content_type=kind)


@pytest.mark.sqlite
def test_body_over_3_mb_is_413_at_every_route_without_files(world: World) -> None:
    body = b"x" * (3 * 1024 * 1024 + 1)
    for turn, route in enumerate(POSTING):
        for kind in some(BODY_KINDS, 2, turn=turn) if route.name not in TAKES_FILES else ():
            status, page = called(world.path(route), CONTENT_TYPE=kind, CONTENT_LENGTH=str(len(body)), body=body)
            assert (status, b"3 MB" in page) == (413, True), route.name


@pytest.mark.sqlite
def test_body_over_26_mb_is_413_at_every_route_for_files(world: World) -> None:
    body = b"x" * (26 * 1024 * 1024 + 1)
    for route in [each for each in POSTING if each.name in TAKES_FILES]:
        for kind in BODY_KINDS:
            status, page = called(world.path(route), CONTENT_TYPE=kind, CONTENT_LENGTH=str(len(body)), body=body)
            assert (status, b"25 MB" in page) == (413, True), route.name


def called(path: str, *, body: bytes, **environ: str) -> tuple[int, bytes]:
    """Calls the WSGI application: Django's test client does not allow reading past the end of the body."""
    seen: list[str] = []

    def start(status: str, headers: object, error: object = None, /) -> Callable[[bytes], object]:
        seen.append(status)
        return bytes

    asked = RequestFactory()._base_environ(REQUEST_METHOD="POST", PATH_INFO=path, **environ)  # type: ignore[attr-defined]
    answer = Application()(asked | {"wsgi.input": io.BytesIO(body)}, start)
    return int(seen[0].split()[0]), b"".join(answer)
