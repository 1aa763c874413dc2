"""JSON logging: one line per record, without email addresses, link tokens or card numbers."""

import json
import logging
import math
import re
from datetime import UTC, datetime

from portico.plumbing.security import card_numbers

# The attributes of every record; others were passed as `extra`.
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
# A link's token is 43 characters of base64 (tokens.new_token); readers of the log must not be able to sign in with it.
# More characters may surround it in a carelessly copied link.
_TOKEN = re.compile(r"[\w-]{43,}")
# Errors of databases and mail servers quote addresses. The pattern matches only at the start of a word and does not
# backtrack: else a long word would take quadratic time.
_ADDRESS = re.compile(r"""(?<![^\s@<>"'(),;:=\[\]])[^\s@<>"'(),;:=\[\]]++@[^\s@<>"'(),;:=\[\]]++""")
_MAX_LENGTH = 20_000


class JsonFormatter(logging.Formatter):
    """The formatter for `settings.LOGGING`."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": redacted(_message(record)),
        }
        for name, value in record.__dict__.items():
            if name not in _STANDARD and name not in entry:
                entry[name] = _plain(value)
        if record.exc_info and record.exc_info[0] is not None:
            entry["error"] = redacted(self.formatException(record.exc_info))
        # ASCII, so that no line separator or lone surrogate breaks the line.
        return json.dumps(entry, ensure_ascii=True, allow_nan=False)


def redacted(text: str) -> str:
    """Returns the text without link tokens, email addresses and card numbers, limited in length."""
    if len(text) > _MAX_LENGTH:
        text = f"{text[:_MAX_LENGTH]}… ({len(text)} characters)"
    return card_numbers.redacted(_ADDRESS.sub("[address]", _TOKEN.sub("[token]", text)), "[card]")


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):  # A library's message that does not fit its arguments.
        return f"{record.msg} {record.args!r}"


def _plain(value: object, depth: int = 3) -> object:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict) and depth:
        return {redacted(str(name)): _plain(inner, depth - 1) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset) and depth:
        return [_plain(inner, depth - 1) for inner in value]
    return redacted(str(value))
