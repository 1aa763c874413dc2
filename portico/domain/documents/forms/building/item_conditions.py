"""The condition under which an item is shown, as staff enter it and as it is stored."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from portico.domain.documents.forms.building import form_items
from portico.domain.documents.forms.building.form_items import ItemMissing, JsonItem, Questionnaires
from portico.domain.documents.forms.questionnaire import ItemType


@dataclass(frozen=True)
class ConditionInput:
    """The item is open only if an earlier question has this answer.

    `answer` is the place of an option ("0" is the first), "true" or "false" for a yes or no question, or empty for any
    answer.
    """

    question: str
    answer: str = ""


def stored(condition: ConditionInput, form: Questionnaires) -> JsonItem:
    """Returns the condition as FHIR's `enableWhen` has it. Raises ItemMissing."""
    question = form_items.find(form, condition.question)
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
    question = form_items.find(form, conditions[0]["question"])
    is_yes_or_no = question["type"] == ItemType.BOOLEAN
    offered = (
        ["true", "false"]
        if is_yes_or_no
        else [str(place) for place, _each in enumerate(question.get("answerOption", []))]
    )
    answers = ["", *offered]
    candidates = [ConditionInput(question["linkId"], answer) for answer in answers]
    existing = _without_display(conditions[0])
    return next((each for each in candidates if stored(each, form) == existing), None)


def _without_display(condition: JsonItem) -> JsonItem:
    if "answerCoding" not in condition:
        return condition
    coding = {key: value for key, value in condition["answerCoding"].items() if key != "display"}
    return {**condition, "answerCoding": coding}
