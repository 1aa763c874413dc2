"""Forms of ours that LHC-Forms 40.1.3 (the NLM's form tool) exported as FHIR R4 Questionnaires."""

import json
from pathlib import Path

import pytest
from fhir.resources.R4B.questionnaire import Questionnaire as LibraryQuestionnaire

from portico.domain.documents.forms import importing, questionnaire_check
from portico.domain.documents.forms.questionnaire import ItemType
from portico.domain.documents.forms.questionnaire_check import QuestionnaireRefused

FOLDER = Path(__file__).parent / "made_with_lhc_forms"


def test_a_form_is_imported_with_scores_conditions_and_instructions() -> None:
    imported = importing.read_file((FOLDER / "sleep_and_pain.json").read_bytes())
    assert imported.title == "Sleep and pain"
    form = questionnaire_check.read(imported.questionnaire)
    about, pain, where, kinds, instructions, which, *_ = form.items
    often, help_for_hours, hours, since = about.items
    assert [(option.label, option.ordinal) for option in often.options] == [
        ("Never", 0),
        ("Some days", 1),
        ("Every day", 2),
    ]
    assert (help_for_hours.text, help_for_hours.type) == ("On most nights", ItemType.DISPLAY)
    assert (hours.type, since.type, where.type, kinds.type) == ("integer", "date", "text", "open-choice")
    assert (pain.required, where.conditions[0].question, kinds.repeats) == (True, "pain", True)
    # They appear with their question, also where the options that LHC-Forms exports have no code.
    assert instructions.text == "As on the package"
    assert instructions.conditions == which.conditions != ()
    assert json.loads(LibraryQuestionnaire.model_validate(imported.questionnaire).model_dump_json())


def test_what_cannot_be_kept_is_refused_item_by_item() -> None:
    with pytest.raises(QuestionnaireRefused) as refused:
        importing.read_file((FOLDER / "units_and_searches.json").read_bytes())
    assert list(map(str, refused.value.problems)) == [
        "kg: “questionnaire-unit” is not supported.",
        "lengths: “questionnaire-unitOption” is not supported.",
        "lengths: Its type “quantity” is not supported.",
        "age: “minValue” is not supported.",
        "age: “maxValue” is not supported.",
        "drug: “questionnaire-externallydefined” is not supported.",
        "drug: It needs 1 to 100 options.",
        "family: Only a choice may have several answers.",
    ]


def test_other_items_inside_a_question_are_still_refused() -> None:
    resource = json.loads((FOLDER / "sleep_and_pain.json").read_text())
    resource["item"][0]["item"][1]["item"].append({"linkId": "inner", "type": "string", "text": "Which?"})
    with pytest.raises(QuestionnaireRefused, match="Only a group may contain items"):
        importing.read(resource)
