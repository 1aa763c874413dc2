"""Requests that cannot be decoded as UTF-8, or are incomplete, are refused."""

import pytest
from django.test import Client as Browser

from tests.web.middleware.wsgi_requests import FORM, call, post

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.web.failures")]


@pytest.mark.parametrize("body", [b"name=%ED%A0%80", b"name=\xff", b"na%C3me=Ana"])
def test_malformed_utf8_in_a_form_is_refused(body: bytes) -> None:
    assert post(body, CONTENT_LENGTH=str(len(body)))[0] == 400


def post_multipart(value: bytes) -> tuple[int, bytes]:
    body = b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n' + value + b"\r\n--x--\r\n"
    return post(body, CONTENT_TYPE="multipart/form-data; boundary=x", CONTENT_LENGTH=str(len(body)))


@pytest.mark.parametrize("value", [b"\xed\xa0\x80", b"Ana \xff", b"\xc3", b"\xef\xbf\xbd and \xff"])
def test_malformed_utf8_in_a_multipart_form_is_refused(value: bytes) -> None:
    assert post_multipart(value)[0] == 400


def test_typed_replacement_character_is_accepted() -> None:
    assert post_multipart("Ana \ufffd".encode()) == (200, "[('name', 'Ana \ufffd')]".encode())


def test_incomplete_body_is_refused() -> None:
    assert post(b"name=Ana", CONTENT_LENGTH="20")[0] == 400


@pytest.mark.parametrize(
    "address",
    ["/read/?q=%00", "/read/?%00=1", "/read/?q=%ED%A0%80", "/read/?q=%FF", "/office/clients/a%00b/", "/%00"],
)
def test_unstorable_characters_in_a_url_are_refused(client: Browser, address: str) -> None:
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
def test_other_charsets_are_refused_with_a_page(content_type: str) -> None:
    status, page = call(REQUEST_METHOD="GET", PATH_INFO="/read/", QUERY_STRING="q=1", CONTENT_TYPE=content_type)
    assert status == 400
    assert "Invalid request" in page.decode()


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", "utf8"])
def test_utf_8_is_accepted(charset: str) -> None:
    status, page = post(b"name=%C3%89mile", CONTENT_TYPE=f"{FORM}; charset={charset}", CONTENT_LENGTH="15")
    assert (status, page.decode()) == (200, "[('name', 'Émile')]")


def upload(body: bytes, length: int | None = None) -> tuple[int, bytes]:
    form = "multipart/form-data; boundary=x"
    where = {"PATH_INFO": "/office/settings/documents/x/", "CONTENT_TYPE": form}
    return post(body, CONTENT_LENGTH=str(length or len(body)), **where)


def test_incomplete_upload_is_refused() -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.pdf"\r\n\r\n' + b"%PDF" * 1000
    assert upload(body, len(body) + 20)[0] == 400
    # The page refuses it, which has no token.
    assert upload(body + b"\r\n--x--\r\n")[0] == 403


def test_malformed_utf8_in_a_field_of_an_upload_is_refused() -> None:
    assert upload(b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\r\n--x--\r\n')[0] == 400
