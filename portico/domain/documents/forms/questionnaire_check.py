"""Checks that a FHIR R4 Questionnaire is in the subset that forms use. Everything else is refused, with the reason.

The subset (https://hl7.org/fhir/R4/questionnaire.html): twelve types of items, `answerOption`, `enableWhen` about
earlier questions with `enableBehavior`, `required`, `repeats` for choices, `maxLength`, `code`, and the ordinal
values of options. Libraries for FHIR accept wrong types, repeated ids and conditions that can never hold.
"""

import math
import re
from dataclasses import dataclass

from django.utils.translation import gettext as _

from portico.domain.documents.forms import answer_values, canonical_json
from portico.domain.documents.forms.questionnaire import (
    CHOICES,
    OPTION_TYPES,
    ORDINAL_VALUE,
    TEXTS,
    VALUE_TYPES,
    ItemType,
    Questionnaire,
    parse,
)
from portico.plumbing.refusals import Refused
from portico.plumbing.text.input_validation import clean_line, clean_text, holds_card_number

MAX_ITEMS = 400
MAX_DEPTH = 5
MAX_OPTIONS = 100
MAX_CONDITIONS = 20
MAX_CODES = 10
MAX_ITEM_TEXT = 4000
MAX_OPTION_TEXT = 300
MAX_BYTES = 500_000
# More are not listed: a file of another kind would fill the page.
MAX_PROBLEMS = 100

ROOT_KEYS = frozenset({"resourceType", "status", "language", "code", "copyright", "item"})
ITEM_KEYS = frozenset(
    {
        "linkId",
        "type",
        "text",
        "code",
        "required",
        "repeats",
        "maxLength",
        "answerOption",
        "enableWhen",
        "enableBehavior",
        "item",
    }
)
_LINK_ID = re.compile(r"[A-Za-z0-9./_-]{1,64}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{1,8})*")
_ORDERED = frozenset({"Integer", "Decimal", "Date", "DateTime", "Time"})
_OPERATORS = ("exists", "=", "!=", ">", "<", ">=", "<=")


@dataclass(frozen=True)
class Problem:
    """Why a form is refused. `item` is the linkId of the item, or its place ("2.1"); empty for the form itself."""

    item: str
    reason: str

    def __str__(self) -> str:
        return f"{self.item}: {self.reason}" if self.item else self.reason


class QuestionnaireRefused(Refused):
    """The form is not in the subset; `problems` names each item and its reason."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__(str(problems[0]))


def read(resource: object) -> Questionnaire:
    """Checks and reads a Questionnaire. Raises QuestionnaireRefused."""
    if problems := check(resource):
        raise QuestionnaireRefused(problems)
    assert isinstance(resource, dict)  # noqa: S101 - for the type checker; `check` found no problem.
    return parse(resource)


def check(resource: object) -> list[Problem]:
    """Returns the problems of a Questionnaire, up to MAX_PROBLEMS; an empty list if it can be used."""
    checker = _Checker()
    checker.check_root(resource)
    return checker.problems[:MAX_PROBLEMS]


@dataclass(frozen=True)
class _Question:
    """An earlier question, for the conditions of later items. `options` are the values of its options."""

    type: str
    options: frozenset[answer_values.AnswerValue]
    option_types: frozenset[str]


class _Checker:
    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.number_of_items = 0
        self.link_ids: set[str] = set()
        # Questions in the order of the form, to which later conditions may refer.
        self.questions: dict[str, _Question] = {}

    def refuse(self, item: str, reason: str) -> None:
        self.problems.append(Problem(item, reason))

    def check_root(self, resource: object) -> None:
        if not isinstance(resource, dict) or resource.get("resourceType") != "Questionnaire":
            self.refuse("", _("This is not a FHIR Questionnaire."))
            return
        self.check_keys("", resource, ROOT_KEYS)
        if resource.get("status") not in ("draft", "active", "retired", "unknown"):
            self.refuse("", _("“status” must be draft, active, retired or unknown."))
        language = resource.get("language", "en")
        if not isinstance(language, str) or not _LANGUAGE.fullmatch(language):
            self.refuse("", _("“language” must be a language code, such as en."))
        if "copyright" in resource:
            self.check_text("", "copyright", resource["copyright"], MAX_ITEM_TEXT)
        self.check_codes("", resource.get("code", []))
        self.check_items("", resource.get("item"), prefix="", depth=1)
        if not self.problems and not self.questions:
            self.refuse("", _("The form has no question."))
        if not self.problems and len(canonical_json.canonical(resource)) > MAX_BYTES:
            self.refuse("", _("The form is larger than 500 kB."))

    def check_keys(self, name: str, value: dict[object, object], known: frozenset[str]) -> None:
        """Refuses what the subset does not have; extensions by their own names."""
        for key, part in value.items():
            extensions = part if key == "extension" and isinstance(part, list) else []
            names = [_extension_name(each) for each in extensions]
            for shown in names or ([] if key in known else [_shown(key)]):
                self.refuse(name, _("“%(key)s” is not supported.") % {"key": shown})

    def check_items(self, name: str, items: object, *, prefix: str, depth: int) -> None:
        if not isinstance(items, list) or not items:
            self.refuse(name, _("It has no items."))
            return
        for number, item in enumerate(items, start=1):
            self.number_of_items += 1
            if self.number_of_items > MAX_ITEMS:
                if self.number_of_items == MAX_ITEMS + 1:
                    self.refuse("", _("The form has more than %(limit)d items.") % {"limit": MAX_ITEMS})
                return
            self.check_item(item, place=f"{prefix}{number}", depth=depth)

    def check_item(self, item: object, *, place: str, depth: int) -> None:
        if not isinstance(item, dict):
            self.refuse(place, _("It is not an object."))
            return
        name = self.check_link_id(item.get("linkId"), place)
        self.check_keys(name, item, ITEM_KEYS)
        if item.get("type") not in list(ItemType):
            self.refuse(name, _("Its type “%(type)s” is not supported.") % {"type": _shown(item.get("type"))})
            return
        item_type = ItemType(item["type"])
        self.check_text(name, "text", item.get("text"), MAX_ITEM_TEXT)
        self.check_codes(name, item.get("code", []))
        self.check_conditions(name, item)
        self.check_settings(name, item, item_type)
        question = self.check_options(name, item, item_type)
        if item_type == ItemType.GROUP:
            if depth > MAX_DEPTH:
                self.refuse(name, _("Groups may be nested %(limit)d deep.") % {"limit": MAX_DEPTH})
                return
            self.check_items(name, item.get("item"), prefix=f"{place}.", depth=depth + 1)
            return
        if "item" in item:
            self.refuse(name, _("Only a group may contain items."))
        if item_type != ItemType.DISPLAY:
            self.questions[name] = question

    def check_link_id(self, link_id: object, place: str) -> str:
        """Returns the name of the item in problems: its linkId, or its place if that can't be used."""
        if not isinstance(link_id, str) or not _LINK_ID.fullmatch(link_id):
            self.refuse(
                place, _("Its “linkId” must have 1 to 64 letters, digits, dots, slashes, hyphens and underscores.")
            )
            return place
        if link_id in self.link_ids:
            self.refuse(link_id, _("Another item has the same “linkId”."))
        self.link_ids.add(link_id)
        return link_id

    def check_text(self, name: str, key: str, text: object, longest: int) -> None:
        if not isinstance(text, str) or not text:
            self.refuse(name, _("“%(key)s” is missing.") % {"key": key})
        elif len(text) > longest:
            self.refuse(name, _("“%(key)s” has more than %(limit)d characters.") % {"key": key, "limit": longest})
        elif clean_text(text) != text or _has_surrogate(text):
            self.refuse(name, _("“%(key)s” contains characters that can’t be shown.") % {"key": key})
        elif holds_card_number(text):
            self.refuse(name, _("“%(key)s” contains a card number.") % {"key": key})

    def check_codes(self, name: str, codes: object) -> None:
        if not isinstance(codes, list) or len(codes) > MAX_CODES or not all(_is_coding(code) for code in codes):
            self.refuse(name, _("“code” must be a list of codings, up to %(limit)d.") % {"limit": MAX_CODES})

    def check_settings(self, name: str, item: dict[str, object], item_type: ItemType) -> None:
        for key in ("required", "repeats"):
            if not isinstance(item.get(key, False), bool):
                self.refuse(name, _("“%(key)s” must be true or false.") % {"key": key})
        if item.get("required") is True and item_type not in VALUE_TYPES and item_type not in CHOICES:
            self.refuse(name, _("Only a question can be required."))
        if item.get("repeats") is True and item_type not in CHOICES:
            self.refuse(name, _("Only a choice may have several answers."))
        if "maxLength" not in item:
            return
        longest = answer_values.MAX_LINE if item_type == ItemType.STRING else answer_values.MAX_TEXT
        limit = item["maxLength"]
        if item_type not in TEXTS:
            self.refuse(name, _("Only a text may have “maxLength”."))
        elif isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= longest:
            self.refuse(name, _("“maxLength” must be from 1 to %(limit)d.") % {"limit": longest})

    def check_options(self, name: str, item: dict[str, object], item_type: ItemType) -> _Question:
        """Checks the options; returns what later conditions need to know about the question."""
        nothing = _Question(item_type, frozenset(), frozenset())
        if item_type not in CHOICES:
            if "answerOption" in item:
                self.refuse(name, _("Only a choice may have options."))
            return nothing
        options = item.get("answerOption")
        if not isinstance(options, list) or not 1 <= len(options) <= MAX_OPTIONS:
            self.refuse(name, _("It needs 1 to %(limit)d options.") % {"limit": MAX_OPTIONS})
            return nothing
        values: list[answer_values.AnswerValue] = []
        labels: list[str] = []
        types = set()
        for option in options:
            value_type = self.check_option(name, option)
            if value_type is None:
                return nothing
            value = option[f"value{value_type}"]
            types.add(value_type)
            values.append(answer_values.comparable(value_type, value))
            labels.append(value["display"] if value_type == "Coding" else str(value))
        if len(types) > 1:
            self.refuse(name, _("Its options are of different types."))
        if len(set(values)) < len(values) or len(set(labels)) < len(labels):
            self.refuse(name, _("Two of its options are the same."))
        return _Question(item_type, frozenset(values), frozenset(types))

    def check_option(self, name: str, option: object) -> str | None:
        """Returns the type of the option's value, or None if there is a problem."""
        value_type = _option_type(option)
        if value_type is None or not isinstance(option, dict):
            self.refuse(name, _("Each option needs a “valueCoding”, “valueString” or “valueInteger”."))
            return None
        value = option[f"value{value_type}"]
        if value_type == "Coding":
            if not _is_coding(value) or "display" not in value:
                self.refuse(name, _("The coding of each option needs “code” and “display”."))
                return None
        elif answer_values.find_error(value_type, value, max_length=MAX_OPTION_TEXT, is_line=True):
            self.refuse(name, _("The value of an option can’t be used."))
            return None
        if "extension" in option and not _is_ordinal(option["extension"]):
            self.refuse(name, _("An option may have the extension “ordinalValue” with a number, and no other."))
            return None
        return value_type

    def check_conditions(self, name: str, item: dict[str, object]) -> None:
        conditions = item.get("enableWhen", [])
        if not isinstance(conditions, list) or len(conditions) > MAX_CONDITIONS:
            self.refuse(name, _("“enableWhen” must be a list of up to %(limit)d.") % {"limit": MAX_CONDITIONS})
            return
        behavior = item.get("enableBehavior")
        if behavior not in (None, "all", "any") or (behavior is None and len(conditions) > 1):
            self.refuse(name, _("Several conditions need “enableBehavior”: all or any."))
        for condition in conditions:
            if reason := self.condition_problem(condition):
                self.refuse(name, reason)

    def condition_problem(self, condition: object) -> str | None:
        if not isinstance(condition, dict):
            return _("A condition is not an object.")
        answers = [key for key in condition if key not in {"question", "operator"}]
        question, operator = condition.get("question"), condition.get("operator")
        if len(answers) != 1 or operator not in _OPERATORS:
            return _("A condition needs a question, an operator and one answer.")
        if not isinstance(question, str) or question not in self.questions:
            return _("Its condition is about “%(question)s”, which is not an earlier question.") % {
                "question": _shown(question)
            }
        return _answer_problem(self.questions[question], operator, answers[0], condition[answers[0]])


def _answer_problem(question: _Question, operator: str, key: str, answer: object) -> str | None:
    if operator == "exists":
        fits = key == "answerBoolean" and isinstance(answer, bool)
        return None if fits else _("The operator “exists” needs true or false.")
    if question.type in CHOICES:
        return _option_answer_problem(question, operator, key, answer)
    value_type = VALUE_TYPES[ItemType(question.type)]
    if key != f"answer{value_type}" or answer_values.find_error(value_type, answer):
        return _("The answer of its condition doesn’t fit the question.")
    if operator not in {"=", "!="} and value_type not in _ORDERED:
        return _("Its condition compares answers that have no order.")
    return None


def _option_answer_problem(question: _Question, operator: str, key: str, answer: object) -> str | None:
    value_type = key.removeprefix("answer")
    if value_type not in question.option_types or not _is_option_value(value_type, answer):
        return _("The answer of its condition doesn’t fit the question.")
    if answer_values.comparable(value_type, answer) not in question.options:
        return _("The answer of its condition is not an option of the question.")
    if operator not in {"=", "!="} and value_type not in _ORDERED:
        return _("Its condition compares answers that have no order.")
    return None


def _is_option_value(value_type: str, value: object) -> bool:
    if value_type == "Coding":
        return _is_coding(value)
    return answer_values.find_error(value_type, value, is_line=True) is None


def _option_type(option: object) -> str | None:
    if not isinstance(option, dict):
        return None
    types = [each for each in OPTION_TYPES if f"value{each}" in option]
    known = {f"value{each}" for each in types} | {"extension"}
    return types[0] if len(types) == 1 and option.keys() <= known else None


def _is_coding(value: object) -> bool:
    """Returns True for a Coding with a code, and perhaps a system and a display, each a clean line."""
    if not isinstance(value, dict) or not {"code"} <= value.keys() <= {"system", "code", "display"}:
        return False
    return all(
        isinstance(text, str)
        and 0 < len(text) <= MAX_OPTION_TEXT
        and clean_line(text) == text
        # A long code of digits is no card number; a display that people read must not be one.
        and not _has_surrogate(text)
        and not (key == "display" and holds_card_number(text))
        for key, text in value.items()
    )


def _is_ordinal(extensions: object) -> bool:
    if not isinstance(extensions, list) or len(extensions) != 1 or not isinstance(extensions[0], dict):
        return False
    value = extensions[0].get("valueDecimal")
    is_number = not isinstance(value, bool) and isinstance(value, int | float) and math.isfinite(value)
    return extensions[0].keys() == {"url", "valueDecimal"} and extensions[0]["url"] == ORDINAL_VALUE and is_number


def _extension_name(extension: object) -> str:
    """Returns the last part of an extension's URL, which is its name."""
    url = extension.get("url") if isinstance(extension, dict) else None
    return _shown(url.rpartition("/")[2]) if isinstance(url, str) else "extension"


def _shown(value: object) -> str:
    """Returns a value of a file that may hold anything, as it is named in a sentence."""
    return clean_line(str(value).encode(errors="replace").decode())[:80]


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
