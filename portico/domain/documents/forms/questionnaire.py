"""A form: the items of a FHIR R4 Questionnaire, read from its JSON.

Only a strict subset is read (`questionnaire_check`), so that page, server and PDF agree on every form.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from portico.domain.documents.forms import answer_values
from portico.domain.documents.forms.answer_values import AnswerValue

ORDINAL_VALUE = "http://hl7.org/fhir/StructureDefinition/ordinalValue"


class ItemType(StrEnum):
    """The types of items (https://hl7.org/fhir/R4/valueset-item-type.html) that forms may have."""

    GROUP = "group"
    DISPLAY = "display"
    BOOLEAN = "boolean"
    DECIMAL = "decimal"
    INTEGER = "integer"
    DATE = "date"
    DATE_TIME = "dateTime"
    TIME = "time"
    STRING = "string"
    TEXT = "text"
    CHOICE = "choice"
    OPEN_CHOICE = "open-choice"


CHOICES = frozenset({ItemType.CHOICE, ItemType.OPEN_CHOICE})
TEXTS = frozenset({ItemType.STRING, ItemType.TEXT})
NOT_QUESTIONS = frozenset({ItemType.GROUP, ItemType.DISPLAY})
# The suffix of `value…` in answers and of `answer…` in conditions, for each type whose questions have no options.
VALUE_TYPES: Mapping[ItemType, str] = {
    ItemType.BOOLEAN: "Boolean",
    ItemType.DECIMAL: "Decimal",
    ItemType.INTEGER: "Integer",
    ItemType.DATE: "Date",
    ItemType.DATE_TIME: "DateTime",
    ItemType.TIME: "Time",
    ItemType.STRING: "String",
    ItemType.TEXT: "String",
}
OPTION_TYPES = ("Coding", "String", "Integer")


@dataclass(frozen=True)
class Code:
    """A code of an item or a whole form, such as LOINC's 44249-1."""

    system: str
    code: str


@dataclass(frozen=True)
class Option:
    """An answer that a choice offers. `value_type` is Coding, String or Integer; `value` is the answer's JSON."""

    value_type: str
    value: Any  # Any: JSON, a dictionary for a Coding.
    ordinal: float | None = None

    @cached_property
    def comparable(self) -> AnswerValue:
        return answer_values.comparable(self.value_type, self.value)

    @property
    def label(self) -> str:
        return self.value["display"] if self.value_type == "Coding" else str(self.value)

    @property
    def answer(self) -> dict[str, Any]:  # Any: JSON.
        """The answer in a QuestionnaireResponse."""
        return {f"value{self.value_type}": self.value}


@dataclass(frozen=True)
class Condition:
    """An `enableWhen`: compares the answers of an earlier question with `expected`."""

    question: str
    operator: str
    expected: AnswerValue


@dataclass(frozen=True)
class Item:
    """A question, a group of items, or a text that is only shown."""

    link_id: str
    type: ItemType
    text: str
    required: bool = False
    repeats: bool = False
    max_length: int | None = None
    options: tuple[Option, ...] = ()
    conditions: tuple[Condition, ...] = ()
    # True if all conditions must hold, False if one is enough.
    all_conditions: bool = True
    codes: tuple[Code, ...] = ()
    items: tuple["Item", ...] = ()

    @property
    def is_question(self) -> bool:
        return self.type not in NOT_QUESTIONS

    @property
    def is_choice(self) -> bool:
        return self.type in CHOICES

    @property
    def may_type_other(self) -> bool:
        return self.type == ItemType.OPEN_CHOICE

    def option_with(self, value: AnswerValue) -> Option | None:
        return next((option for option in self.options if option.comparable == value), None)

    def walk(self) -> Iterator["Item"]:
        """Yields the item and all items inside it, in the order of the form."""
        yield self
        for item in self.items:
            yield from item.walk()


@dataclass(frozen=True)
class Questionnaire:
    """A whole form."""

    items: tuple[Item, ...]
    codes: tuple[Code, ...] = ()
    by_link_id: Mapping[str, Item] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_link_id", {item.link_id: item for item in self.walk()})

    def walk(self) -> Iterator[Item]:
        """Yields all items in the order of the form, a group before its items."""
        for item in self.items:
            yield from item.walk()

    @property
    def questions(self) -> list[Item]:
        return [item for item in self.walk() if item.is_question]


def parse(resource: Mapping[str, Any]) -> Questionnaire:  # Any: JSON.
    """Reads a Questionnaire that `questionnaire_check.check` found no problem in, such as that of a stored version."""
    return Questionnaire(
        items=tuple(_item(each) for each in resource["item"]), codes=tuple(_codes(resource.get("code", [])))
    )


def _item(item: Mapping[str, Any]) -> Item:  # Any: JSON.
    return Item(
        link_id=item["linkId"],
        type=ItemType(item["type"]),
        text=item.get("text", ""),
        required=item.get("required", False),
        repeats=item.get("repeats", False),
        max_length=item.get("maxLength"),
        options=tuple(_option(each) for each in item.get("answerOption", [])),
        conditions=tuple(_condition(each) for each in item.get("enableWhen", [])),
        all_conditions=item.get("enableBehavior", "all") == "all",
        codes=tuple(_codes(item.get("code", []))),
        items=tuple(_item(each) for each in item.get("item", [])),
    )


def _option(option: Mapping[str, Any]) -> Option:  # Any: JSON.
    value_type = next(each for each in OPTION_TYPES if f"value{each}" in option)
    ordinals = [each["valueDecimal"] for each in option.get("extension", [])]
    return Option(value_type, option[f"value{value_type}"], ordinal=ordinals[0] if ordinals else None)


def _condition(condition: Mapping[str, Any]) -> Condition:  # Any: JSON.
    key = next(each for each in condition if each.startswith("answer"))
    expected = answer_values.comparable(key.removeprefix("answer"), condition[key])
    return Condition(condition["question"], condition["operator"], expected)


def _codes(codes: list[Mapping[str, Any]]) -> Iterator[Code]:  # Any: JSON.
    for code in codes:
        yield Code(code.get("system", ""), code["code"])
