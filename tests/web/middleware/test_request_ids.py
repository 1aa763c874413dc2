"""Each request has a reference, which its log line and its error page show."""

import json
import logging

import pytest
from django.test import Client as Browser

from portico.plumbing.logs import JsonFormatter
from portico.web.middleware.request_ids import REFERENCE_CHARACTERS

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.web.failures")]


def test_error_page_shows_the_reference_in_the_log(client: Browser, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="portico"):
        page = client.get("/nowhere/").content.decode()
    (record,) = [each for each in caplog.records if each.getMessage() == "request.finished"]
    entry = json.loads(JsonFormatter().format(record))
    assert entry["reference"] in page
    assert (entry["method"], entry["path"], entry["status"]) == ("GET", "/nowhere/", 404)


def test_references_are_random(client: Browser, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="portico"):
        for _ in range(3):
            client.get("/healthz")
    references = {vars(record)["reference"] for record in caplog.records if "reference" in vars(record)}
    assert len(references) == 3
    assert all(set(reference) <= {*REFERENCE_CHARACTERS, "-"} and len(reference) == 11 for reference in references)


def test_link_tokens_are_not_logged(client: Browser, caplog: pytest.LogCaptureFixture) -> None:
    token = "A" * 43
    with caplog.at_level(logging.INFO):
        client.get(f"/office/set-up/{token}/")
        client.get(f"/nowhere/{token}/")
    assert not any(token in JsonFormatter().format(record) for record in caplog.records)
