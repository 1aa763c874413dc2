"""Templates are created, edited, ordered, archived and published."""

from copy import deepcopy
from typing import Any

import pytest

from portico.domain.documents.forms import canonical_json
from portico.domain.documents.models import DocumentTemplate, TemplateKind, TemplateVersion
from portico.domain.documents.templates import publishing, template_content, template_editing
from portico.domain.documents.templates.template_content import Content, DraftRefused, NotReadyToPublish
from portico.domain.documents.templates.template_editing import (
    TemplateArchived,
    TemplateChanged,
    TemplateSettings,
    TitleTaken,
    TooManyTemplates,
)
from portico.domain.practices.models import Practice
from portico.plumbing.models import AuditEntry
from tests import cast
from tests.cast import DESK
from tests.domain.documents.forms import sample_forms

pytestmark = pytest.mark.django_db


def _consent(practice: Practice, title: str = "Consent") -> DocumentTemplate:
    return template_editing.create(practice, kind=TemplateKind.CONSENT, title=title, by=DESK)


def _with_text(template: DocumentTemplate, text: str = "I agree.", **spanish: str) -> DocumentTemplate:
    draft = template_content.to_edit(template)
    draft["en"] |= {"text": text}
    draft["es"] |= spanish
    return template_editing.save_draft(template, revision=template.revision, draft=draft, by=DESK)


def _titles(practice: Practice) -> list[str]:
    rows = DocumentTemplate.objects.active().filter(practice=practice).order_by("position", "id")
    return [each.title for each in rows]


def test_creating_twice_makes_one(practice: Practice) -> None:
    assert _consent(practice) == _consent(practice)
    assert _titles(practice) == ["Consent"]


def test_a_title_is_used_once_per_practice(practice: Practice) -> None:
    _with_text(_consent(practice))
    with pytest.raises(TitleTaken):
        _consent(practice)
    assert _consent(cast.birch()).title == "Consent"


def test_publishing_makes_versions_and_keeps_the_earlier(practice: Practice) -> None:
    template = _with_text(_consent(practice))
    first = publishing.publish(template, by=DESK)
    assert (first.number, first.content["en"]["text"], first.content.keys()) == (1, "I agree.", {"en"})
    assert first.digest == canonical_json.digest(first.content)
    template.refresh_from_db()
    assert template.draft == {}
    second = publishing.publish(_with_text(template, "I agree again."), by=DESK)
    assert second.number == 2
    first.refresh_from_db()
    assert first.content["en"]["text"] == "I agree."


def test_publishing_again_changes_nothing(practice: Practice) -> None:
    template = _with_text(_consent(practice))
    first = publishing.publish(template, by=DESK)
    assert publishing.publish(template, by=DESK) == first
    template.refresh_from_db()
    # A draft with the same content is no new version either.
    back = _with_text(_with_text(template, "Other."), "I agree.")
    assert publishing.publish(back, by=DESK) == first
    assert TemplateVersion.objects.count() == 1


def test_what_is_missing_is_named(practice: Practice) -> None:
    template = _consent(practice)
    with pytest.raises(NotReadyToPublish, match="The text is missing"):
        publishing.publish(template, by=DESK)
    for kind, sentence in (
        (TemplateKind.FORM, "The form has no question"),
        (TemplateKind.FILE, "The file is missing"),
        (TemplateKind.UPLOAD, "which file to send is missing"),
    ):
        other = template_editing.create(practice, kind=kind, title=str(kind.label), by=DESK)
        with pytest.raises(NotReadyToPublish, match=sentence):
            publishing.publish(other, by=DESK)


def test_spanish_is_published_when_it_is_complete(practice: Practice) -> None:
    template = _with_text(_consent(practice), title="Consentimiento")
    assert publishing.publish(template, by=DESK).content.keys() == {"en"}
    template.refresh_from_db()
    draft = template_content.to_edit(template)
    assert draft["es"]["title"] == "Consentimiento"
    draft["es"]["text"] = "Acepto."
    template = template_editing.save_draft(template, revision=template.revision, draft=draft, by=DESK)
    assert publishing.publish(template, by=DESK).content["es"]["text"] == "Acepto."


def test_an_imported_form_is_translated_without_losing_its_structure(practice: Practice) -> None:
    content = template_content.empty(TemplateKind.FORM)
    content["en"]["questionnaire"] = sample_forms.resource()
    del content["es"]
    form = template_editing.create(practice, kind=TemplateKind.FORM, title="Form", content=content, by=DESK)
    draft = template_content.to_edit(form)
    draft["es"] |= {"title": "Formulario", "questionnaire": deepcopy(draft["en"]["questionnaire"])}
    form = template_editing.save_draft(form, revision=form.revision, draft=draft, by=DESK)
    assert publishing.publish(form, by=DESK).content.keys() == {"en", "es"}


def test_a_broken_form_is_not_saved(practice: Practice) -> None:
    form = template_editing.create(practice, kind=TemplateKind.FORM, title="Form", by=DESK)
    draft = template_content.to_edit(form)
    draft["en"]["questionnaire"]["item"] = [{"linkId": "q1", "type": "choice", "text": "Which?"}]
    with pytest.raises(DraftRefused, match="“Which\\?”: It needs 1 to 100 options"):
        template_editing.save_draft(form, revision=form.revision, draft=draft, by=DESK)


@pytest.mark.parametrize("text", ["4111 1111 1111 1111", "a\x00b"])
def test_a_draft_holds_no_card_number_and_no_control_character(practice: Practice, text: str) -> None:
    with pytest.raises(DraftRefused):
        _with_text(_consent(practice), text)


def test_the_second_of_two_editors_is_refused(practice: Practice) -> None:
    template = _consent(practice)
    _with_text(template, "By Dr Elm.")
    draft = template_content.to_edit(template)
    draft["en"]["text"] = "By Hal."
    with pytest.raises(TemplateChanged):
        template_editing.save_draft(template, revision=template.revision, draft=draft, by=DESK)
    template.refresh_from_db()
    assert template.draft["en"]["text"] == "By Dr Elm."


def test_discarding_goes_back_to_the_version(practice: Practice) -> None:
    template = _with_text(_consent(practice))
    publishing.publish(template, by=DESK)
    template.refresh_from_db()
    changed = _with_text(template, "Other.")
    back = template_editing.discard_draft(changed, revision=changed.revision, by=DESK)
    assert template_content.to_edit(back)["en"]["text"] == "I agree."


def test_templates_move_up_and_down(practice: Practice) -> None:
    one, _two, three = (_consent(practice, title) for title in ("One", "Two", "Three"))
    template_editing.move(three, to=0, by=DESK)
    template_editing.move(three, to=0, by=DESK)
    assert _titles(practice) == ["Three", "One", "Two"]
    template_editing.move(one, to=99, by=DESK)
    assert _titles(practice) == ["Three", "Two", "One"]
    assert AuditEntry.objects.filter(action="template.moved").count() == 2


def test_an_archived_template_is_restored_at_the_end(practice: Practice) -> None:
    one, _two = _with_text(_consent(practice, "One")), _consent(practice, "Two")
    template_editing.set_in_welcome_packet(one, included=True, by=DESK)
    archived = template_editing.archive(one, by=DESK)
    assert _titles(practice) == ["Two"]
    assert not archived.in_welcome_packet
    for refused in (
        lambda: _with_text(archived, "More."),
        lambda: template_editing.move(archived, to=0, by=DESK),
        lambda: publishing.publish(archived, by=DESK),
    ):
        with pytest.raises(TemplateArchived):
            refused()
    template_editing.restore(archived, by=DESK)
    assert _titles(practice) == ["Two", "One"]


def test_a_restored_template_needs_a_free_title(practice: Practice) -> None:
    archived = template_editing.archive(_consent(practice), by=DESK)
    _consent(practice)
    with pytest.raises(TitleTaken):
        template_editing.restore(archived, by=DESK)


def test_a_practice_has_two_hundred_documents_at_most_also_after_restoring(practice: Practice) -> None:
    archived = template_editing.archive(_consent(practice), by=DESK)
    DocumentTemplate.objects.bulk_create(
        DocumentTemplate(practice=practice, kind=TemplateKind.CONSENT, title=f"Consent {number}", position=number)
        for number in range(template_editing.MAX_TEMPLATES)
    )
    with pytest.raises(TooManyTemplates, match="You have 200 documents"):
        _consent(practice, "One more")
    with pytest.raises(TooManyTemplates, match="You have 200 documents"):
        template_editing.restore(archived, by=DESK)
    last = DocumentTemplate.objects.active().latest("position")
    template_editing.archive(last, by=DESK)
    assert template_editing.restore(archived, by=DESK).archived_at is None


def test_a_copy_is_a_draft_of_its_own(practice: Practice) -> None:
    template = _with_text(_consent(practice))
    publishing.publish(template, by=DESK)
    template.refresh_from_db()
    copy = template_editing.duplicate(template, by=DESK)
    assert copy.title == "Copy of Consent"
    assert copy.current_version is None
    assert copy.draft["en"]["text"] == "I agree."


def test_settings_are_saved_and_recorded(practice: Practice) -> None:
    template = _consent(practice)
    values: dict[str, Any] = {
        "title": "New",
        "in_welcome_packet": True,
        "may_be_declined": True,
        "repeat_after_months": 12,
    }
    settings = TemplateSettings(**values)
    saved = template_editing.save_settings(template, revision=template.revision, settings=settings, by=DESK)
    assert {name: getattr(saved, name) for name in values} == values
    assert template_editing.save_settings(template, revision=1, settings=settings, by=DESK).revision == saved.revision
    assert [each.action for each in AuditEntry.objects.filter(about=template.ref).order_by("id")] == [
        "template.created",
        "template.edited",
    ]


def test_settings_are_not_saved_with_a_refused_draft(practice: Practice) -> None:
    template = _consent(practice)
    settings = TemplateSettings("New", in_welcome_packet=True, may_be_declined=False, repeat_after_months=0)
    draft = template_content.to_edit(template)
    draft["en"]["text"] = "My card is 4111 1111 1111 1111"
    with pytest.raises(DraftRefused):
        template_editing.save(template, revision=template.revision, settings=settings, draft=draft, by=DESK)
    template.refresh_from_db()
    assert template.title == "Consent"


def test_a_draft_has_the_shape_of_a_version() -> None:
    content: Content = template_content.empty(TemplateKind.FORM)
    assert content.keys() == {"en", "es"}
    assert content["en"].keys() == {"title", "note", "questionnaire"}
