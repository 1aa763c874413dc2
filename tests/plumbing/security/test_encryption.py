"""Encryption: a ciphertext is decrypted only with its key and for its own row."""

import pytest
from pytest_django import Settings

from portico.plumbing.security import encryption
from portico.plumbing.security.encryption import DecryptionFailed

SECRET = b"sk_live_1234"


def test_decryption_returns_the_plaintext() -> None:
    box = encryption.encrypt(SECRET, bound_to="practice:1")

    assert encryption.decrypt(box, bound_to="practice:1") == SECRET
    assert encryption.decrypt(memoryview(box), bound_to="practice:1") == SECRET  # type: ignore[arg-type]  # As PostgreSQL gives it.
    assert SECRET not in box
    assert encryption.encrypt(SECRET, bound_to="practice:1") != box


def test_a_ciphertext_copied_to_another_row_fails() -> None:
    box = encryption.encrypt(SECRET, bound_to="practice:1")

    with pytest.raises(DecryptionFailed):
        encryption.decrypt(box, bound_to="practice:2")


def test_a_changed_ciphertext_fails() -> None:
    box = encryption.encrypt(SECRET, bound_to="practice:1")

    for place in range(len(box)):
        changed = box[:place] + bytes([box[place] ^ 1]) + box[place + 1 :]
        with pytest.raises(DecryptionFailed):
            encryption.decrypt(changed, bound_to="practice:1")


@pytest.mark.parametrize("box", [b"", b"\x01", b"\x02\x02t1", b"\x01\x02t1", b"\x01\x02t1short", b"\x01\xfft1"])
def test_other_bytes_fail(box: bytes) -> None:
    with pytest.raises(DecryptionFailed):
        encryption.decrypt(box, bound_to="practice:1")


def test_older_keys_still_decrypt(settings: Settings) -> None:
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
