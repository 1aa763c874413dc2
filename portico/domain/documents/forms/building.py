"""Building a form question by question: each change is made in every language at once.

A form is a dictionary from language code to Questionnaire. The structure is that of the English one; the other has the
same items with its own texts, which may still be empty.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from portico.domain.documents.forms import record_fields
from portico.domain.documents.forms.questionnaire import CHOICES, NOT_QUESTIONS, TEXTS, ItemType
from portico.domain.documents.forms.record_fields import RecordField
from portico.plumbing.refusals import Refused

# Any in this module: JSON of a Questionnaire.
type JsonItem = dict[str, Any]
type Questionnaires = dict[str, dict[str, Any]]

ENGLISH = "en"


class ItemMissing(Refused):
    """The item was removed after the page was opened."""


class ItemInUse(Refused):
    """Another item is shown only after an answer to this one."""


@dataclass(frozen=True)
class ConditionInput:
    """The item is open only if an earlier question has this answer.

    `answer` is the place of an option ("0" is the first), "true" or "false" for a yes or no question, or empty for any
    answer.
    """

    question: str
    answer: str = ""


@dataclass(frozen=True)
class ItemInput:
    """The input of staff for an item. Texts and options are by language; options are in the same order in each.

    `record_field` is the field of the client's record that a question is linked to.
    `condition` is None for an item that is always open. With `keeps_conditions` the stored ones stay.
    """

    type: ItemType
    texts: Mapping[str, str]
    options: Mapping[str, tuple[str, ...]]
    required: bool = False
    repeats: bool = False
    condition: ConditionInput | None = None
    keeps_conditions: bool = False
    record_field: RecordField | None = None


def blank_translation(questionnaire: dict[str, Any]) -> dict[str, Any]:
    """Returns the same form with empty texts, to be translated."""
    blank = deepcopy(questionnaire)
    for item in walk(blank["item"]):
        item["text"] = ""
        for option in item.get("answerOption", []):
            if "valueCoding" in option:
                option["valueCoding"]["display"] = ""
    return blank


def walk(items: list[JsonItem]) -> Iterator[JsonItem]:
    """Yields all items in the order of the form."""
    for item in items:
        yield item
        yield from walk(item.get("item", []))


def find(form: Questionnaires, link_id: str, *, language: str = ENGLISH) -> JsonItem:
    """Returns an item. Raises ItemMissing."""
    found = next((each for each in walk(form[language]["item"]) if each["linkId"] == link_id), None)
    if found is None:
        raise ItemMissing(_("This question is no longer in the form. Open the form again."))
    return found


def group_of(form: Questionnaires, link_id: str) -> str:
    """Returns the linkId of the group that contains the item, empty at the top level."""
    groups = [each for each in walk(form[ENGLISH]["item"]) if each["type"] == ItemType.GROUP]
    return next((each["linkId"] for each in groups if any(link_id == it["linkId"] for it in each["item"])), "")


def add(form: Questionnaires, item: ItemInput, *, group: str = "") -> tuple[Questionnaires, str]:
    """Returns the form with one more item, as the last of the group, and its linkId. Raises ItemMissing."""
    link_id = _new_link_id(form)
    changed = deepcopy(form)
    for language in changed:
        new: JsonItem = {"linkId": link_id}
        _fill(new, item, language, form)
        _inside(changed, group, language).append(new)
    return changed, link_id


def change(form: Questionnaires, link_id: str, item: ItemInput, *, group: str) -> Questionnaires:
    """Returns the form with the item changed, and moved to the end of `group` if it was in another.

    Raises ItemMissing, ItemInUse.
    """
    changed = deepcopy(form)
    is_moved = group_of(form, link_id) != group
    for language in changed:
        existing = find(changed, link_id, language=language)
        _fill(existing, item, language, form)
        if is_moved:
            _remove(changed[language]["item"], link_id)
            _inside(changed, group, language).append(existing)
    return changed


def remove(form: Questionnaires, link_id: str) -> Questionnaires:
    """Returns the form without the item; with a group, all items in it are removed. Raises ItemMissing, ItemInUse."""
    removed = {each["linkId"] for each in walk([find(form, link_id)])}
    for item in walk(form[ENGLISH]["item"]):
        asked = {condition["question"] for condition in item.get("enableWhen", [])}
        if item["linkId"] not in removed and asked & removed:
            raise ItemInUse(
                _("“%(text)s” is shown only after an answer to this question. Change that first.")
                % {"text": item["text"]}
            )
    changed = deepcopy(form)
    for questionnaire in changed.values():
        _remove(questionnaire["item"], link_id)
    return changed


def move(form: Questionnaires, link_id: str, *, to: int) -> Questionnaires:
    """Returns the form with the item at a place among its neighbors, from 0. Raises ItemMissing."""
    changed = deepcopy(form)
    group = group_of(form, link_id)
    for language in changed:
        item = find(changed, link_id, language=language)
        neighbors = _inside(changed, group, language)
        neighbors.remove(item)
        neighbors.insert(min(max(to, 0), len(neighbors)), item)
    return changed


def place_of(form: Questionnaires, link_id: str) -> int:
    """Returns the place of the item among its neighbors, from 0."""
    neighbors = _inside(form, group_of(form, link_id), ENGLISH)
    return [each["linkId"] for each in neighbors].index(link_id)


def label_of(option: JsonItem) -> str:
    """Returns the text of an option."""
    return str(
        option["valueCoding"]["display"]
        if "valueCoding" in option
        else next(value for key, value in option.items() if key.startswith("value"))
    )


def is_translated(item: JsonItem) -> bool:
    """Returns True if the item and its options have a text."""
    return bool(item["text"]) and all(label_of(option) for option in item.get("answerOption", []))


def _new_link_id(form: Questionnaires) -> str:
    used = {each["linkId"] for each in walk(form[ENGLISH]["item"])}
    number = next(number for number in range(1, len(used) + 2) if f"q{number}" not in used)
    return f"q{number}"


def _inside(form: Questionnaires, group: str, language: str) -> list[JsonItem]:
    if not group:
        top: list[JsonItem] = form[language]["item"]
        return top
    inner: list[JsonItem] = find(form, group, language=language)["item"]
    return inner


def _remove(items: list[JsonItem], link_id: str) -> None:
    items[:] = [each for each in items if each["linkId"] != link_id]
    for item in items:
        _remove(item.get("item", []), link_id)


def _fill(target: JsonItem, item: ItemInput, language: str, form: Questionnaires) -> None:
    """Sets what staff entered; a code, a limit and ordinal values stay where they still fit."""
    target["type"] = item.type.value
    target["text"] = item.texts.get(language, "")
    _set(target, "required", item.required and item.type not in NOT_QUESTIONS)
    _set(target, "repeats", item.repeats and item.type in CHOICES)
    if item.type not in TEXTS:
        target.pop("maxLength", None)
    record_fields.set_field(target, item.record_field)
    if item.type in CHOICES:
        target["answerOption"] = _options(target, item, language, form)
    else:
        target.pop("answerOption", None)
    if item.type == ItemType.GROUP:
        target.setdefault("item", [])
    if not item.keeps_conditions:
        target.pop("enableWhen", None)
        target.pop("enableBehavior", None)
        if item.condition is not None:
            target["enableWhen"] = [_condition(item.condition, form)]


def _set(target: JsonItem, key: str, value: bool) -> None:  # noqa: FBT001 - the value of the key
    target.pop(key, None)
    if value:
        target[key] = True


def _options(target: JsonItem, item: ItemInput, language: str, form: Questionnaires) -> list[JsonItem]:
    """Returns the options in one language. An option keeps its code if its English label or its place is unchanged."""
    existing = _existing_options(form, target["linkId"])
    labels = item.options[ENGLISH]
    own = item.options.get(language, ())
    codes = _codes(existing, labels)
    options = []
    for place, code in enumerate(codes):
        known = existing.get(code, {})
        coding = {key: value for key, value in known.get("valueCoding", {}).items() if key == "system"}
        coding |= {"code": code, "display": own[place] if place < len(own) else ""}
        options.append({**known, "valueCoding": coding})
    return options


def _existing_options(form: Questionnaires, link_id: str) -> dict[str, JsonItem]:
    items = [each for each in walk(form[ENGLISH]["item"]) if each["linkId"] == link_id]
    options = items[0].get("answerOption", []) if items else []
    return {each["valueCoding"]["code"]: each for each in options if "valueCoding" in each}


def _codes(existing: Mapping[str, JsonItem], labels: tuple[str, ...]) -> list[str]:
    by_label = {each["valueCoding"]["display"]: code for code, each in existing.items()}
    by_place = list(existing) if len(existing) == len(labels) else []
    codes: list[str] = []
    for place, label in enumerate(labels):
        code = by_label.get(label)
        if code is None and by_place and not _is_a_label(existing, by_place[place], labels):
            code = by_place[place]
        codes.append(code or _new_code({*existing, *codes}))
    return codes


def _is_a_label(existing: Mapping[str, JsonItem], code: str, labels: tuple[str, ...]) -> bool:
    return existing[code]["valueCoding"]["display"] in labels


def _new_code(used: set[str]) -> str:
    return next(f"a{number}" for number in range(1, len(used) + 2) if f"a{number}" not in used)


def _condition(condition: ConditionInput, form: Questionnaires) -> JsonItem:
    question = find(form, condition.question)
    base = {"question": condition.question, "operator": "="}
    if not condition.answer:
        return {**base, "operator": "exists", "answerBoolean": True}
    if question["type"] == ItemType.BOOLEAN:
        return {**base, "answerBoolean": condition.answer == "true"}
    options = question.get("answerOption", [])
    if not condition.answer.isdecimal() or int(condition.answer) >= len(options):
        raise ItemMissing(_("This answer is no longer offered by the question. Open the form again."))
    return _answer(base, options[int(condition.answer)])


def _answer(base: JsonItem, option: JsonItem) -> JsonItem:
    key = next(each for each in option if each.startswith("value"))
    value = option[key]
    if key == "valueCoding":
        value = {each: value[each] for each in ("system", "code") if each in value}
    return {**base, key.replace("value", "answer"): value}


def condition_of(item: JsonItem, form: Questionnaires) -> ConditionInput | None:
    """Returns the item's condition as staff enter it; None if it has none, or one that only an import can make."""
    conditions = item.get("enableWhen", [])
    if len(conditions) != 1:
        return None
    question = find(form, conditions[0]["question"])
    is_yes_or_no = question["type"] == ItemType.BOOLEAN
    offered = (
        ["true", "false"]
        if is_yes_or_no
        else [str(place) for place, _each in enumerate(question.get("answerOption", []))]
    )
    answers = ["", *offered]
    candidates = [ConditionInput(question["linkId"], answer) for answer in answers]
    stored = _without_display(conditions[0])
    return next((each for each in candidates if _condition(each, form) == stored), None)


def _without_display(condition: JsonItem) -> JsonItem:
    if "answerCoding" not in condition:
        return condition
    coding = {key: value for key, value in condition["answerCoding"].items() if key != "display"}
    return {**condition, "answerCoding": coding}
