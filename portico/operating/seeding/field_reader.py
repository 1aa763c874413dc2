"""Reads values out of a seed file, each complaint naming the place it is about."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from django.db.models import TextChoices

from portico.plumbing.text.input_validation import clean_line, clean_text, is_unstorable
from portico.plumbing.text.mailboxes import header_address, mailbox_key
from portico.plumbing.text.money import MAX_MINOR


class SeedRefused(Exception):
    """The file asks for something that cannot be; the message names the place in it."""

    def __init__(self, place: str, complaint: str) -> None:
        super().__init__(f"{place} {complaint}")


class Entry:
    """One object of the file. Every key must be asked for; `done` refuses those that nobody did."""

    def __init__(self, value: Any, place: str) -> None:  # Any: whatever JSON holds.
        if not isinstance(value, Mapping):
            raise SeedRefused(place, "must be an object.")
        self.values: Mapping[str, Any] = value
        self.place = place
        self.known: set[str] = set()

    def at(self, key: str) -> str:
        return f"{self.place}.{key}" if self.place else key

    def refused(self, key: str, complaint: str) -> SeedRefused:
        return SeedRefused(self.at(key), complaint)

    def get(self, key: str) -> Any:  # Any: whatever JSON holds.
        """The value; null is the same as absent."""
        self.known.add(key)
        return self.values.get(key)

    def line(self, key: str, *, most: int, default: str | None = None) -> str:
        """One line of text; required unless there is a default."""
        value = self.get(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, str):
            raise self.refused(key, "must be a text.")
        if is_unstorable(value):
            raise self.refused(key, "holds a sign that cannot be stored.")
        text = clean_line(value)
        if len(text) > most or (not text and default is None):
            raise self.refused(key, f"must have 1 to {most} signs.")
        return text

    def text(self, key: str, *, most: int) -> str:
        """Text of several lines; absent is empty."""
        value = self.get(key)
        if value is None:
            return ""
        if not isinstance(value, str) or is_unstorable(value):
            raise self.refused(key, "must be a text.")
        text = clean_text(value)
        if len(text) > most:
            raise self.refused(key, f"must have at most {most} signs.")
        return text

    def number(self, key: str, *, most: int, default: int) -> int:
        """A whole number from 0 on."""
        value = self.get(key)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
            raise self.refused(key, f"must be a whole number from 0 to {most}.")
        return value

    def secret(self, key: str) -> str | None:
        """As it stands, not cleaned."""
        value = self.get(key)
        if value is None or (isinstance(value, str) and value and not is_unstorable(value)):
            return value
        raise self.refused(key, "must be a text.")

    def email(self, key: str, *, default: str | None = None) -> str:
        text = self.line(key, most=254, default=default)
        if not text:
            return text
        try:
            mailbox_key(text)
        except ValueError as error:
            raise self.refused(key, f"is not an email address: {error}") from error
        return text

    def own_email(self, key: str, *, default: str | None = None) -> str:
        """An address of the practice or its staff, as headers carry it."""
        text = self.email(key, default=default)
        try:
            return header_address(text) if text else ""
        except ValueError as error:
            raise self.refused(key, f"is not an address that every mail server takes: {error}") from error

    def flag(self, key: str, *, default: bool) -> bool:
        value = self.get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.refused(key, "must be true or false.")
        return value

    def whole(self, key: str, *, default: int | None = None) -> int:
        """A whole number, as amounts in minor units are."""
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
        """One of the choices, by its value; spaces are taken for underscores ("front desk")."""
        value = self.get(key)
        if value is None and default is not None:
            return default
        named = {each.value: each for each in choices}
        found = named.get(value.replace(" ", "_")) if isinstance(value, str) else None
        if found is None:
            raise self.refused(key, f"must be one of {', '.join(named)}.")
        return found

    def each[T](self, key: str, read: Callable[["Entry"], T]) -> tuple[T, ...]:
        """The list's objects, read one by one; an absent list is empty."""
        value = self.get(key)
        if value is None:
            return ()
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise self.refused(key, "must be a list.")
        return tuple(read(Entry(item, f"{self.at(key)}[{number}]")) for number, item in enumerate(value))

    def one(self, key: str) -> "Entry | None":
        """The object that stands there, if one does."""
        value = self.get(key)
        return None if value is None else Entry(value, self.at(key))

    def done(self) -> None:
        unknown = sorted(set(self.values) - self.known)
        if unknown:
            raise self.refused(unknown[0], "is not a key of seed files.")
