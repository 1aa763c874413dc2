"""Finds the items of a form that are open, by the answers to earlier questions."""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from portico.domain.documents.forms.answer_items import read_values
from portico.domain.documents.forms.answer_values import AnswerValue
from portico.domain.documents.forms.questionnaire import Condition, Item, Questionnaire

# Comparisons by the operators of `enableWhen` (https://hl7.org/fhir/R4/valueset-questionnaire-enable-operator.html).
# Any: both sides are of one type.
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}


def open_items(questionnaire: Questionnaire, answers: list[dict[str, Any]]) -> frozenset[str]:  # Any: JSON.
    """Returns the linkIds of the open items: groups, questions and texts whose conditions hold.

    `answers` is a list of answered items that `check_answers` returned, or a stored draft. What was answered to a
    question that is now closed counts as not answered.
    """
    return find_open(questionnaire, read_values(questionnaire, answers))


def find_open(questionnaire: Questionnaire, values: Mapping[str, list[AnswerValue]]) -> frozenset[str]:
    """Returns the linkIds of the open items; `values` are the answers to each question."""
    open_link_ids: set[str] = set()
    for item in questionnaire.items:
        _open(item, values, open_link_ids)
    return frozenset(open_link_ids)


def _open(item: Item, values: Mapping[str, list[AnswerValue]], open_link_ids: set[str]) -> None:
    # Conditions are about earlier questions only, so one pass is enough.
    holding = (
        _is_met(each, values.get(each.question, []) if each.question in open_link_ids else [])
        for each in item.conditions
    )
    if item.conditions and not (all(holding) if item.all_conditions else any(holding)):
        return
    open_link_ids.add(item.link_id)
    for inner in item.items:
        _open(inner, values, open_link_ids)


def _is_met(condition: Condition, answers: list[AnswerValue]) -> bool:
    if condition.operator == "exists":
        return bool(answers) is condition.expected
    if condition.operator == "!=":
        # FHIR R4: no answer is equal. It holds for a question without an answer too.
        return all(answer != condition.expected for answer in answers)
    compare = _COMPARISONS[condition.operator]
    return any(type(answer) is type(condition.expected) and compare(answer, condition.expected) for answer in answers)
