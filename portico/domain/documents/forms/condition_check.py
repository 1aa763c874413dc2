"""Checks a condition of a FHIR Questionnaire: it compares an earlier question with an answer that this can have."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from portico.domain.documents.forms import answer_values
from portico.domain.documents.forms.questionnaire import CHOICES, VALUE_TYPES, ItemType
from portico.plumbing.text.input_validation import clean_line

_ORDERED = frozenset({"Integer", "Decimal", "Date", "DateTime", "Time"})
_OPERATORS = ("exists", "=", "!=", ">", "<", ">=", "<=")


@dataclass(frozen=True)
class EarlierQuestion:
    """An earlier question, for the conditions of later items. `options` are the values of its options."""

    type: str
    options: frozenset[answer_values.AnswerValue]
    option_types: frozenset[str]


def find_problem(condition: object, questions: Mapping[str, EarlierQuestion]) -> str | None:
    """Returns why the condition can't be used, given the questions before it by linkId; None if it can."""
    if not isinstance(condition, dict):
        return _("A condition is not an object.")
    answers = [key for key in condition if key not in {"question", "operator"}]
    question, operator = condition.get("question"), condition.get("operator")
    if len(answers) != 1 or operator not in _OPERATORS:
        return _("A condition needs a question, an operator and one answer.")
    if not isinstance(question, str) or question not in questions:
        return _("Its condition is about “%(question)s”, which is not an earlier question.") % {
            "question": shown_in_sentence(question)
        }
    return _answer_problem(questions[question], operator, answers[0], condition[answers[0]])


def _answer_problem(question: EarlierQuestion, operator: str, key: str, answer: object) -> str | None:
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


def _option_answer_problem(question: EarlierQuestion, operator: str, key: str, answer: object) -> str | None:
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
        return answer_values.is_coding(value)
    return answer_values.find_error(value_type, value, is_line=True) is None


def shown_in_sentence(value: object) -> str:
    """Returns a value of a file that may hold anything, as it is named in a sentence."""
    return clean_line(str(value).encode(errors="replace").decode())[:80]
