"""Request parameters: decodes the form encoding, reads values by name, and refuses unknown ones."""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

from sandbox.stripe.api_errors import Json, invalid

PART = re.compile(r"\[([^\]]*)\]")


def decode(encoded: str) -> Json:
    """Decodes `a[b]=1&c[0]=2` to `{"a": {"b": "1"}, "c": ["2"]}`."""
    found: Json = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True):
        head, _, _ = name.partition("[")
        place = found
        steps = [head, *PART.findall(name)]
        for number, step in enumerate(steps):
            key = step or str(len(place))
            if number == len(steps) - 1:
                place[key] = value
            else:
                place = place.setdefault(key, {})
    return {key: _listed(value) for key, value in found.items()}


def _listed(value: Any) -> Any:  # Any: a string, or strings by name.
    if not isinstance(value, dict):
        return value
    inner = {key: _listed(each) for key, each in value.items()}
    return list(inner.values()) if inner and all(key.isdigit() for key in inner) else inner


class Parameters:
    """The parameters of a request; `done` refuses those that were not read, as Stripe does."""

    def __init__(self, values: Json, place: str = "") -> None:
        self.values = values
        self.place = place
        self.known: set[str] = set()

    def at(self, name: str) -> str:
        return f"{self.place}[{name}]" if self.place else name

    def has(self, name: str) -> bool:
        return self.values.get(name) not in (None, "")

    def get(self, name: str) -> Any:  # Any: a string, or strings by name.
        self.known.add(name)
        return self.values.get(name)

    def text(self, name: str, default: str | None = None, *, among: Sequence[str] = ()) -> str:
        value = self.get(name)
        if value in (None, ""):
            if default is None:
                raise invalid(
                    f"Missing required param: {self.at(name)}.", param=self.at(name), code="parameter_missing"
                )
            return default
        if not isinstance(value, str) or (among and value not in among):
            expected = f": must be one of {', '.join(among)}" if among else ""
            raise invalid(f"Invalid {self.at(name)}{expected}", param=self.at(name))
        return value

    def maybe(self, name: str, *, among: Sequence[str] = ()) -> str | None:
        return self.text(name, "", among=among) or None

    def whole(self, name: str, default: int | None = None) -> int:
        text = self.text(name, None if default is None else str(default))
        if not re.fullmatch(r"-?\d{1,15}", text):
            raise invalid(f"Invalid integer: {text}", param=self.at(name), code="parameter_invalid_integer")
        return int(text)

    def flag(self, name: str, *, default: bool = False) -> bool:
        return self.text(name, "true" if default else "false", among=("true", "false")) == "true"

    def texts(self, name: str) -> list[str]:
        value = self.get(name)
        if value in (None, ""):
            return []
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise invalid("Invalid array", param=self.at(name))
        return value

    def metadata(self) -> dict[str, str]:
        value = self.get("metadata") or {}
        if isinstance(value, list):  # Names that are all digits.
            value = {str(number): each for number, each in enumerate(value)}
        if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
            raise invalid("Invalid hash", param=self.at("metadata"))
        if len(value) > 50 or any(len(key) > 40 or len(each) > 500 for key, each in value.items()):
            raise invalid(
                "Metadata can have up to 50 keys, of 40 characters, with values of 500.", param=self.at("metadata")
            )
        return {key: each for key, each in value.items() if each}

    def nested(self, name: str) -> "Parameters":
        value = self.get(name)
        if value in (None, ""):
            value = {}
        if not isinstance(value, dict):
            raise invalid("Invalid hash", param=self.at(name))
        return Parameters(value, self.at(name))

    def each(self, name: str) -> list["Parameters"]:
        value = self.get(name) or []
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise invalid("Invalid array", param=self.at(name))
        return [Parameters(each, f"{self.at(name)}[{number}]") for number, each in enumerate(value)]

    def done(self) -> None:
        unknown = sorted(set(self.values) - self.known)
        if unknown:
            name = self.at(unknown[0])
            raise invalid(f"Received unknown parameter: {name}", param=name, code="parameter_unknown")
