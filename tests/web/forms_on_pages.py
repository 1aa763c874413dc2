"""The forms that stand on our pages, as a browser would send them when no named button is pressed."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlsplit


@dataclass
class FormOnPage:
    """Where it goes, and its fields with what they hold; the names alone of those that hold text."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    typed: set[str] = field(default_factory=set)


def forms_on(page: str, *, at: str) -> list[FormOnPage]:
    reader = _Reader(at)
    reader.feed(page)
    return reader.forms


class _Reader(HTMLParser):
    def __init__(self, at: str) -> None:
        super().__init__()
        self.at = at
        self.forms: list[FormOnPage] = []
        self._open: FormOnPage | None = None
        self._text_of = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attributes}
        if tag == "form":
            action = urlsplit(has.get("action", "")).path or self.at
            self._open = FormOnPage(action, has.get("method", "get").lower())
            self.forms.append(self._open)
        name = has.get("name", "")
        if self._open is None or not name or tag not in {"input", "textarea", "select"}:
            return
        kind = has.get("type", "text") if tag == "input" else tag
        if kind == "submit":
            return
        if kind in {"checkbox", "radio"} and "checked" not in has:
            self._open.fields.setdefault(name, "")
            return
        self._open.fields[name] = has.get("value", "")
        if kind not in {"checkbox", "radio", "select", "hidden"}:
            self._open.typed.add(name)
        if kind == "textarea":
            self._text_of = name

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        if tag == "textarea":
            self._text_of = ""

    def handle_data(self, data: str) -> None:
        if self._text_of and self._open is not None:
            self._open.fields[self._text_of] += data
