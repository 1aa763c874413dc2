"""What several of the plumbing's tests ask for."""

import pytest

from portico.plumbing import emails
from tests.plumbing.letters import Note


@pytest.fixture
def note(monkeypatch: pytest.MonkeyPatch) -> Note:
    """A kind of mail, registered for this test."""
    composer = Note()
    monkeypatch.setitem(emails._composers, "note", composer)
    return composer
