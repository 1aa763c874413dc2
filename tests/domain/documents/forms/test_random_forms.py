"""Random forms: what the checker accepts can be shown, answered, completed and stored."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from portico.domain.documents.forms import answer_items, canonical_json, questionnaire_check, translation_check
from portico.domain.documents.forms.answers import check_answers
from portico.domain.documents.forms.branching import open_items
from tests.domain.documents.forms import form_strategies


@given(st.data())
def test_whatever_is_answered_to_an_accepted_form_is_kept(data: st.DataObject) -> None:
    form = questionnaire_check.read(data.draw(form_strategies.resources()))
    values = data.draw(form_strategies.values(form))
    checked = check_answers(form, answer_items.build(form, values), complete=False)
    assert checked.errors == {}
    assert answer_items.flatten(checked.items) == values


@given(st.data())
def test_with_every_required_answer_a_form_is_complete(data: st.DataObject) -> None:
    form = questionnaire_check.read(data.draw(form_strategies.resources()))
    values = data.draw(form_strategies.values(form, all_required=True))
    checked = check_answers(form, answer_items.build(form, values), complete=True)
    assert checked.errors == {}
    # Only what is open is submitted, and submitting it again changes nothing.
    is_open = open_items(form, checked.items)
    assert answer_items.flatten(checked.items).keys() == values.keys() & is_open
    assert set(checked.dropped) == values.keys() - is_open
    assert check_answers(form, checked.items, complete=True) == type(checked)(checked.items, {})


@given(st.data())
def test_an_open_required_question_without_an_answer_is_named(data: st.DataObject) -> None:
    form = questionnaire_check.read(data.draw(form_strategies.resources()))
    checked = check_answers(form, [], complete=True)
    is_open = open_items(form, [])
    assert checked.errors.keys() == {each.link_id for each in form.questions if each.required} & is_open


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=40)
@given(st.data())
def test_no_answer_breaks_the_check(data: st.DataObject) -> None:
    form = questionnaire_check.read(data.draw(form_strategies.resources()))
    link_ids = st.sampled_from(sorted(form.by_link_id)) | st.text(max_size=3)
    answer = st.dictionaries(st.sampled_from(["valueString", "valueCoding", "valueDate", "valueInteger", "x"]), JSON)
    item = st.fixed_dictionaries({"linkId": link_ids, "answer": st.lists(answer) | JSON})
    checked = check_answers(form, data.draw(st.lists(item, max_size=4) | JSON), complete=True)
    # What was accepted is accepted again, and can be stored.
    assert check_answers(form, checked.items, complete=False).errors == {}
    canonical_json.canonical(checked.items)


@given(form_strategies.resources(), st.data())
def test_a_form_with_any_part_replaced_is_refused_or_read(resource: dict[str, Any], data: st.DataObject) -> None:
    item = data.draw(st.sampled_from(resource["item"]))
    item[data.draw(st.sampled_from([*item, "maxLength", "item"]))] = data.draw(JSON)
    problems = questionnaire_check.check(resource)
    assert problems or questionnaire_check.read(resource).questions
    assert all(str(problem).strip() for problem in problems)


@given(form_strategies.resources())
def test_the_digest_survives_storing(resource: dict[str, Any]) -> None:
    stored = json.loads(json.dumps(resource))
    assert canonical_json.digest(dict(reversed(stored.items()))) == canonical_json.digest(resource)


@given(form_strategies.resources())
def test_a_form_has_the_structure_of_its_translation(resource: dict[str, Any]) -> None:
    translated = json.loads(json.dumps(resource).replace('"text": "T', '"text": "Ñ'))
    form = questionnaire_check.read(resource)
    assert translation_check.find_differences(form, questionnaire_check.read(translated)) == []
    del translated["item"][-1]
    if translated["item"] and not questionnaire_check.check(translated):
        assert translation_check.find_differences(form, questionnaire_check.read(translated))
