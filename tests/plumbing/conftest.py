"""What several of the plumbing's tests ask for."""

import pytest

from portico.plumbing.mail import outbox
from tests.plumbing.mail_messages import Note


@pytest.fixture
def note(monkeypatch: pytest.MonkeyPatch) -> Note:
    """A kind of mail, registered for this test."""
    composer = Note()
    monkeypatch.setitem(outbox._composers, "note", composer)
    return composer
