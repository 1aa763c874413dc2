"""Parses the forms of a page, as a browser would submit them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlsplit

from tests import cast

# Plausible input for an empty field: valid as a name, a number, an amount and a reason.
ANYTHING = "7"
BY_NAME = {
    "email": "new@mail.example",
    "address": "new@mail.example",
    "number": "(212) 555-0142",
    "date_of_birth": "04/18/1989",
    "due_on": "11/30/2026",
    "signed_on": "11/23/2026",
    "signer_name": "Ana Abreu",
    "current-password": cast.PASSWORD,
    "new-password": "two rivers and a bridge",
}


@dataclass
class FormOnPage:
    """A form: its action, its fields with their initial values, and those that take text.

    Values and choices are keyed by field name.
    """

    action: str
    method: str
    element_id: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    typed: dict[str, str] = field(default_factory=dict)
    choices: dict[str, str] = field(default_factory=dict)
    buttons: set[str] = field(default_factory=set)

    @property
    def offers(self) -> set[str]:
        return {*self.fields, *self.buttons}

    def filled(self) -> dict[str, str]:
        """Returns the form's data with plausible input in empty fields."""
        missing = {name: value for name, value in self.choices.items() if not self.fields[name]}
        empty = [name for name in self.typed if not self.fields[name].strip()]
        missing |= {name: BY_NAME.get(self.typed[name], ANYTHING) for name in empty}
        return self.fields | missing


def forms_on(page: str, *, at: str) -> list[FormOnPage]:
    reader = _Reader(at)
    reader.feed(page)
    reader.read_fields_outside()
    return reader.forms


class _Reader(HTMLParser):
    def __init__(self, at: str) -> None:
        super().__init__()
        self.at = at
        self.forms: list[FormOnPage] = []
        self._open: FormOnPage | None = None
        self._text_of = ""
        self._options_of = ""
        self._is_in_template = False
        # Fields that name their form, which may follow later.
        self._outside: list[tuple[str, str, dict[str, str]]] = []

    def read_fields_outside(self) -> None:
        """Adds the fields that belong to a form by its id."""
        by_id = {form.element_id: form for form in self.forms}
        for form_id, tag, has in self._outside:
            self._read_field(by_id[form_id], tag, has)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attributes}
        if tag == "form":
            action = urlsplit(has.get("action", "")).path or self.at
            self._open = FormOnPage(action, has.get("method", "get").lower(), has.get("id", ""))
            self.forms.append(self._open)
        if tag == "template":
            self._is_in_template = True
        if has.get("form") and has.get("name"):
            self._outside.append((has["form"], tag, has))
            return
        if self._open is None or self._is_in_template:
            return
        if tag == "option" and self._options_of:
            self._read_option(self._open, has)
        if has.get("name"):
            self._read_field(self._open, tag, has)

    def _read_field(self, form: FormOnPage, tag: str, has: dict[str, str]) -> None:
        name, kind = has["name"], has.get("type", "text") if tag == "input" else tag
        if kind in {"submit", "button"}:
            form.buttons.add(name)
        elif kind in {"checkbox", "radio"} and "checked" not in has:
            form.fields.setdefault(name, "")
            if kind == "radio" or "required" in has:
                form.choices.setdefault(name, has.get("value", "on" if kind == "checkbox" else ""))
        elif tag in {"input", "textarea", "select"}:
            form.fields[name] = has.get("value", "on" if kind == "checkbox" else "")
            if kind not in {"checkbox", "radio", "select", "hidden", "file"}:
                form.typed[name] = has.get("autocomplete", "") if kind == "password" else name.rpartition("-")[2]
            self._text_of = name if tag == "textarea" else ""
            self._options_of = name if tag == "select" else ""

    def _read_option(self, form: FormOnPage, has: dict[str, str]) -> None:
        value = has.get("value", "")
        if "selected" in has:
            form.fields[self._options_of] = value
        elif value:
            form.choices.setdefault(self._options_of, value)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        if tag == "template":
            self._is_in_template = False
        if tag == "textarea":
            self._text_of = ""
        if tag == "select":
            self._options_of = ""

    def handle_data(self, data: str) -> None:
        if self._text_of and self._open is not None:
            self._open.fields[self._text_of] += data
