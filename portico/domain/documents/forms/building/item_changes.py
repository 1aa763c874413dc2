"""Changes to a form, question by question, each made in every language at once."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass

from django.utils.translation import gettext as _

from portico.domain.documents.forms import record_fields
from portico.domain.documents.forms.building import form_items, item_conditions
from portico.domain.documents.forms.building.form_items import ENGLISH, JsonItem, Questionnaires
from portico.domain.documents.forms.building.item_conditions import ConditionInput
from portico.domain.documents.forms.questionnaire import CHOICES, NOT_QUESTIONS, TEXTS, ItemType
from portico.domain.documents.forms.record_fields import RecordField
from portico.plumbing.refusals import Refused


class ItemInUse(Refused):
    """Another item is shown only after an answer to this one."""


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
    is_moved = form_items.group_of(form, link_id) != group
    for language in changed:
        existing = form_items.find(changed, link_id, language=language)
        _fill(existing, item, language, form)
        if is_moved:
            _remove(changed[language]["item"], link_id)
            _inside(changed, group, language).append(existing)
    return changed


def remove(form: Questionnaires, link_id: str) -> Questionnaires:
    """Returns the form without the item; with a group, all items in it are removed. Raises ItemMissing, ItemInUse."""
    removed = {each["linkId"] for each in form_items.walk([form_items.find(form, link_id)])}
    for item in form_items.walk(form[ENGLISH]["item"]):
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
    group = form_items.group_of(form, link_id)
    for language in changed:
        item = form_items.find(changed, link_id, language=language)
        neighbors = _inside(changed, group, language)
        neighbors.remove(item)
        neighbors.insert(min(max(to, 0), len(neighbors)), item)
    return changed


def _new_link_id(form: Questionnaires) -> str:
    used = {each["linkId"] for each in form_items.walk(form[ENGLISH]["item"])}
    number = next(number for number in range(1, len(used) + 2) if f"q{number}" not in used)
    return f"q{number}"


def _inside(form: Questionnaires, group: str, language: str) -> list[JsonItem]:
    if not group:
        top: list[JsonItem] = form[language]["item"]
        return top
    inner: list[JsonItem] = form_items.find(form, group, language=language)["item"]
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
            target["enableWhen"] = [item_conditions.stored(item.condition, form)]


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
    items = [each for each in form_items.walk(form[ENGLISH]["item"]) if each["linkId"] == link_id]
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
