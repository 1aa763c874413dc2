"""Fixtures of several tests of the plumbing."""

import pytest

from portico.plumbing.mail import outbox
from tests.plumbing.mail_messages import Note


@pytest.fixture
def note(monkeypatch: pytest.MonkeyPatch) -> Note:
    """A kind of mail that is registered for one test."""
    composer = Note()
    monkeypatch.setitem(outbox._composers, "note", composer)
    return composer
