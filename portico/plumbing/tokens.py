"""Opaque refs, secret tokens, and tokens derived from a row and a server key."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterator

from django.conf import settings


class KeyMissing(Exception):
    """None of the known keys gives the stored digest of this token."""


def new_ref() -> str:
    """Returns an identifier for a row in a URL: 80 random bits as 16 characters of lower-case base32."""
    return base64.b32encode(secrets.token_bytes(10)).decode("ascii").lower()


def new_token() -> str:
    """Returns 256 random bits, safe in a URL: 43 characters, no padding."""
    return secrets.token_urlsafe(32)


def new_nonce() -> bytes:
    """Returns a nonce for a row to store, from which its token can be derived again."""
    return secrets.token_bytes(16)


def digest(token: str) -> str:
    """Returns the form in which a token is stored: its SHA-256 in hex, enough for a token of 256 bits."""
    # A token from outside may hold a lone surrogate; it must not match, and not crash.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def derive(nonce: bytes, *, purpose: str, key: str | None = None) -> str:
    """Returns the token of a row, always the same for this nonce, purpose and key (by default SECRET_KEY)."""
    return _base64url(_keyed(nonce, purpose=purpose, key=settings.SECRET_KEY if key is None else key))


def derive_each(nonce: bytes, *, purpose: str) -> Iterator[str]:
    """Yields the token of a row under each known key, the current one first."""
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        yield derive(nonce, purpose=purpose, key=key)


def derive_matching(nonce: bytes, *, purpose: str, digest: str) -> str:
    """Returns the token with the stored digest, even if SECRET_KEY was rotated since. Raises KeyMissing."""
    for token in derive_each(nonce, purpose=purpose):
        if hmac.compare_digest(_digest(token), digest):
            return token
    raise KeyMissing(purpose)


def fingerprint(text: str, *, purpose: str) -> str:
    """Returns a short keyed digest of a personal value that is only compared for equality (rate limits)."""
    key = settings.SECRET_KEY
    return _keyed(text.encode("utf-8", "surrogatepass"), purpose=purpose, key=key)[:16].hex()


def keyed_digest(text: str, *, purpose: str, key: str | None = None) -> str:
    """Returns the form in which a guessable secret (a PIN) is stored: HMAC-SHA-256 in hex, useless without the key."""
    message = text.encode("utf-8", "surrogatepass")
    return _keyed(message, purpose=purpose, key=settings.SECRET_KEY if key is None else key).hex()


def matches(text: str, *, purpose: str, digest: str) -> bool:
    """Returns True if the text has the stored keyed digest, even if SECRET_KEY was rotated since.

    Takes constant time: every known key is tried, even after a match.
    """
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    results = [hmac.compare_digest(keyed_digest(text, purpose=purpose, key=key), digest) for key in keys]
    return any(results)


def _keyed(message: bytes, *, purpose: str, key: str) -> bytes:
    # Each purpose has its own key, so that a token of one kind is never valid as another.
    purpose_key = hmac.digest(key.encode(), b"portico " + purpose.encode(), "sha256")
    return hmac.digest(purpose_key, message, "sha256")


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


_digest = digest  # A parameter of `derive_matching` has the same name.
