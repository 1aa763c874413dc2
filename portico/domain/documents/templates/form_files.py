"""Intake forms from and to FHIR Questionnaires of other tools."""

from typing import Any

from portico.domain.documents.forms import questionnaire_check, translation_check
from portico.domain.documents.forms.importing import ImportedForm
from portico.domain.documents.forms.questionnaire_check import QuestionnaireRefused
from portico.domain.documents.models import DocumentTemplate, TemplateKind
from portico.domain.documents.templates import template_content, template_editing
from portico.domain.documents.templates.template_content import ENGLISH
from portico.domain.practices.models import Practice
from portico.plumbing.actors import Actor


def create_from(practice: Practice, imported: ImportedForm, *, title: str, by: Actor) -> DocumentTemplate:
    """Creates a template with the imported form as its draft. Raises TitleTaken, TooManyTemplates."""
    content = {
        ENGLISH: {
            "title": imported.title or title,
            "note": imported.description,
            "questionnaire": imported.questionnaire,
        }
    }
    complete = template_content.complete_languages(TemplateKind.FORM, content)
    return template_editing.create(practice, kind=TemplateKind.FORM, title=title, content=complete, by=by)


def set_translation(
    template: DocumentTemplate, imported: ImportedForm, *, language: str, revision: int, by: Actor
) -> DocumentTemplate:
    """Replaces the texts of one language in the draft by those of a form with the same questions.

    Raises QuestionnaireRefused with what differs, TemplateChanged, TemplateArchived.
    """
    draft = template_content.to_edit(template)
    original = questionnaire_check.read(draft[ENGLISH]["questionnaire"])
    if differences := translation_check.find_differences(original, questionnaire_check.read(imported.questionnaire)):
        raise QuestionnaireRefused(differences)
    own = draft[language]
    own["questionnaire"] = imported.questionnaire
    own["title"], own["note"] = imported.title or own["title"], imported.description or own["note"]
    return template_editing.save_draft(template, revision=revision, draft=draft, by=by)


def to_export(template: DocumentTemplate, *, language: str) -> dict[str, Any]:  # Any: JSON.
    """Returns the form in one language as a FHIR R4 Questionnaire, with its title and description."""
    own = template_content.to_edit(template)[language]
    resource: dict[str, Any] = {**own["questionnaire"], "language": language}
    if own["title"]:
        resource["title"] = own["title"]
    if own["note"]:
        resource["description"] = own["note"]
    return resource


def without_descriptions(resource: dict[str, Any]) -> dict[str, Any]:  # Any: JSON.
    return {key: value for key, value in resource.items() if key not in {"title", "description"}}
