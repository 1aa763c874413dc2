"""The answered items of a FHIR R4 QuestionnaireResponse: nested as in the form, and as one list by question."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from portico.domain.documents.forms import answer_values
from portico.domain.documents.forms.answer_values import AnswerValue
from portico.domain.documents.forms.questionnaire import Item, Questionnaire

# One answer, such as {"valueString": "Peanuts"}. Any: JSON.
type Answer = dict[str, Any]


def build(questionnaire: Questionnaire, answers: Mapping[str, Sequence[Answer]]) -> list[dict[str, Any]]:  # Any: JSON.
    """Returns the answers, given by linkId, as nested items in the order of the form.

    Items without answers are left out.
    """
    return list(_build(questionnaire.items, answers))


def _build(items: tuple[Item, ...], answers: Mapping[str, Sequence[Answer]]) -> Iterator[dict[str, Any]]:  # Any: JSON.
    for item in items:
        if item.items:
            if inner := list(_build(item.items, answers)):
                yield {"linkId": item.link_id, "item": inner}
        elif item.is_question and answers.get(item.link_id):
            yield {"linkId": item.link_id, "answer": list(answers[item.link_id])}


def flatten(answers: list[dict[str, Any]]) -> dict[str, list[Answer]]:  # Any: JSON.
    """Returns the answers of checked items by linkId."""
    found: dict[str, list[Answer]] = {}
    for item in answers:
        if "answer" in item:
            found[item["linkId"]] = item["answer"]
        found |= flatten(item.get("item", []))
    return found


def read_values(
    questionnaire: Questionnaire, answers: list[dict[str, Any]]
) -> dict[str, list[AnswerValue]]:  # Any: JSON.
    """Returns the values of checked items by linkId, as Python compares them."""
    known = questionnaire.by_link_id
    return {
        link_id: [value_of(answer) for answer in given]
        for link_id, given in flatten(answers).items()
        if link_id in known
    }


def value_of(answer: Answer) -> AnswerValue:
    """Returns the value of one checked answer, as Python compares it."""
    ((key, value),) = answer.items()
    return answer_values.comparable(key.removeprefix("value"), value)
