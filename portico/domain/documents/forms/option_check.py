"""Checks the options of a choice in a FHIR Questionnaire."""

import math

from django.utils.translation import gettext as _

from portico.domain.documents.forms import answer_values
from portico.domain.documents.forms.condition_check import EarlierQuestion
from portico.domain.documents.forms.questionnaire import CHOICES, OPTION_TYPES, ORDINAL_VALUE, ItemType

MAX_OPTIONS = 100


def check(item: dict[str, object], item_type: ItemType) -> tuple[EarlierQuestion, list[str]]:
    """Returns what later conditions need to know about the question, and why its options can't be used."""
    nothing = EarlierQuestion(item_type, frozenset(), frozenset())
    if item_type not in CHOICES:
        return nothing, [_("Only a choice may have options.")] if "answerOption" in item else []
    options = item.get("answerOption")
    if not isinstance(options, list) or not 1 <= len(options) <= MAX_OPTIONS:
        return nothing, [_("It needs 1 to %(limit)d options.") % {"limit": MAX_OPTIONS}]
    values: list[answer_values.AnswerValue] = []
    labels: list[str] = []
    types = set()
    for option in options:
        value_type = _option_type(option)
        if reason := _option_problem(option, value_type):
            return nothing, [reason]
        value = option[f"value{value_type}"]
        types.add(value_type)
        values.append(answer_values.comparable(value_type, value))
        labels.append(value["display"] if value_type == "Coding" else str(value))
    reasons = []
    if len(types) > 1:
        reasons.append(_("Its options are of different types."))
    if len(set(values)) < len(values) or len(set(labels)) < len(labels):
        reasons.append(_("Two of its options are the same."))
    return EarlierQuestion(item_type, frozenset(values), frozenset(types)), reasons


def _option_problem(option: object, value_type: str) -> str | None:
    """Returns why the option can't be used, given the type of its value; None if it can."""
    if not value_type or not isinstance(option, dict):
        return _("Each option needs a “valueCoding”, “valueString” or “valueInteger”.")
    value = option[f"value{value_type}"]
    if value_type == "Coding":
        if not answer_values.is_coding(value) or "display" not in value:
            return _("The coding of each option needs “code” and “display”.")
    elif answer_values.find_error(value_type, value, max_length=answer_values.MAX_OPTION_TEXT, is_line=True):
        return _("The value of an option can’t be used.")
    if "extension" in option and not _is_ordinal(option["extension"]):
        return _("An option may have the extension “ordinalValue” with a number, and no other.")
    return None


def _option_type(option: object) -> str:
    """Returns the type of the option's value; empty if it has none, or more than one."""
    if not isinstance(option, dict):
        return ""
    types = [each for each in OPTION_TYPES if f"value{each}" in option]
    known = {f"value{each}" for each in types} | {"extension"}
    return types[0] if len(types) == 1 and option.keys() <= known else ""


def _is_ordinal(extensions: object) -> bool:
    if not isinstance(extensions, list) or len(extensions) != 1 or not isinstance(extensions[0], dict):
        return False
    value = extensions[0].get("valueDecimal")
    is_number = not isinstance(value, bool) and isinstance(value, int | float) and math.isfinite(value)
    return extensions[0].keys() == {"url", "valueDecimal"} and extensions[0]["url"] == ORDINAL_VALUE and is_number
