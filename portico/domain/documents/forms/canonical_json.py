"""The canonical form of JSON, and its digest: equal content has equal bytes, whatever database stored it."""

import hashlib
import json


def canonical(value: object) -> bytes:
    """Returns the value as JSON in UTF-8: sorted keys, no spaces, and whole numbers without a fraction.

    PostgreSQL's jsonb keeps neither the order of keys nor a negative zero. Raises ValueError for NaN and infinity.
    """
    plain = _plain(value)
    return json.dumps(plain, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def digest(value: object) -> str:
    """Returns the SHA-256 of the canonical JSON, in hex."""
    return hashlib.sha256(canonical(value)).hexdigest()


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
