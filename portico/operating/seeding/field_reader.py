"""Reads typed values from a seed file; each error names its place in the file."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from django.db.models import TextChoices

from portico.plumbing.text.input_validation import clean_line, clean_text, is_unstorable
from portico.plumbing.text.mailboxes import header_address, mailbox_key
from portico.plumbing.text.money import MAX_MINOR


class SeedRefused(Exception):
    """The file holds something invalid; the message names its place in the file."""

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(f"{place} {problem}")


class Entry:
    """One object of the file. `done` refuses keys that no method has read."""

    def __init__(self, value: Any, place: str) -> None:  # Any: JSON.
        if not isinstance(value, Mapping):
            raise SeedRefused(place, "must be an object.")
        self.values: Mapping[str, Any] = value
        self.place = place
        self.known: set[str] = set()

    def at(self, key: str) -> str:
        return f"{self.place}.{key}" if self.place else key

    def refused(self, key: str, problem: str) -> SeedRefused:
        return SeedRefused(self.at(key), problem)

    def get(self, key: str) -> Any:  # Any: JSON.
        """Returns the value, or None if the key is absent or null."""
        self.known.add(key)
        return self.values.get(key)

    def line(self, key: str, *, max_length: int, default: str | None = None) -> str:
        """Returns one line of text; required unless there is a default."""
        value = self.get(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, str):
            raise self.refused(key, "must be a text.")
        if is_unstorable(value):
            raise self.refused(key, "holds a sign that cannot be stored.")
        text = clean_line(value)
        if len(text) > max_length or (not text and default is None):
            raise self.refused(key, f"must have 1 to {max_length} signs.")
        return text

    def text(self, key: str, *, max_length: int) -> str:
        """Returns text of several lines, or "" if it is absent."""
        value = self.get(key)
        if value is None:
            return ""
        if not isinstance(value, str) or is_unstorable(value):
            raise self.refused(key, "must be a text.")
        text = clean_text(value)
        if len(text) > max_length:
            raise self.refused(key, f"must have at most {max_length} signs.")
        return text

    def number(self, key: str, *, maximum: int, default: int) -> int:
        """Returns a whole number from 0 to `maximum`."""
        value = self.get(key)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= maximum:
            raise self.refused(key, f"must be a whole number from 0 to {maximum}.")
        return value

    def secret(self, key: str) -> str | None:
        """Returns the text unchanged, or None."""
        value = self.get(key)
        if value is None or (isinstance(value, str) and value and not is_unstorable(value)):
            return value
        raise self.refused(key, "must be a text.")

    def email(self, key: str, *, default: str | None = None) -> str:
        text = self.line(key, max_length=254, default=default)
        if not text:
            return text
        try:
            mailbox_key(text)
        except ValueError as error:
            raise self.refused(key, f"is not an email address: {error}") from error
        return text

    def own_email(self, key: str, *, default: str | None = None) -> str:
        """Returns an address of the practice or its staff, in the form for mail headers."""
        text = self.email(key, default=default)
        try:
            return header_address(text) if text else ""
        except ValueError as error:
            raise self.refused(key, f"is not an address that every mail server takes: {error}") from error

    def flag(self, key: str, *, default: bool) -> bool:
        value = self.optional_flag(key)
        return default if value is None else value

    def optional_flag(self, key: str) -> bool | None:
        value = self.get(key)
        if value is not None and not isinstance(value, bool):
            raise self.refused(key, "must be true or false.")
        return value

    def whole(self, key: str, *, default: int | None = None) -> int:
        """Returns a whole number, such as an amount in minor units."""
        value = self.get(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) > MAX_MINOR:
            raise self.refused(key, "must be a whole number.")
        return value

    def day(self, key: str) -> date | None:
        value = self.get(key)
        if value is None:
            return None
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError):
            raise self.refused(key, "must be a date such as 1990-04-12.") from None

    def choice[C: TextChoices](self, key: str, choices: type[C], *, default: C | None = None) -> C:
        """Returns one of the choices by its value; spaces count as underscores ("front desk")."""
        value = self.get(key)
        if value is None and default is not None:
            return default
        named = {each.value: each for each in choices}
        found = named.get(value.replace(" ", "_")) if isinstance(value, str) else None
        if found is None:
            raise self.refused(key, f"must be one of {', '.join(named)}.")
        return found

    def each[T](self, key: str, read: Callable[["Entry"], T]) -> tuple[T, ...]:
        """Returns the objects of a list, each read by `read`; empty if the list is absent."""
        value = self.get(key)
        if value is None:
            return ()
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise self.refused(key, "must be a list.")
        return tuple(read(Entry(item, f"{self.at(key)}[{number}]")) for number, item in enumerate(value))

    def one(self, key: str) -> "Entry | None":
        """Returns the object, or None if it is absent."""
        value = self.get(key)
        return None if value is None else Entry(value, self.at(key))

    def done(self) -> None:
        """Raises SeedRefused if the object has a key that was not read."""
        unknown = sorted(set(self.values) - self.known)
        if unknown:
            raise self.refused(unknown[0], "is not a key of seed files.")
