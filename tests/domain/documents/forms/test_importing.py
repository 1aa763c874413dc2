"""Questionnaires of other tools: imported, or refused with each item and its reason."""

import json
from typing import Any

import pytest
from fhir.resources.R4B.questionnaire import Questionnaire as LibraryQuestionnaire
from fhir.resources.R4B.questionnaireresponse import QuestionnaireResponse as LibraryResponse
from hypothesis import given, settings
from hypothesis import strategies as st

from portico.domain.documents.forms import answer_items, importing, questionnaire_check, scores
from portico.domain.documents.forms.questionnaire_check import QuestionnaireRefused
from portico.domain.documents.templates.starter_set import STARTER_SET
from tests.domain.documents.forms import form_strategies, sample_forms
from tests.domain.documents.forms.test_random_forms import JSON

STRUCTURE = "http://hl7.org/fhir/StructureDefinition/"
SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/"


def _exported(**item: Any) -> dict[str, Any]:  # Any: JSON.
    """Returns a form as LHC-Forms exports it: with a profile, controls, prefixes and scores beside the options."""
    options = [
        {
            "extension": [
                {"url": f"{STRUCTURE}questionnaire-optionPrefix", "valueString": str(place)},
                {"url": f"{STRUCTURE}ordinalValue", "valueDecimal": place},
            ],
            "valueCoding": {"system": "http://loinc.org", "code": f"LA{place}", "display": label},
        }
        for place, label in enumerate(("Not at all", "Several days"))
    ]
    return {
        "resourceType": "Questionnaire",
        "status": "draft",
        "meta": {"profile": [f"{SDC}sdc-questionnaire|2.7"], "tag": [{"code": "lformsVersion: 36.0.4"}]},
        "title": "Quick  check",
        "name": "check",
        "description": "Two weeks",
        "subjectType": ["Patient", "Person"],
        "code": [{"system": "http://loinc.org", "code": "44249-1", "display": "PHQ-9", "version": "2.7"}],
        "item": [
            {
                "type": "choice",
                "linkId": "/44250-9",
                "prefix": "1.",
                "text": "Little interest?",
                "required": True,
                "extension": [
                    {"url": f"{STRUCTURE}questionnaire-minOccurs", "valueInteger": 1},
                    {
                        "url": f"{STRUCTURE}questionnaire-itemControl",
                        "valueCodeableConcept": {"text": "Drop down"},
                    },
                ],
                "_text": {"extension": [{"url": f"{STRUCTURE}rendering-xhtml", "valueString": "<b>Little</b>"}]},
                "answerOption": options,
            }
            | item
        ],
    }


def _as_read_by(model: type[LibraryQuestionnaire] | type[LibraryResponse], resource: dict[str, Any]) -> dict[str, Any]:
    """Returns the resource as the FHIR library has read it. Raises ValidationError if it is invalid."""
    read: dict[str, Any] = json.loads(model.model_validate(resource).model_dump_json())
    return read


def test_an_export_of_another_tool_is_imported() -> None:
    imported = importing.read_file(json.dumps(_exported()).encode("utf-8-sig"))
    assert (imported.title, imported.description, imported.language) == ("Quick check", "Two weeks", "en")
    form = questionnaire_check.read(imported.questionnaire)
    (item,) = form.items
    assert (item.link_id, item.required) == ("/44250-9", True)
    assert [(option.label, option.ordinal) for option in item.options] == [("Not at all", 0), ("Several days", 1)]
    # It is named as PHQ-9, and lacks most of its questions.
    assert scores.find_scale(form) is None


def test_weights_inside_a_coding_are_scores_too() -> None:
    weight = {"url": f"{STRUCTURE}itemWeight", "valueDecimal": 3}
    options = [{"valueCoding": {"code": "a", "display": "Always", "extension": [weight]}}]
    form = questionnaire_check.read(importing.read(_exported(answerOption=options)).questionnaire)
    assert form.items[0].options[0].ordinal == 3


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"answerValueSet": "http://hl7.org/fhir/ValueSet/yesnodontknow"}, "“answerValueSet” is not supported"),
        (
            {"extension": [{"url": f"{SDC}sdc-questionnaire-calculatedExpression", "valueExpression": {}}]},
            "“sdc-questionnaire-calculatedExpression” is not supported",
        ),
        ({"extension": [{"url": f"{STRUCTURE}questionnaire-hidden", "valueBoolean": True}]}, "“questionnaire-hidden”"),
        (
            {"extension": [{"url": f"{STRUCTURE}questionnaire-minOccurs", "valueInteger": 2}]},
            "“questionnaire-minOccurs”",
        ),
        ({"readOnly": True}, "“readOnly” is not supported"),
        ({"repeats": "true"}, "“repeats” must be true or false"),
        ({"type": "quantity"}, "Its type “quantity” is not supported"),
        ({"item": [{"linkId": "inner", "type": "string", "text": "Which?"}]}, "Only a group may contain items"),
        ({"modifierExtension": []}, "“modifierExtension” is not supported"),
    ],
)
def test_what_would_change_the_form_is_refused(item: dict[str, Any], reason: str) -> None:
    with pytest.raises(QuestionnaireRefused) as refused:
        importing.read(_exported(**item))
    assert [each for each in refused.value.problems if each.item == "/44250-9" and reason in each.reason]


def test_the_calculated_total_of_a_known_scale_is_left_out() -> None:
    total = {
        "type": "decimal",
        "linkId": "/44261-6",
        "text": "Total score",
        "code": [{"system": "http://loinc.org", "code": "44261-6"}],
        "extension": [{"url": f"{SDC}sdc-questionnaire-calculatedExpression", "valueExpression": {}}],
    }
    resource = _exported()
    resource["item"].append(total)
    assert importing.read(resource).questionnaire == importing.read(_exported()).questionnaire
    total["code"] = []
    with pytest.raises(QuestionnaireRefused, match="calculatedExpression"):
        importing.read(resource)


def test_harmless_defaults_are_left_out() -> None:
    assert importing.read(_exported(readOnly=False)).questionnaire == importing.read(_exported()).questionnaire


@settings(max_examples=60)
@given(st.data())
def test_no_file_breaks_the_import(data: st.DataObject) -> None:
    resource = _exported(**data.draw(st.dictionaries(st.sampled_from(["extension", "_text", "code", "text"]), JSON)))
    resource["item"][0]["answerOption"][0] |= data.draw(
        st.dictionaries(st.sampled_from(["extension", "valueCoding", "initialSelected"]), JSON)
    )
    try:
        imported = importing.read(resource)
    except QuestionnaireRefused:
        return
    assert questionnaire_check.check(imported.questionnaire) == []


@settings(max_examples=40)
@given(st.data())
def test_forms_and_answers_are_valid_for_the_fhir_library(data: st.DataObject) -> None:
    resource = data.draw(form_strategies.resources())
    assert _as_read_by(LibraryQuestionnaire, resource) == resource
    form = questionnaire_check.read(resource)
    items = answer_items.build(form, data.draw(form_strategies.values(form)))
    response = {"resourceType": "QuestionnaireResponse", "status": "completed", "item": items}
    # FHIR has no empty lists.
    assert _as_read_by(LibraryResponse, response).get("item", []) == items


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_starter_forms_are_valid_for_the_fhir_library(language: str) -> None:
    contents = [document.content()[language] for document in STARTER_SET]
    forms = [content["questionnaire"] for content in contents if "questionnaire" in content]
    assert forms
    assert [_as_read_by(LibraryQuestionnaire, form) for form in forms] == forms


def test_what_is_imported_again_is_the_same() -> None:
    resource = sample_forms.resource()
    assert importing.read(resource).questionnaire == resource
