"""Secrets at rest: AES-256-GCM under the first of FIELD_KEYS, bound to what they belong to."""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

_FORM = b"\x01"
_NONCE_LENGTH = 12
# Form, length of the key's id, nonce and tag, around a secret of no length.
_SHORTEST = 2 + _NONCE_LENGTH + 16


class DecryptionFailed(Exception):
    """The key is unknown, the box was changed, or it belongs to something else."""


def encrypt(plain: bytes, *, bound_to: str) -> bytes:
    """A box that opens only for the same `bound_to` ("stripe key of practice 41")."""
    key_id = next(iter(settings.FIELD_KEYS))
    head = _head(key_id)
    nonce = secrets.token_bytes(_NONCE_LENGTH)
    return head + nonce + AESGCM(settings.FIELD_KEYS[key_id]).encrypt(nonce, plain, head + bound_to.encode())


def decrypt(box: bytes, *, bound_to: str) -> bytes:
    """What was encrypted. Raises Undecipherable, which never says what was inside."""
    box = bytes(box)  # PostgreSQL gives a memoryview.
    if len(box) < 2 or box[:1] != _FORM:
        raise DecryptionFailed("not a box of ours")
    rest = 2 + box[1]
    head, nonce, sealed = box[:rest], box[rest : rest + _NONCE_LENGTH], box[rest + _NONCE_LENGTH :]
    key_id = head[2:].decode("utf-8", "replace")
    key = settings.FIELD_KEYS.get(key_id)
    if key is None:
        raise DecryptionFailed(f"FIELD_KEYS has no key {key_id!r}")
    try:
        return AESGCM(key).decrypt(nonce, sealed, head + bound_to.encode())
    except (InvalidTag, ValueError) as error:
        raise DecryptionFailed("the box does not open") from error


def key_id_of(box: bytes) -> str | None:
    """The id of the key that a box was made with; None for what is no box of ours."""
    if len(box) < 2 or box[:1] != _FORM or len(box) < _SHORTEST + box[1]:
        return None
    name = box[2 : 2 + box[1]]
    # Ids are letters and digits (configuration.FIELD_KEYS); anything else begins like a box by chance.
    return name.decode("ascii") if name.isalnum() else None


def _head(key_id: str) -> bytes:
    name = key_id.encode()
    return _FORM + bytes([len(name)]) + name
