"""The checker refuses what is outside the subset, with the item and the reason."""

from collections.abc import Callable
from typing import Any

import pytest

from portico.domain.documents.forms import questionnaire_check
from portico.domain.documents.forms.questionnaire import ORDINAL_VALUE
from tests.domain.documents.forms import sample_forms

type Items = list[dict[str, Any]]  # Any: JSON.


def test_the_sample_form_is_accepted() -> None:
    assert questionnaire_check.check(sample_forms.resource()) == []


def _set(item: int, /, **changes: object) -> Callable[[Items], None]:
    return lambda items: items[item].update(changes)


def _condition(**condition: object) -> Callable[[Items], None]:
    return _set(1, enableWhen=[condition])


@pytest.mark.parametrize(
    ("change", "item", "reason"),
    [
        (_set(1, linkId="pills"), "pills", "same “linkId”"),
        (_set(1, linkId="a b"), "2", "Its “linkId” must have"),
        (_set(1, linkId=["pills"]), "2", "Its “linkId” must have"),
        (_set(0, type="attachment"), "pills", "“attachment” is not supported"),
        (_set(0, type={}), "pills", "“{}” is not supported"),
        (_set(0, answerValueSet="#x"), "pills", "“answerValueSet” is not supported"),
        (_set(0, text=3), "pills", "“text” is missing"),
        (_set(0, text="a\x00"), "pills", "can’t be shown"),
        (_set(0, text="4111 1111 1111 1111"), "pills", "card number"),
        (_set(0, required="yes"), "pills", "must be true or false"),
        (_set(2, required=True), "page-2", "Only a question can be required"),
        (_set(1, repeats=True), "which", "Only a choice may have several answers"),
        (_set(1, maxLength=0), "which", "from 1 to 1000"),
        (_set(0, maxLength=10), "pills", "Only a text may have “maxLength”"),
        (_set(1, answerOption=[]), "which", "Only a choice may have options"),
        (_set(0, answerOption=[]), "pills", "needs 1 to 100 options"),
        (_set(0, answerOption=[{"valueInteger": 1}, {"valueInteger": 1}]), "pills", "Two of its options are the same"),
        (_set(0, answerOption=[{"valueString": "a"}, {"valueInteger": 1}]), "pills", "different types"),
        (_set(0, answerOption=[{"valueCoding": {"code": "a"}}]), "pills", "“code” and “display”"),
        (_set(0, answerOption=[{"valueDate": "2026-01-01"}]), "pills", "Each option needs"),
        (
            _set(0, answerOption=[{"valueInteger": 1, "extension": [{"url": ORDINAL_VALUE}]}]),
            "pills",
            "“ordinalValue” with a number",
        ),
        (_set(1, item=[{}]), "which", "Only a group may contain items"),
        (_set(2, item=[]), "page-2", "It has no items"),
        (_condition(question="born", operator="exists", answerBoolean=True), "which", "not an earlier question"),
        (_condition(question="which", operator="exists", answerBoolean=True), "which", "not an earlier question"),
        (_condition(question="pills", operator="exists", answerBoolean="yes"), "which", "needs true or false"),
        (_condition(question="pills", operator="=", answerString="yes"), "which", "doesn’t fit the question"),
        (_condition(question="pills", operator="=", answerCoding={"code": "maybe"}), "which", "not an option"),
        (_condition(question="pills", operator=">", answerCoding={"code": "yes"}), "which", "have no order"),
        (_condition(question="pills", operator="like", answerCoding={"code": "yes"}), "which", "needs a question"),
        (_set(1, enableWhen=[{}] * 21), "which", "up to 20"),
        (_set(1, enableWhen=[], enableBehavior="one"), "which", "all or any"),
        (_set(1, enableWhen=[], enableBehavior=[]), "which", "all or any"),
        (_set(1, code=[{"system": "http://loinc.org"}]), "which", "“code” must be a list"),
    ],
)
def test_each_refusal_names_the_item_and_the_reason(change: Callable[[Items], None], item: str, reason: str) -> None:
    resource = sample_forms.resource()
    change(resource["item"])
    problems = questionnaire_check.check(resource)
    assert any(reason in each.reason for each in problems if each.item == item), problems
    with pytest.raises(questionnaire_check.QuestionnaireRefused):
        questionnaire_check.read(resource)


def test_a_status_that_is_no_text_is_refused() -> None:
    assert questionnaire_check.check(sample_forms.resource() | {"status": []}) != []


@pytest.mark.parametrize("resource", [None, [], "x", {}, {"resourceType": "Patient"}])
def test_another_file_is_no_form(resource: object) -> None:
    assert "not a FHIR Questionnaire" in str(questionnaire_check.check(resource)[0])


def test_a_form_of_401_items_is_refused_once() -> None:
    item = {"type": "boolean", "text": "Yes?"}
    items = [{"linkId": str(number), **item} for number in range(450)]
    problems = questionnaire_check.check({"resourceType": "Questionnaire", "status": "draft", "item": items})
    assert [each.reason for each in problems] == ["The form has more than 400 items."]


def test_groups_are_nested_five_deep_at_most() -> None:
    item: dict[str, Any] = {"linkId": "q", "type": "boolean", "text": "Yes?"}
    for depth in range(5):
        item = {"linkId": f"g{depth}", "type": "group", "text": "Group", "item": [item]}
    resource = {"resourceType": "Questionnaire", "status": "draft", "item": [item]}
    assert questionnaire_check.check(resource) == []
    resource["item"] = [{"linkId": "top", "type": "group", "text": "Group", "item": [item]}]
    assert [str(each) for each in questionnaire_check.check(resource)] == ["g0: Groups may be nested 5 deep."]
