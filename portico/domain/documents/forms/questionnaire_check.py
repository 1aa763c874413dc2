"""Checks that a FHIR R4 Questionnaire is in the subset that forms use. Everything else is refused, with the reason.

The subset (https://hl7.org/fhir/R4/questionnaire.html): twelve types of items, `answerOption`, `enableWhen` about
earlier questions with `enableBehavior`, `required`, `repeats` for choices, `maxLength`, `code`, and the ordinal
values of options. Libraries for FHIR accept wrong types, repeated ids and conditions that can never hold.
"""

import re
from dataclasses import dataclass

from django.utils.translation import gettext as _

from portico.domain.documents.forms import answer_values, canonical_json, condition_check, option_check
from portico.domain.documents.forms.condition_check import EarlierQuestion, shown_in_sentence
from portico.domain.documents.forms.questionnaire import (
    CHOICES,
    TEXTS,
    VALUE_TYPES,
    ItemType,
    Questionnaire,
    parse,
)
from portico.plumbing.refusals import Refused
from portico.plumbing.text.input_validation import clean_text, holds_card_number, is_unstorable

MAX_ITEMS = 400
MAX_DEPTH = 5
MAX_CONDITIONS = 20
MAX_CODES = 10
MAX_ITEM_TEXT = 4000
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


@dataclass(frozen=True)
class ItemProblem:
    """A reason to refuse a form. `item` is the linkId of the item, or its place ("2.1"); empty for the form itself."""

    item: str
    reason: str

    def __str__(self) -> str:
        return f"{self.item}: {self.reason}" if self.item else self.reason


class QuestionnaireRefused(Refused):
    """The form is not in the subset; `problems` names each item and its reason."""

    def __init__(self, problems: list[ItemProblem]) -> None:
        self.problems = problems
        super().__init__(str(problems[0]))


def read(resource: object) -> Questionnaire:
    """Checks and reads a Questionnaire. Raises QuestionnaireRefused."""
    if problems := check(resource):
        raise QuestionnaireRefused(problems)
    assert isinstance(resource, dict)  # noqa: S101 - for the type checker; `check` found no problem.
    return parse(resource)


def check(resource: object) -> list[ItemProblem]:
    """Returns the problems of a Questionnaire, up to MAX_PROBLEMS; an empty list if it can be used."""
    checker = _Checker()
    checker.check_root(resource)
    return checker.problems[:MAX_PROBLEMS]


class _Checker:
    def __init__(self) -> None:
        self.problems: list[ItemProblem] = []
        self.number_of_items = 0
        self.link_ids: set[str] = set()
        # Questions in the order of the form, to which later conditions may refer.
        self.questions: dict[str, EarlierQuestion] = {}

    def refuse(self, item: str, reason: str) -> None:
        self.problems.append(ItemProblem(item, reason))

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
            for shown in names or ([] if key in known else [shown_in_sentence(key)]):
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
            self.refuse(
                name, _("Its type “%(type)s” is not supported.") % {"type": shown_in_sentence(item.get("type"))}
            )
            return
        item_type = ItemType(item["type"])
        self.check_text(name, "text", item.get("text"), MAX_ITEM_TEXT)
        self.check_codes(name, item.get("code", []))
        self.check_conditions(name, item)
        self.check_settings(name, item, item_type)
        question, reasons = option_check.check(item, item_type)
        for reason in reasons:
            self.refuse(name, reason)
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
        elif clean_text(text) != text or is_unstorable(text):
            self.refuse(name, _("“%(key)s” contains characters that can’t be shown.") % {"key": key})
        elif holds_card_number(text):
            self.refuse(name, _("“%(key)s” contains a card number.") % {"key": key})

    def check_codes(self, name: str, codes: object) -> None:
        if (
            not isinstance(codes, list)
            or len(codes) > MAX_CODES
            or not all(answer_values.is_coding(code) for code in codes)
        ):
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

    def check_conditions(self, name: str, item: dict[str, object]) -> None:
        conditions = item.get("enableWhen", [])
        if not isinstance(conditions, list) or len(conditions) > MAX_CONDITIONS:
            self.refuse(name, _("“enableWhen” must be a list of up to %(limit)d.") % {"limit": MAX_CONDITIONS})
            return
        behavior = item.get("enableBehavior")
        if behavior not in (None, "all", "any") or (behavior is None and len(conditions) > 1):
            self.refuse(name, _("Several conditions need “enableBehavior”: all or any."))
        for condition in conditions:
            if reason := condition_check.find_problem(condition, self.questions):
                self.refuse(name, reason)


def _extension_name(extension: object) -> str:
    """Returns the last part of an extension's URL, which is its name."""
    url = extension.get("url") if isinstance(extension, dict) else None
    return shown_in_sentence(url.rpartition("/")[2]) if isinstance(url, str) else "extension"
