"""Secrets at rest open with their key, for what they belong to, and for nothing else."""

import pytest
from pytest_django import Settings

from portico.plumbing.security import encryption
from portico.plumbing.security.encryption import DecryptionFailed

SECRET = b"sk_live_1234"


def test_a_secret_comes_back() -> None:
    box = encryption.encrypt(SECRET, bound_to="practice:1")

    assert encryption.decrypt(box, bound_to="practice:1") == SECRET
    assert encryption.decrypt(memoryview(box), bound_to="practice:1") == SECRET  # type: ignore[arg-type]  # As PostgreSQL gives it.
    assert SECRET not in box
    assert encryption.encrypt(SECRET, bound_to="practice:1") != box


def test_a_box_copied_to_another_row_does_not_open() -> None:
    box = encryption.encrypt(SECRET, bound_to="practice:1")

    with pytest.raises(DecryptionFailed):
        encryption.decrypt(box, bound_to="practice:2")


def test_a_changed_box_does_not_open() -> None:
    box = encryption.encrypt(SECRET, bound_to="practice:1")

    for place in range(len(box)):
        changed = box[:place] + bytes([box[place] ^ 1]) + box[place + 1 :]
        with pytest.raises(DecryptionFailed):
            encryption.decrypt(changed, bound_to="practice:1")


@pytest.mark.parametrize("box", [b"", b"\x01", b"\x02\x02t1", b"\x01\x02t1", b"\x01\x02t1short", b"\x01\xfft1"])
def test_what_is_no_box_does_not_open(box: bytes) -> None:
    with pytest.raises(DecryptionFailed):
        encryption.decrypt(box, bound_to="practice:1")


def test_the_first_key_encrypts_and_older_ones_still_open(settings: Settings) -> None:
    old = encryption.encrypt(SECRET, bound_to="practice:1")
    settings.FIELD_KEYS = {"next": b"k" * 32} | settings.FIELD_KEYS
    new = encryption.encrypt(SECRET, bound_to="practice:1")

    assert b"next" in new
    assert encryption.decrypt(old, bound_to="practice:1") == SECRET
    assert encryption.decrypt(new, bound_to="practice:1") == SECRET


def test_a_missing_key_is_named(settings: Settings) -> None:
    box = encryption.encrypt(SECRET, bound_to="practice:1")
    (lost,) = settings.FIELD_KEYS
    settings.FIELD_KEYS = {"next": b"k" * 32}

    with pytest.raises(DecryptionFailed, match=lost):
        encryption.decrypt(box, bound_to="practice:1")
