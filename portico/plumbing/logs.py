"""The log: one JSON line per entry, whatever the entry holds, without addresses, link tokens or card numbers."""

import json
import logging
import math
import re
from datetime import UTC, datetime

from portico.plumbing.security import card_numbers

# What every record has; anything else came by `extra`.
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
# A link's token is 43 signs of base64 (tokens.new_token): nobody who reads the log may sign in. A link that was copied
# carelessly has letters before or behind it.
_TOKEN = re.compile(r"[\w-]{43,}")
# Errors of databases and mail servers quote what they refused.
# It begins only where a word begins, and never goes back: else a long word would cost its length squared.
_ADDRESS = re.compile(r"""(?<![^\s@<>"'(),;:=\[\]])[^\s@<>"'(),;:=\[\]]++@[^\s@<>"'(),;:=\[\]]++""")
_LONGEST = 20_000


class JsonFormatter(logging.Formatter):
    """For `settings.LOGGING`."""

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
        # ASCII: no line separator, no half surrogate can break the line.
        return json.dumps(entry, ensure_ascii=True, allow_nan=False)


def redacted(text: str) -> str:
    """Without link tokens, e-mail addresses and card numbers, and not endless."""
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}… ({len(text)} signs)"
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
