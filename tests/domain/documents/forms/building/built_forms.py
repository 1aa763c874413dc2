"""Random forms as the form builder makes them: question by question, moved and changed."""

from collections.abc import Sequence

from hypothesis import strategies as st

from portico.domain.documents.forms import questionnaire_check
from portico.domain.documents.forms.building import form_items, item_changes
from portico.domain.documents.forms.building.form_items import ENGLISH, Questionnaires
from portico.domain.documents.forms.building.item_changes import ItemInput
from portico.domain.documents.forms.building.item_conditions import ConditionInput
from portico.domain.documents.forms.questionnaire import CHOICES, ItemType
from tests.domain.documents.forms import form_strategies

SPANISH = "es"
LANGUAGES = (ENGLISH, SPANISH)


@st.composite
def built_forms(draw: st.DrawFn) -> Questionnaires:
    """Returns a form in both languages that the checker accepts; what it refuses is not kept, as in the builder."""
    form: Questionnaires = {
        each: {"resourceType": "Questionnaire", "status": "active", "item": []} for each in LANGUAGES
    }
    form, _first = item_changes.add(form, draw(_inputs(form, form_strategies.QUESTION_TYPES)))
    for _step in range(draw(st.integers(1, 8))):
        changed = draw(_changed(form))
        if not any(questionnaire_check.check(changed[language]) for language in LANGUAGES):
            form = changed
    return form


@st.composite
def _changed(draw: st.DrawFn, form: Questionnaires) -> Questionnaires:
    items = list(form_items.walk(form[ENGLISH]["item"]))
    groups = [each["linkId"] for each in items if each["type"] == ItemType.GROUP]
    group = draw(st.sampled_from(["", *groups]))
    match draw(st.sampled_from(["page", "question", "question", "move", "change"])):
        case "page":
            with_page, page = item_changes.add(form, draw(_inputs(form, [ItemType.GROUP])), group=group)
            question = draw(_inputs(form, form_strategies.QUESTION_TYPES))
            return item_changes.add(with_page, question, group=page)[0]
        case "question":
            types = [*form_strategies.QUESTION_TYPES, ItemType.DISPLAY]
            return item_changes.add(form, draw(_inputs(form, types)), group=group)[0]
        case "move":
            return item_changes.move(form, draw(st.sampled_from(items))["linkId"], to=draw(st.integers(0, 5)))
        case _:
            questions = [each for each in items if each["type"] != ItemType.GROUP]
            link_id = draw(st.sampled_from(questions))["linkId"]
            entry = draw(_inputs(form, form_strategies.QUESTION_TYPES))
            return item_changes.change(form, link_id, entry, group=group)


@st.composite
def _inputs(draw: st.DrawFn, form: Questionnaires, types: Sequence[ItemType]) -> ItemInput:
    item_type = draw(st.sampled_from(types))
    labels = draw(st.lists(form_strategies.TEXTS, min_size=1, max_size=4, unique=True)) if item_type in CHOICES else []
    return ItemInput(
        item_type,
        {language: f"{draw(form_strategies.TEXTS)} {language}" for language in LANGUAGES},
        {language: tuple(f"{label} {language}" for label in labels) for language in LANGUAGES},
        required=draw(st.booleans()),
        repeats=draw(st.booleans()),
        condition=draw(_conditions(form)),
    )


def _conditions(form: Questionnaires) -> st.SearchStrategy[ConditionInput | None]:
    """Returns conditions that the builder offers, about any question of the form."""
    offered = []
    for item in form_items.walk(form[ENGLISH]["item"]):
        if item["type"] in {ItemType.GROUP, ItemType.DISPLAY}:
            continue
        answers = ["", *(str(place) for place, _option in enumerate(item.get("answerOption", [])))]
        answers += ["true", "false"] if item["type"] == ItemType.BOOLEAN else []
        offered += [ConditionInput(item["linkId"], answer) for answer in answers]
    return st.none() | st.sampled_from(offered) if offered else st.none()
