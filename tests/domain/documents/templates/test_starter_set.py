"""The starter set is complete, in both languages, and its scores are those of the published scales."""

import pytest

from portico.domain.documents.forms import answer_items, questionnaire_check, scores
from portico.domain.documents.forms.answers import check_answers
from portico.domain.documents.forms.questionnaire import Questionnaire
from portico.domain.documents.models import DocumentTemplate, TemplateKind
from portico.domain.documents.templates import publishing, starter_set, template_content
from portico.domain.documents.templates.starter_set import STARTER_SET, StarterDocument
from portico.domain.practices.models import Practice
from tests.cast import DESK

BY_NAME = {document.name: document for document in STARTER_SET}


def _form(name: str, language: str = "en") -> Questionnaire:
    return questionnaire_check.read(BY_NAME[name].content()[language]["questionnaire"])


@pytest.mark.parametrize("document", STARTER_SET, ids=lambda document: document.name)
@pytest.mark.parametrize("language", ["en", "es"])
def test_each_document_can_be_published_in_both_languages(document: StarterDocument, language: str) -> None:
    assert template_content.missing(document.kind, document.content(), language) == []


@pytest.mark.parametrize(
    ("name", "place", "total", "band"),
    [
        ("phq_9", 0, 0, "None to minimal depression"),
        ("phq_9", 1, 9, "Mild depression"),
        ("phq_9", 2, 18, "Moderately severe depression"),
        ("phq_9", 3, 27, "Severe depression"),
        ("gad_7", 0, 0, "Minimal anxiety"),
        ("gad_7", 1, 7, "Mild anxiety"),
        ("gad_7", 2, 14, "Moderate anxiety"),
        ("gad_7", 3, 21, "Severe anxiety"),
    ],
)
def test_a_score_is_the_sum_and_its_band(name: str, place: int, total: int, band: str) -> None:
    for form in (_form(name), _form(name, "es")):
        scored = [item for item in form.questions if item.required]
        answers = answer_items.build(form, {item.link_id: [item.options[place].answer] for item in scored})
        score = scores.score(form, answers)
        assert score is not None
        assert (score.total, score.scale.maximum) == (total, len(scored) * 3)
        assert str(score.band) == band
        assert score.is_urgent == (name == "phq_9" and place > 0)


def test_a_score_waits_for_every_answer() -> None:
    form = _form("phq_9")
    answers = answer_items.build(form, {"phq-9": [form.by_link_id["phq-9"].options[1].answer]})
    score = scores.score(form, answers)
    assert score is not None
    assert (score.total, score.band, score.answered, score.is_urgent) == (None, None, 1, True)


def test_a_changed_scale_has_no_score() -> None:
    resource = BY_NAME["phq_9"].content()["en"]["questionnaire"]
    resource["item"][1]["answerOption"].pop()
    assert scores.score(questionnaire_check.read(resource), []) is None
    assert scores.score(_form("intake_form"), []) is None


def test_the_intake_form_asks_about_medication_only_if_there_is_any() -> None:
    form = _form("intake_form")
    errors = check_answers(form, [], complete=True).errors
    assert "takes-medication" in errors
    assert "medication" not in errors


@pytest.mark.django_db
def test_the_set_is_added_once_as_drafts(practice: Practice) -> None:
    added = starter_set.add(practice, by=DESK)
    assert [each.title for each in added] == [document.title for document in STARTER_SET]
    assert starter_set.add(practice, by=DESK) == []
    templates = DocumentTemplate.objects.filter(practice=practice)
    assert templates.count() == len(STARTER_SET)
    assert not templates.shareable().exists()


@pytest.mark.django_db
def test_the_published_set_can_be_shared_in_its_order(practice: Practice) -> None:
    starter_set.add(practice, by=DESK)
    starter_set.publish_all(practice, by=DESK)
    shareable = list(DocumentTemplate.objects.filter(practice=practice).shareable().select_related("current_version"))
    assert [each.title for each in shareable] == [document.title for document in STARTER_SET]
    for template in shareable:
        version = template.current_version
        assert version is not None
        assert version.content.keys() == {"en", "es"}
        assert version.minutes == publishing.estimate_minutes(TemplateKind(template.kind), version.content)
        assert 1 <= version.minutes <= 10
