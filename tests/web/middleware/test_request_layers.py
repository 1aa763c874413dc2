"""What is on every answer, and what is not even looked at."""

import io
import json
import logging
from collections.abc import Callable
from typing import Any, cast

import pytest
from django.test import Client as Browser
from django.test import RequestFactory
from pytest_django import Settings

from portico.domain.practices.models import Practice
from portico.plumbing.logs import JsonFormatter
from portico.web.http.request_decoding import Application
from portico.web.middleware.request_layers import SIGNS

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.web.failures")]

MOST = 3 * 1024 * 1024
FORM = "application/x-www-form-urlencoded"
HEADERS = {
    "Content-Security-Policy",
    "Cross-Origin-Opener-Policy",
    "Cross-Origin-Resource-Policy",
    "Permissions-Policy",
    "Referrer-Policy",
    "X-Content-Type-Options",
    "X-Frame-Options",
}


def call(**environ: Any) -> tuple[int, bytes]:  # Any: what a web server hands over.
    """Calls the application as a web server does; its status and body."""
    seen: list[str] = []

    def start(status: str, headers: object, error: object = None, /) -> Callable[[bytes], object]:
        seen.append(status)
        return bytes

    answer = Application()(cast(Any, RequestFactory())._base_environ() | environ, start)
    return int(seen[0].split()[0]), b"".join(answer)


def post(body: bytes, **environ: Any) -> tuple[int, bytes]:  # Any: as above.
    source = io.BytesIO(body)
    posted = {"REQUEST_METHOD": "POST", "PATH_INFO": "/echo/", "CONTENT_TYPE": FORM, "wsgi.input": source}
    return call(**posted | environ)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("get", "/office/sign-in/", 200),
        ("get", "/office/clients/", 302),
        ("get", "/nowhere/", 404),
        ("put", "/office/sign-in/", 405),
        ("get", "/office/set-up/", 410),
        ("get", "/read/?x=%00", 400),
        ("get", "/trouble/forbidden/", 403),
        ("get", "/trouble/too-many/", 429),
        ("get", "/trouble/mistake/", 500),
        ("get", "/trouble/away/", 503),
        ("get", "/healthz", 200),
    ],
)
def test_every_answer_carries_all_security_headers(client: Browser, method: str, path: str, status: int) -> None:
    client.raise_request_exception = False
    response = getattr(client, method)(path)
    assert response.status_code == status
    assert set(response.headers) >= HEADERS
    assert response["Cache-Control"] == "no-store"
    # With `no-referrer` a browser would send `Origin: null` with the page's own form, which would be refused.
    assert response["Referrer-Policy"] == "same-origin"
    assert "unsafe" not in response["Content-Security-Policy"]


def test_an_https_base_sends_hsts_also_behind_a_proxy_that_says_nothing(client: Browser, settings: Settings) -> None:
    settings.SECURE_HSTS_SECONDS = 31_536_000
    assert client.get("/healthz")["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


@pytest.mark.django_db
def test_nobody_is_sent_to_https_by_us(client: Browser, practice: Practice, settings: Settings) -> None:
    """That is the proxy's: from here, behind one that speaks plain http to us, it would go round for ever."""
    settings.SECURE_HSTS_SECONDS = 31_536_000
    assert client.get("/portal/alder-street/", HTTP_X_FORWARDED_PROTO="http").status_code == 200


def test_no_answer_names_a_software(client: Browser) -> None:
    response = client.get("/nowhere/")
    words = f"{response.headers} {response.content.decode()}".lower()
    assert not any(name in words for name in ("granian", "django", "whitenoise", "python"))


def test_the_page_shows_the_reference_that_the_log_has(client: Browser, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="portico"):
        page = client.get("/nowhere/").content.decode()
    (line,) = [record for record in caplog.records if record.getMessage() == "request.finished"]
    entry = json.loads(JsonFormatter().format(line))
    assert entry["reference"] in page
    assert (entry["method"], entry["path"], entry["status"]) == ("GET", "/nowhere/", 404)


def test_references_are_not_guessed(client: Browser, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="portico"):
        for _ in range(3):
            client.get("/healthz")
    references = {vars(record)["reference"] for record in caplog.records if "reference" in vars(record)}
    assert len(references) == 3
    assert all(set(reference) <= {*SIGNS, "-"} and len(reference) == 11 for reference in references)


def test_a_link_token_does_not_reach_the_log(client: Browser, caplog: pytest.LogCaptureFixture) -> None:
    token = "A" * 43
    with caplog.at_level(logging.INFO):
        client.get(f"/office/set-up/{token}/")
        client.get(f"/nowhere/{token}/")
    assert not any(token in JsonFormatter().format(record) for record in caplog.records)


def test_what_is_over_3_mb_is_refused() -> None:
    status, page = post(b"x" * (MOST + 1), CONTENT_LENGTH=str(MOST + 1))
    assert status == 413
    assert b"3 MB" in page


def test_exactly_3_mb_is_taken() -> None:
    assert post(b"name=" + b"x" * (MOST - 5), CONTENT_LENGTH=str(MOST))[0] == 200


@pytest.mark.parametrize("length", ["-1", "many", "1.5", "٣", "+4"])
def test_a_senseless_length_is_refused(length: str) -> None:
    assert post(b"name=Ana", CONTENT_LENGTH=length)[0] == 400


def test_a_length_without_end_is_too_large() -> None:
    assert post(b"x", CONTENT_LENGTH="9" * 5000)[0] == 413


@pytest.mark.parametrize("body", [b"name=%ED%A0%80", b"name=\xff", b"na%C3me=Ana"])
def test_half_characters_in_a_form_are_refused_and_not_replaced(body: bytes) -> None:
    assert post(body, CONTENT_LENGTH=str(len(body)))[0] == 400


def in_parts(value: bytes) -> tuple[int, bytes]:
    body = b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n' + value + b"\r\n--x--\r\n"
    return post(body, CONTENT_TYPE="multipart/form-data; boundary=x", CONTENT_LENGTH=str(len(body)))


@pytest.mark.parametrize("value", [b"\xed\xa0\x80", b"Ana \xff", b"\xc3", b"\xef\xbf\xbd and \xff"])
def test_half_characters_in_a_form_with_files_are_refused_and_not_replaced(value: bytes) -> None:
    assert in_parts(value)[0] == 400


def test_a_sign_of_replacement_that_was_typed_is_taken_as_typed() -> None:
    assert in_parts("Ana \ufffd".encode()) == (200, "[('name', 'Ana \ufffd')]".encode())


def test_half_a_form_is_not_taken_for_a_whole_one() -> None:
    assert post(b"name=Ana", CONTENT_LENGTH="20")[0] == 400


@pytest.mark.parametrize(
    "address",
    ["/read/?q=%00", "/read/?%00=1", "/read/?q=%ED%A0%80", "/read/?q=%FF", "/office/clients/a%00b/", "/%00"],
)
def test_what_no_database_stores_is_refused_in_addresses(client: Browser, address: str) -> None:
    assert client.get(address).status_code == 400


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain; charset=hex",
        "application/x-www-form-urlencoded; charset=utf-16",
        "text/html; charset*=foo''bar",
        "text/html; charset=no-such",
        "a;" * 6000,
    ],
)
def test_a_charset_that_is_not_ours_is_refused_by_a_page(content_type: str) -> None:
    status, page = call(REQUEST_METHOD="GET", PATH_INFO="/read/", QUERY_STRING="q=1", CONTENT_TYPE=content_type)
    assert status == 400
    assert "We couldn’t read that" in page.decode()


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", "utf8"])
def test_utf_8_is_taken(charset: str) -> None:
    status, page = post(b"name=%C3%89mile", CONTENT_TYPE=f"{FORM}; charset={charset}", CONTENT_LENGTH="15")
    assert (status, page.decode()) == (200, "[('name', 'Émile')]")


def test_more_fields_than_any_form_has_are_refused(client: Browser) -> None:
    assert client.get("/read/?" + "a=1&" * 600).status_code == 400


def test_an_unknown_host_is_refused(client: Browser) -> None:
    assert client.get("/office/sign-in/", HTTP_HOST="evil.example").status_code == 400
