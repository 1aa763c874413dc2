"""Encryption at rest: AES-256-GCM with the first of FIELD_KEYS, bound to the owner of the value."""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

_VERSION = b"\x01"
_NONCE_LENGTH = 12
# Version, length of the key id, nonce and tag, around an empty value.
_MIN_LENGTH = 2 + _NONCE_LENGTH + 16


class DecryptionFailed(Exception):
    """The key is unknown, the ciphertext was changed, or it is bound to something else."""


def encrypt(plain: bytes, *, bound_to: str) -> bytes:
    """Returns a ciphertext that decrypts only with the same `bound_to` ("stripe key of practice 41")."""
    key_id = next(iter(settings.FIELD_KEYS))
    head = _head(key_id)
    nonce = secrets.token_bytes(_NONCE_LENGTH)
    return head + nonce + AESGCM(settings.FIELD_KEYS[key_id]).encrypt(nonce, plain, head + bound_to.encode())


def decrypt(box: bytes, *, bound_to: str) -> bytes:
    """Returns the plaintext. Raises DecryptionFailed, whose message holds nothing of it."""
    box = bytes(box)  # PostgreSQL returns a memoryview.
    if len(box) < 2 or box[:1] != _VERSION:
        raise DecryptionFailed("not a ciphertext of ours")
    nonce_at = 2 + box[1]
    sealed_at = nonce_at + _NONCE_LENGTH
    head, nonce, sealed = box[:nonce_at], box[nonce_at:sealed_at], box[sealed_at:]
    key_id = head[2:].decode("utf-8", "replace")
    key = settings.FIELD_KEYS.get(key_id)
    if key is None:
        raise DecryptionFailed(f"FIELD_KEYS has no key {key_id!r}")
    try:
        return AESGCM(key).decrypt(nonce, sealed, head + bound_to.encode())
    except (InvalidTag, ValueError) as error:
        raise DecryptionFailed("the ciphertext does not decrypt") from error


def key_id_of(box: bytes) -> str | None:
    """Returns the id of the key of a ciphertext; None for any other bytes."""
    if len(box) < 2 or box[:1] != _VERSION or len(box) < _MIN_LENGTH + box[1]:
        return None
    name = box[2 : 2 + box[1]]
    # Ids are letters and digits (configuration.py); other bytes begin like a ciphertext by chance.
    return name.decode("ascii") if name.isalnum() else None


def _head(key_id: str) -> bytes:
    name = key_id.encode()
    return _VERSION + bytes([len(name)]) + name
