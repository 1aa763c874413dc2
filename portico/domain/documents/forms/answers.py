"""Checks answers to a form. Page and server use the same function."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from portico.domain.documents.forms import answer_items, answer_values, canonical_json
from portico.domain.documents.forms.answer_items import Answer
from portico.domain.documents.forms.branching import find_open
from portico.domain.documents.forms.questionnaire import VALUE_TYPES, Item, ItemType, Questionnaire

MAX_BYTES = 250_000
MAX_LINK_ID = 64
# The key of an error that belongs to no question.
WHOLE_FORM = ""


@dataclass(frozen=True)
class CheckedAnswers:
    """The result of a check.

    `items`: the accepted answers as nested items in the order of the form, codings with the form's own display. Of
    complete answers, those to closed questions are left out, and named in `dropped`.
    `errors`: a sentence for each linkId, in the current language; WHOLE_FORM for what belongs to no question.
    """

    items: list[dict[str, Any]]  # Any: JSON.
    errors: dict[str, str]
    dropped: tuple[str, ...] = ()

    @property
    def is_valid(self) -> bool:
        return not self.errors


def check_answers(questionnaire: Questionnaire, answers: object, *, complete: bool) -> CheckedAnswers:
    """Checks answers that a browser sent, in the form of a QuestionnaireResponse's items.

    With `complete`, the required questions that are open must be answered. Without, the answers are a draft: any of
    them may be missing, and those to closed questions are kept.
    """
    errors: dict[str, str] = {}
    if _is_too_large(answers):
        return CheckedAnswers([], {WHOLE_FORM: _("Your answers are too long to be saved. Shorten them.")})
    accepted: dict[str, list[Answer]] = {}
    for item, given in _find(questionnaire.items, answers, errors):
        checked, error = _check_question(item, given)
        if error:
            errors[item.link_id] = error
        elif checked:
            accepted[item.link_id] = checked
    if not complete:
        return CheckedAnswers(answer_items.build(questionnaire, accepted), errors)
    values = {link_id: [answer_items.value_of(each) for each in given] for link_id, given in accepted.items()}
    open_link_ids = find_open(questionnaire, values)
    kept = {link_id: given for link_id, given in accepted.items() if link_id in open_link_ids}
    for question in questionnaire.questions:
        link_id = question.link_id
        if question.required and link_id in open_link_ids and link_id not in kept:
            errors.setdefault(link_id, _("Answer this question."))
    # What is wrong with the answer to a closed question does not matter: it is left out.
    open_errors = {
        link_id: error
        for link_id, error in errors.items()
        if link_id in open_link_ids or link_id not in questionnaire.by_link_id
    }
    dropped = tuple(link_id for link_id in accepted if link_id not in open_link_ids)
    return CheckedAnswers(answer_items.build(questionnaire, kept), open_errors, dropped)


def _is_too_large(answers: object) -> bool:
    try:
        return len(canonical_json.canonical(answers)) > MAX_BYTES
    except (ValueError, RecursionError):
        # NaN, a lone surrogate, or lists nested without end: the checks below would not reach it.
        return True


def _find(items: tuple[Item, ...], answers: object, errors: dict[str, str]) -> Iterator[tuple[Item, object]]:
    """Yields each answered question with what was answered, and adds errors about the items themselves."""
    if not isinstance(answers, list):
        errors[WHOLE_FORM] = _unreadable()
        return
    expected = {item.link_id: item for item in items}
    seen: set[str] = set()
    for given in answers:
        link_id = given.get("linkId") if isinstance(given, dict) else None
        if not isinstance(given, dict) or not isinstance(link_id, str) or len(link_id) > MAX_LINK_ID:
            errors[WHOLE_FORM] = _unreadable()
            continue
        item = expected.get(link_id)
        if item is None or item.type == ItemType.DISPLAY:
            errors[link_id] = _("This question is not part of the form.")
        elif link_id in seen:
            errors[link_id] = _("This question was answered twice.")
        elif given.keys() != {"linkId", "item" if item.items else "answer"}:
            errors[link_id] = _unreadable()
        elif item.items:
            yield from _find(item.items, given["item"], errors)
        else:
            yield item, given["answer"]
        seen.add(link_id)


def _check_question(item: Item, given: object) -> tuple[list[Answer], str | None]:
    """Returns the accepted answers to one question, or the sentence about what is wrong."""
    if not isinstance(given, list):
        return [], _unreadable()
    if len(given) > 1 and not item.repeats:
        return [], _("Choose one answer.") if item.is_choice else _("Enter only one answer.")
    accepted: list[Answer] = []
    for answer in given:
        checked, error = _check_answer(item, answer)
        if checked is None:
            return [], error
        accepted.append(checked)
    values = [answer_items.value_of(answer) for answer in accepted]
    if len(set(values)) < len(values):
        return [], _("The same answer was given twice.")
    return accepted, None


def _check_answer(item: Item, answer: object) -> tuple[Answer | None, str]:
    if not isinstance(answer, dict) or len(answer) != 1:
        return None, _unreadable()
    ((key, value),) = answer.items()
    if item.is_choice:
        return _check_choice(item, str(key).removeprefix("value"), value)
    value_type = VALUE_TYPES[item.type]
    if key != f"value{value_type}":
        return None, _unreadable()
    error = answer_values.find_error(
        value_type, value, max_length=item.max_length, is_line=item.type == ItemType.STRING
    )
    return (None, error) if error else ({str(key): value}, "")


def _check_choice(item: Item, value_type: str, value: object) -> tuple[Answer | None, str]:
    if _is_comparable(value_type, value):
        option = item.option_with(answer_values.comparable(value_type, value))
        if option is not None and option.value_type == value_type:
            return option.answer, ""
    if not item.may_type_other or value_type != "String":
        return None, _("Choose one of the answers shown.")
    error = answer_values.find_error("String", value, is_line=True)
    return (None, error) if error else ({"valueString": value}, "")


def _is_comparable(value_type: str, value: object) -> bool:
    if value_type == "Coding":
        return (
            isinstance(value, dict)
            and value.keys() <= {"system", "code", "display"}
            and isinstance(value.get("code"), str)
            and isinstance(value.get("system", ""), str)
        )
    if value_type == "String":
        return isinstance(value, str)
    return value_type == "Integer" and isinstance(value, int) and not isinstance(value, bool)


def _unreadable() -> str:
    return _("This answer can’t be read. Please enter it again.")
