"""Whatever bytes arrive, at whatever address, from whomever: an answer below 500, soon, and nothing stored of it."""

import io
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any, cast
from urllib.parse import quote, urlencode

import pytest
from django.apps import apps
from django.db import transaction
from django.http import HttpResponse
from django.test import Client as Browser
from django.test import RequestFactory

from portico.web.reading import Application
from portico.web.routes import Route, all_routes
from tests.web.forms_on_pages import FormOnPage, forms_on
from tests.web.test_every_address import World, cases, world

__all__ = ["world"]  # The fixture.

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

FORM = "application/x-www-form-urlencoded"
VISITORS = ("nobody", "owner", "the client")
# In an address or a form as bytes: NUL, half characters, bytes that are no UTF-8, signs that break lines.
UNREADABLE = (b"%00", b"a%00b", b"%ED%A0%80", b"%FF%FE", b"%C3")
ODD = (
    *("%0D%0ASet-Cookie:x=1", "%E2%80%A8", "%C2%85", "%E2%80%AE", "%F0%9F%92%A9", "..", "..%2F..%2Fetc", "%2F", "'"),
    *("%22%3E%3Cscript%3E", "{{7*191}}", "[first name]", "-1", "9" * 400, "NaN", "1e400", "%F3%A0%80%81", "a" * 4000),
)
FORMULAS = (
    "x" * 50_000,
    "a " * 25_000,
    "(" * 50_000,
    "[first name]" * 4_000,
    "@." * 25_000,
    "\n" * 50_000,
    "<b " * 16_000,
)
MOST_SECONDS = 2.0


@contextmanager
def undone(browser: Browser) -> Iterator[None]:
    """What one request did is taken back before the next one comes; not by `atomic`, in which limits refuse to work."""
    before, cookies = transaction.savepoint_create(), deepcopy(browser.cookies)
    try:
        yield
    finally:
        browser.cookies = cookies
        transaction.savepoint_rollback(before)


def in_time(browser: Browser, method: str, path: str, **posted: Any) -> HttpResponse:  # Any: the test client’s own.
    """The answer, which may not take longer than anybody waits (in CPU time: a busy machine is no mistake)."""
    browser.raise_request_exception = False
    began = time.process_time()
    with undone(browser):
        answer = cast(HttpResponse, browser.generic(method, path, **posted))
    took = time.process_time() - began
    assert took < MOST_SECONDS, f"{method} {path[:200]} took {took:.1f} s"
    assert answer.status_code < 500, f"{method} {path[:200]} {str(posted)[:300]}: {answer.status_code}"
    return answer


def post(browser: Browser, path: str, body: bytes) -> HttpResponse:
    return in_time(browser, "POST", path, data=body, content_type=FORM)


def forms_of(world: World, visitor: str) -> dict[str, FormOnPage]:
    """Every form that posts, on any page that this visitor gets, by where it goes."""
    found: dict[str, FormOnPage] = {}
    for route in all_routes():
        path = world.path(route)
        if "GET" not in route.methods:
            continue
        with undone(world.browsers[visitor]):
            answer = world.browsers[visitor].get(path)
        if answer.status_code < 300 and "html" in answer.headers["Content-Type"]:
            found |= {form.action: form for form in forms_on(answer.content.decode(), at=path) if form.method == "post"}
    return found


def posting() -> Iterator[Route]:
    yield from (route for route, method in cases() if method == "POST")


@pytest.mark.parametrize("visitor", VISITORS)
def test_no_address_or_query_is_too_strange(world: World, visitor: str) -> None:
    browser = world.browsers[visitor]
    for route in all_routes():
        method = "GET" if "GET" in route.methods else "POST"
        for odd in (*(each.decode() for each in UNREADABLE), *ODD):
            if "<" in route.path:
                in_time(browser, method, re.sub(r"<\w+:\w+>", odd.replace("\\", r"\\"), route.path))
            answer = in_time(
                browser, method, world.path(route), QUERY_STRING=f"q={odd}&after={odd}&next={odd}&{odd}={odd}"
            )
            assert "evil" not in answer.headers.get("Location", "")
            if odd.encode() in UNREADABLE:
                assert answer.status_code == 400, f"{route.name} {odd}: {answer.status_code}"


@pytest.mark.parametrize("visitor", VISITORS)
def test_no_form_is_too_strange(world: World, visitor: str) -> None:
    browser, forms = world.browsers[visitor], forms_of(world, visitor)
    everywhere = {name for form in forms.values() for name in form.fields} | {"email", "code", "pin", "password", "q"}
    for route in posting():
        path = world.path(route)
        names = forms[path].fields if path in forms else everywhere
        for odd in (*UNREADABLE, *(each.encode() for each in ODD)):
            post(browser, path, b"&".join(quote(name).encode() + b"=" + odd for name in names))


@pytest.mark.parametrize("visitor", VISITORS)
def test_no_single_field_is_too_long_or_unreadable(world: World, visitor: str) -> None:
    for path, form in forms_of(world, visitor).items():
        for name in form.typed:
            for value in FORMULAS:
                post(world.browsers[visitor], path, urlencode(form.fields | {name: value}).encode())
            for odd in UNREADABLE:
                others = urlencode({each: value for each, value in form.fields.items() if each != name}).encode()
                answer = post(world.browsers[visitor], path, others + b"&" + quote(name).encode() + b"=" + odd)
                assert 400 <= answer.status_code < 500, f"{path} {name} {odd!r}: {answer.status_code}"


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


@pytest.mark.parametrize("visitor", VISITORS)
def test_no_broken_multipart_is_a_mistake_of_ours(world: World, visitor: str) -> None:
    browser = world.browsers[visitor]
    for route in posting():
        for body in BROKEN:
            in_time(browser, "POST", world.path(route), data=body, content_type="multipart/form-data; boundary=x")
        for boundary in BOUNDARIES:
            kind = f"multipart/form-data; {boundary}"
            in_time(browser, "POST", world.path(route), data=BROKEN[5], content_type=kind)


@pytest.mark.parametrize("kind", [FORM, "multipart/form-data; boundary=x", "application/json", "text/plain"])
def test_more_than_3_mb_is_413_at_every_address(world: World, kind: str) -> None:
    length = 3 * 1024 * 1024 + 1
    for route in posting():
        status, page = called(world.path(route), CONTENT_TYPE=kind, CONTENT_LENGTH=str(length), body=b"x" * length)
        assert (status, b"3 MB" in page) == (413, True), route.name


def called(path: str, *, body: bytes, **environ: str) -> tuple[int, bytes]:
    """Asked as a web server asks; the test's own client hands over a body that may not be read past its end."""
    seen: list[str] = []

    def start(status: str, headers: object, error: object = None, /) -> Callable[[bytes], object]:
        seen.append(status)
        return bytes

    asked = RequestFactory()._base_environ(REQUEST_METHOD="POST", PATH_INFO=path, **environ)  # type: ignore[attr-defined]
    answer = Application()(asked | {"wsgi.input": io.BytesIO(body)}, start)
    return int(seen[0].split()[0]), b"".join(answer)


MARK = "not-offered-here"


def columns() -> dict[str, str]:
    """A field for each column that any of our rows has, all saying the same."""
    ours = [model for model in apps.get_models() if model.__module__.startswith("portico.")]
    return {field.attname: MARK for model in ours for field in model._meta.concrete_fields}


def rows_with_the_mark() -> list[str]:
    ours = [model for model in apps.get_models() if model.__module__.startswith(("portico.", "allauth."))]
    return [f"{model.__name__}: {row}" for model in ours for row in model._base_manager.values() if MARK in str(row)]


@pytest.mark.parametrize("visitor", ["nobody", "the client"])
def test_what_a_page_for_clients_does_not_offer_is_never_stored(world: World, visitor: str) -> None:
    browser, forms, stored = world.browsers[visitor], forms_of(world, visitor), []
    assert forms
    for path, form in forms.items():
        more = {name: value for name, value in columns().items() if name not in form.fields}
        with undone(browser):
            answer = browser.post(path, form.fields | more)
            stored += [f"{path}: {row}" for row in rows_with_the_mark()]
        assert answer.status_code < 500, path
    assert stored == []
