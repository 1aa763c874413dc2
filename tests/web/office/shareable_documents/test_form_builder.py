"""The form builder: an intake form is made, changed and translated without a script."""

import json
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser

from portico.domain.documents.forms import questionnaire_check
from portico.domain.documents.forms.building import form_items
from portico.domain.documents.forms.building.form_items import JsonItem
from portico.domain.documents.models import DocumentTemplate, TemplateKind
from portico.domain.documents.templates import publishing, starter_set, template_editing
from portico.domain.practices.models import Practice
from tests import cast
from tests.domain.documents.forms import sample_forms

pytestmark = pytest.mark.django_db
LIST = "/office/settings/documents/"


@pytest.fixture
def owner(client: Browser, practice: Practice) -> Browser:
    return cast.signed_in(client, cast.elm(practice))


@pytest.fixture
def form(practice: Practice) -> DocumentTemplate:
    return template_editing.create(practice, kind=TemplateKind.FORM, title="Intake", by=cast.DESK)


def _add(owner: Browser, form: DocumentTemplate, item_type: str, text: str, **values: str) -> None:
    form.refresh_from_db()
    typed = {"type": item_type, "text_en": text, "text_es": f"{text} (es)", "revision": str(form.revision)} | values
    answer = owner.post(f"{LIST}{form.ref}/questions/new/", typed)
    assert answer.status_code == 302, answer.text
    form.refresh_from_db()


def _items(form: DocumentTemplate, language: str = "en") -> list[JsonItem]:
    form.refresh_from_db()
    return list(form_items.walk(form.draft[language]["questionnaire"]["item"]))


def test_a_form_with_a_branch_is_built_and_published(owner: Browser, form: DocumentTemplate) -> None:
    _add(owner, form, "group", "Health")
    _add(owner, form, "choice", "Pills?", options_en="Yes\nNo", options_es="Sí\nNo", required="on", group="q1")
    _add(owner, form, "text", "Which?", group="q1", condition="q2:0")
    assert [each["text"] for each in _items(form)] == ["Health", "Pills?", "Which?"]
    page = owner.get(f"{LIST}{form.ref}/questions/").text
    assert "Only after certain answers" in page
    titles = {"title": "Intake", "title_en": "Intake", "title_es": "Ingreso"}
    owner.post(f"{LIST}{form.ref}/", titles | {"revision": form.revision})
    form.refresh_from_db()
    version = publishing.publish(form, by=cast.DESK)
    assert version.content.keys() == {"en", "es"}
    read = questionnaire_check.read(version.content["es"]["questionnaire"])
    assert [option.label for option in read.by_link_id["q2"].options] == ["Sí", "No"]


def test_a_question_is_changed_moved_and_deleted(owner: Browser, form: DocumentTemplate) -> None:
    for text in ("One", "Two", "Three"):
        _add(owner, form, "string", text)
    page = f"{LIST}{form.ref}/questions/"
    owner.post(f"{page}3/place/", {"place": "0", "revision": form.revision})
    assert [each["text"] for each in _items(form)] == ["Three", "One", "Two"]
    assert [each["text"] for each in _items(form, "es")] == ["Three (es)", "One (es)", "Two (es)"]
    assert "Three (es)" in owner.get(f"{page}1/").text
    owner.post(f"{page}1/", {"type": "date", "text_en": "Born on", "revision": form.revision})
    owner.post(f"{page}2/removal/", {"revision": form.revision + 1})
    assert [(each["text"], each["type"]) for each in _items(form)] == [("Born on", "date"), ("Two", "string")]


def test_a_question_is_deleted_only_after_it_was_asked(owner: Browser, form: DocumentTemplate) -> None:
    _add(owner, form, "group", "Health")
    _add(owner, form, "string", "Pills?", group="q1")
    page = owner.get(f"{LIST}{form.ref}/questions/").text
    # Each button that deletes is inside its own fold, which is closed at first and opens without a script.
    folds = re.findall(r'<details class="fold" data-testid="question-removal">(.*?)</details>', page, re.DOTALL)
    assert [fold.count("/removal/") for fold in folds] == [1, 1]
    assert page.count("/removal/") == 2
    assert "The question in it is deleted too." in folds[0]
    assert "You can’t undo this." in folds[1]


def test_a_stale_page_deletes_no_other_question(owner: Browser, form: DocumentTemplate) -> None:
    for text in ("One", "Two"):
        _add(owner, form, "string", text)
    stale = form.revision
    owner.post(f"{LIST}{form.ref}/questions/1/removal/", {"revision": stale})
    owner.post(f"{LIST}{form.ref}/questions/1/removal/", {"revision": stale})
    assert [each["text"] for each in _items(form)] == ["Two"]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"type": "string"}, "Enter a text."),
        ({"type": "choice", "text_en": "Which?"}, "Enter one option per line."),
        ({"type": "choice", "text_en": "Which?", "options_en": "A\nA"}, "Two options are the same."),
        (
            {"type": "choice", "text_en": "Which?", "options_en": "A\nB", "options_es": "A"},
            "There are 2 options in English and 1 in Spanish.",
        ),
        ({"type": "string", "text_en": "4111 1111 1111 1111"}, "looks like a card number"),
        ({"type": "string", "text_en": "When?", "condition": "q9:0"}, "Select a valid choice"),
        (
            {"type": "text", "text_en": "Phone?", "record_field": "phone"},
            "Only a question of the answer type “Short answer”",
        ),
        ({"type": "group", "text_en": "Page", "group": "q9"}, "Select a valid choice"),
        ({"type": "attachment", "text_en": "File"}, "Select a valid choice"),
    ],
)
def test_a_wrong_question_has_its_sentence(
    owner: Browser, form: DocumentTemplate, values: dict[str, str], sentence: str
) -> None:
    answer = owner.post(f"{LIST}{form.ref}/questions/new/", values | {"revision": "1"})
    assert answer.status_code == 422
    assert sentence in answer.text
    form.refresh_from_db()
    assert form.revision == 1


def test_a_question_in_use_is_not_deleted(owner: Browser, form: DocumentTemplate) -> None:
    _add(owner, form, "boolean", "Pills?")
    _add(owner, form, "string", "Which?", condition="q1:true")
    page = owner.post(f"{LIST}{form.ref}/questions/1/removal/", {"revision": form.revision}, follow=True).text
    assert "is shown only after an answer to this question" in page
    moved = owner.post(f"{LIST}{form.ref}/questions/2/place/", {"place": 0, "revision": form.revision}, follow=True)
    assert "which is not an earlier question" in moved.text
    assert [each["text"] for each in _items(form)] == ["Pills?", "Which?"]


def _file(resource: object) -> SimpleUploadedFile:
    return SimpleUploadedFile("form.json", json.dumps(resource).encode(), content_type="application/json")


def test_a_form_is_exported_and_imported_again(owner: Browser, practice: Practice) -> None:
    starter_set.add(practice, by=cast.DESK)
    template = DocumentTemplate.objects.get(title="Intake form")
    answer = owner.get(f"{LIST}{template.ref}/export/en/")
    assert answer["Content-Type"] == "application/fhir+json"
    exported = json.loads(answer.content)
    assert (exported["title"], exported["language"]) == ("Intake form", "en")
    owner.post(f"{LIST}import/", {"file": _file(exported), "title": "Intake again"})
    imported = DocumentTemplate.objects.get(title="Intake again")
    assert imported.draft["en"]["questionnaire"]["item"] == template.draft["en"]["questionnaire"]["item"]
    spanish = json.loads(owner.get(f"{LIST}{template.ref}/export/es/").content)
    owner.post(f"{LIST}{imported.ref}/translation/", {"file": _file(spanish), "revision": imported.revision})
    imported.refresh_from_db()
    assert imported.draft["es"]["title"] == "Formulario de ingreso"
    assert publishing.publish(imported, by=cast.DESK).content.keys() == {"en", "es"}


def test_a_refused_file_names_each_item_and_its_reason(owner: Browser, practice: Practice) -> None:
    resource = sample_forms.resource()
    resource["item"][0] |= {"type": "attachment"}
    resource["item"][1] |= {"initial": [{"valueString": "x"}]}
    answer = owner.post(f"{LIST}import/", {"file": _file(resource)})
    assert answer.status_code == 422
    assert "<b>pills</b>: Its type “attachment” is not supported." in answer.text
    assert "<b>which</b>: “initial” is not supported." in answer.text
    assert not DocumentTemplate.objects.exists()


@pytest.mark.parametrize("content", [b"\xff\xfe", b"{", b"[" * 100_000, b"NaN", b'"x"', b"a" * 1_000_001])
def test_a_file_of_another_kind_is_refused(owner: Browser, practice: Practice, content: bytes) -> None:
    answer = owner.post(f"{LIST}import/", {"file": SimpleUploadedFile("form.json", content)})
    assert answer.status_code == 422
    assert "This file can’t be used" in answer.text


def test_a_translation_with_other_questions_is_refused(owner: Browser, form: DocumentTemplate) -> None:
    _add(owner, form, "string", "One")
    answer = owner.post(
        f"{LIST}{form.ref}/translation/", {"file": _file(sample_forms.resource()), "revision": form.revision}
    )
    assert answer.status_code == 422
    assert "The questions are not the same" in answer.text
