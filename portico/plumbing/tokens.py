"""Opaque refs, secret tokens, and tokens derived from a row and a server key."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterator

from django.conf import settings


class KeyMissing(Exception):
    """No key that the installation still knows gives the token of this row."""


def new_ref() -> str:
    """A name for a row in an address: 80 random bits as 16 signs of lower-case base32."""
    return base64.b32encode(secrets.token_bytes(10)).decode("ascii").lower()


def new_token() -> str:
    """256 random bits, safe in an address: 43 signs, no padding."""
    return secrets.token_urlsafe(32)


def new_nonce() -> bytes:
    """What a row keeps so that its token can be derived again."""
    return secrets.token_bytes(16)


def digest(token: str) -> str:
    """What is stored of a token: its SHA-256 in hex. Enough, since the token has 256 bits."""
    # A stranger's token may hold what is no text at all (a lone surrogate); it must miss, not crash.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def derive(nonce: bytes, *, purpose: str, key: str | None = None) -> str:
    """The token of a row, always the same for this nonce, purpose and key (SECRET_KEY unless given)."""
    return _address_safe(_keyed(nonce, purpose=purpose, key=settings.SECRET_KEY if key is None else key))


def derive_each(nonce: bytes, *, purpose: str) -> Iterator[str]:
    """The token of a row under each key that is known, the present one first."""
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        yield derive(nonce, purpose=purpose, key=key)


def derive_matching(nonce: bytes, *, purpose: str, digest: str) -> str:
    """The token whose digest was stored, also when SECRET_KEY was changed since. Raises KeyLost."""
    for token in derive_each(nonce, purpose=purpose):
        if hmac.compare_digest(_digest(token), digest):
            return token
    raise KeyMissing(purpose)


def fingerprint(text: str, *, purpose: str) -> str:
    """A short keyed digest of something personal, where only equality is ever asked (limits)."""
    key = settings.SECRET_KEY
    return _keyed(text.encode("utf-8", "surrogatepass"), purpose=purpose, key=key)[:16].hex()


def keyed_digest(text: str, *, purpose: str, key: str | None = None) -> str:
    """What is stored of a secret short enough to guess (a PIN): HMAC-SHA-256 in hex, worthless without the key."""
    message = text.encode("utf-8", "surrogatepass")
    return _keyed(message, purpose=purpose, key=settings.SECRET_KEY if key is None else key).hex()


def matches(text: str, *, purpose: str, digest: str) -> bool:
    """Whether the stored keyed digest is that of the text, also when SECRET_KEY was changed since.

    In constant time: every key that is known is tried, whatever the first one says.
    """
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    found = [hmac.compare_digest(keyed_digest(text, purpose=purpose, key=key), digest) for key in keys]
    return any(found)


def _keyed(message: bytes, *, purpose: str, key: str) -> bytes:
    # A key of its own for each purpose: a token of one kind is never good as another.
    own_key = hmac.digest(key.encode(), b"portico " + purpose.encode(), "sha256")
    return hmac.digest(own_key, message, "sha256")


def _address_safe(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


_digest = digest  # The keyword of `derive_matching` has the same name.
