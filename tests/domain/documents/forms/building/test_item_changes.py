"""A form that is built question by question, in both languages at once."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.domain.documents.forms import questionnaire_check, translation_check
from portico.domain.documents.forms.building import form_items, item_changes, item_conditions
from portico.domain.documents.forms.building.form_items import ItemMissing, Questionnaires
from portico.domain.documents.forms.building.item_changes import ItemInput, ItemInUse
from portico.domain.documents.forms.building.item_conditions import ConditionInput
from portico.domain.documents.forms.questionnaire import ORDINAL_VALUE, ItemType
from tests.domain.documents.forms import form_strategies, sample_forms
from tests.domain.documents.forms.building import built_forms


def _empty() -> Questionnaires:
    return {each: {"resourceType": "Questionnaire", "status": "active", "item": []} for each in ("en", "es")}


def _input(item_type: ItemType, *options: str, **more: Any) -> ItemInput:  # Any: fields of the input.
    values: dict[str, Any] = {"texts": {"en": "Question", "es": "Pregunta"}, "options": {"en": options, "es": options}}
    return ItemInput(item_type, **(values | more))


def _sample() -> Questionnaires:
    resource = sample_forms.resource()
    return {"en": resource, "es": form_items.blank_translation(resource)}


def test_a_form_with_a_branch_is_built() -> None:
    form, page = item_changes.add(_empty(), _input(ItemType.GROUP))
    form, first = item_changes.add(form, _input(ItemType.CHOICE, "Yes", "No", required=True), group=page)
    form, second = item_changes.add(form, _input(ItemType.TEXT, condition=ConditionInput(first, "0")), group=page)
    read = {language: questionnaire_check.read(each) for language, each in form.items()}
    assert translation_check.find_differences(read["en"], read["es"]) == []
    condition = read["en"].by_link_id[second].conditions[0]
    assert (condition.question, condition.expected) == (first, read["en"].by_link_id[first].options[0].comparable)
    assert item_conditions.condition_of(form_items.find(form, second), form) == ConditionInput(first, "0")


@pytest.mark.parametrize("answer", ["", "true", "false"])
def test_a_condition_on_a_yes_or_no_question_is_read_back(answer: str) -> None:
    form, first = item_changes.add(_empty(), _input(ItemType.BOOLEAN))
    form, second = item_changes.add(form, _input(ItemType.STRING, condition=ConditionInput(first, answer)))
    assert item_conditions.condition_of(form_items.find(form, second), form) == ConditionInput(first, answer)
    assert questionnaire_check.check(form["en"]) == []


def test_renamed_options_keep_their_codes_and_values() -> None:
    form, link_id = item_changes.add(_empty(), _input(ItemType.CHOICE, "Never", "Often"))
    for place, option in enumerate(form_items.find(form, link_id)["answerOption"]):
        option["extension"] = [{"url": ORDINAL_VALUE, "valueDecimal": place}]
    before = form_items.find(form, link_id)["answerOption"]
    changed = item_changes.change(form, link_id, _input(ItemType.CHOICE, "Often", "Not at all", "New"), group="")
    often, _not_at_all, _new = form_items.find(changed, link_id)["answerOption"]
    assert often == before[1]
    renamed = item_changes.change(form, link_id, _input(ItemType.CHOICE, "Not at all", "Often"), group="")
    first, _often = form_items.find(renamed, link_id)["answerOption"]
    assert first["valueCoding"] == {"code": before[0]["valueCoding"]["code"], "display": "Not at all"}
    assert first["extension"] == before[0]["extension"]


def test_a_question_that_another_depends_on_is_not_removed() -> None:
    with pytest.raises(ItemInUse, match="Which"):
        item_changes.remove(_sample(), "pills")
    form = item_changes.remove(item_changes.remove(_sample(), "which"), "pills")
    assert questionnaire_check.check(form["en"]) == []


def test_a_removed_question_is_named_as_missing() -> None:
    form = item_changes.remove(_sample(), "born")
    with pytest.raises(ItemMissing):
        item_changes.change(form, "born", _input(ItemType.DATE), group="")
    with pytest.raises(ItemMissing):
        item_changes.add(form, _input(ItemType.DATE), group="no-such-page")


def _order(form: Questionnaires, group: str) -> list[str]:
    return [each["linkId"] for each in form_items.find(form, group)["item"]]


def test_a_question_moves_to_another_page() -> None:
    form = item_changes.change(_sample(), "which", _input(ItemType.STRING, keeps_conditions=True), group="page-2")
    assert form_items.group_of(form, "which") == "page-2"
    assert _order(form, "page-2")[2] == "which"
    moved = item_changes.move(form, "which", to=0)
    assert _order(moved, "page-2")[0] == "which"
    assert form_items.find(moved, "which", language="es")["text"] == "Pregunta"
    assert questionnaire_check.check(moved["en"]) == []


def test_another_type_drops_what_does_not_fit() -> None:
    form = item_changes.change(_sample(), "which", _input(ItemType.INTEGER), group="")
    assert form_items.find(form, "which").keys() == {"linkId", "type", "text"}


@given(built_forms.built_forms())
def test_what_is_built_asks_the_same_in_both_languages(form: Questionnaires) -> None:
    english, spanish = (questionnaire_check.read(form[language]) for language in built_forms.LANGUAGES)
    assert translation_check.find_differences(english, spanish) == []
    for item in form_items.walk(form["en"]["item"]):
        condition = item_conditions.condition_of(item, form)
        assert (condition is not None) == ("enableWhen" in item)


@given(form_strategies.resources(), st.data())
def test_moving_and_removing_keep_both_languages_alike(resource: dict[str, Any], data: st.DataObject) -> None:
    form: Questionnaires = {"en": resource, "es": deepcopy(resource)}
    link_id = data.draw(st.sampled_from([each["linkId"] for each in form_items.walk(resource["item"])]))
    form = item_changes.move(form, link_id, to=data.draw(st.integers(-1, 5)))
    try:
        form = item_changes.remove(form, link_id)
    except ItemInUse:
        return
    assert form["en"] == form["es"]
    assert link_id not in {each["linkId"] for each in form_items.walk(form["en"]["item"])}
