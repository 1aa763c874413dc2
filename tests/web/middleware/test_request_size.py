"""Requests that are too large, or of unknown length, are refused."""

import pytest
from django.test import Client as Browser
from django.urls import reverse

from portico.web.http import body_limits
from tests.web.middleware.wsgi_requests import post

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.web.failures")]

MAX_BYTES = 3 * 1024 * 1024


def test_body_over_3_mb_is_refused() -> None:
    status, page = post(b"x" * (MAX_BYTES + 1), CONTENT_LENGTH=str(MAX_BYTES + 1))
    assert status == 413
    assert b"3 MB" in page


@pytest.mark.parametrize(
    "path",
    [
        *("/office/nope/upload/", "/portal/nope/upload/", "/portal/alder-street/home/upload/"),
        *(f"/office/settings/documents/{each}/" for each in ("new", "import", "starter-set")),
    ],
)
def test_only_the_pages_that_take_files_take_25_mb(path: str) -> None:
    where = {"PATH_INFO": path, "CONTENT_TYPE": "multipart/form-data; boundary=x"}
    assert post(b"", CONTENT_LENGTH=str(20 * 1024 * 1024), **where)[0] == 413


def test_each_page_that_takes_files_takes_25_mb() -> None:
    urls = "portico.urls"
    for path in (
        reverse("portal:upload", urls, kwargs={"slug": "alder-street", "ref": "a1"}),
        reverse("office:shareable_document", urls, args=["a1"]),
        reverse("office:document_publication", urls, args=["a1"]),
        reverse("office:document_check", urls),
        reverse("office:new_paper_signature", urls, args=["a1"]),
        reverse("office:paper_signature", urls, args=["a1", "b1"]),
    ):
        assert body_limits.limit_of(path) == body_limits.UPLOAD_BYTES


def test_body_of_exactly_3_mb_is_accepted() -> None:
    assert post(b"name=" + b"x" * (MAX_BYTES - 5), CONTENT_LENGTH=str(MAX_BYTES))[0] == 200


@pytest.mark.parametrize("length", ["-1", "many", "1.5", "٣", "+4"])
def test_malformed_content_length_is_refused(length: str) -> None:
    assert post(b"name=Ana", CONTENT_LENGTH=length)[0] == 400


def test_content_length_of_5000_digits_is_too_large() -> None:
    assert post(b"x", CONTENT_LENGTH="9" * 5000)[0] == 413


def test_more_than_the_maximum_of_fields_is_refused(client: Browser) -> None:
    assert client.get("/read/?" + "a=1&" * 600).status_code == 400
