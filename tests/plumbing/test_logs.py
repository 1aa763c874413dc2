"""Log entries: one JSON line each, without secrets or addresses."""

import io
import json
import logging
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.plumbing import tokens
from portico.plumbing.logs import JsonFormatter


def _line(message: object, *arguments: object, **extra: object) -> str:
    kept = io.StringIO()
    handler = logging.StreamHandler(kept)
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("portico.test")
    record = logger.makeRecord(logger.name, logging.INFO, __file__, 1, message, arguments, sys.exc_info(), extra=extra)
    handler.handle(record)
    return kept.getvalue()


def _entry(message: object, *arguments: object, **extra: object) -> dict[str, object]:
    line = _line(message, *arguments, **extra)
    assert line.endswith("\n")
    assert len(line.splitlines()) == 1
    entry: dict[str, object] = json.loads(line)
    return entry


def _fail(text: str) -> None:
    raise ValueError(text)


def test_an_entry_has_event_logger_and_time() -> None:
    entry = _entry("invoice.issued", invoice=41)

    assert (entry["event"], entry["invoice"], entry["level"], entry["logger"]) == (
        "invoice.issued",
        41,
        "info",
        "portico.test",
    )
    assert str(entry["at"]).endswith("+00:00")


@given(st.text(), st.recursive(st.none() | st.floats() | st.text() | st.binary(), st.lists))
def test_any_input_becomes_one_json_line(message: str, value: object) -> None:
    _entry("%s", message, value=value)


@pytest.mark.parametrize("text", ["a\nb", "a\r\nb", "a\u2028b\x85c", "\ud800", "\x00", '"}\n{"', float("nan"), b"\xff"])
def test_no_character_breaks_the_line(text: object) -> None:
    assert "event" in _entry(text, value=text, nested={"inner": [text, {"deep": {"deeper": {"deepest": text}}}]})


def test_a_message_with_wrong_arguments_is_logged() -> None:
    assert _entry("%d of %d", "three")["event"] == "%d of %d ('three',)"


def test_no_link_token_reaches_the_log() -> None:
    token = tokens.new_token()
    try:
        _fail(f"/portal/alder-street/link/{token}/")
    except ValueError:
        line = _line("Not Found: /portal/alder-street/link/%s/?x=1", token, path=f"/link/{token}", parts=[token])

    assert token not in line
    assert json.loads(line)["event"] == "Not Found: /portal/alder-street/link/[token]/?x=1"


def test_email_addresses_in_traces_are_redacted() -> None:
    try:
        _fail('duplicate key: Key (email)=(ana.avery@example.org) exists; "Ana" <ana@example.org>')
    except ValueError:
        line = _line("mail.refused", detail="550 <ana@example.org> unknown")

    assert "@example.org" not in line
    assert "ValueError" in json.loads(line)["error"]


def test_the_length_of_an_entry_is_limited() -> None:
    assert len(_line("x" * 5_000_000)) < 30_000
