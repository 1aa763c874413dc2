"""The starter set: documents that most practices need, in English and Spanish, to edit and publish.

PHQ-9 and GAD-7 may be used freely: "No permission required to reproduce, translate, display or distribute"
(https://www.phqscreeners.com). The consents are a beginning: the practice has them reviewed for its state.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from portico.domain.documents.models import DocumentTemplate, TemplateKind
from portico.domain.documents.templates import publishing, template_editing
from portico.domain.documents.templates.template_content import ENGLISH, LANGUAGES, Content
from portico.domain.documents.templates.template_editing import TemplateSettings, TitleTaken
from portico.domain.practices.models import Practice
from portico.plumbing.actors import Actor

_FILES = resources.files("portico.domain.documents.templates") / "starter_set"


@dataclass(frozen=True)
class StarterDocument:
    """A document of the set. `name` is that of its files, `titles` and `notes` are by language."""

    name: str
    kind: TemplateKind
    titles: Mapping[str, str]
    notes: Mapping[str, str]
    in_welcome_packet: bool = False
    may_be_declined: bool = False
    repeat_after_months: int = 0

    @property
    def title(self) -> str:
        return self.titles[ENGLISH]

    def content(self) -> Content:
        return {language: self._in(language) for language in LANGUAGES}

    def _in(self, language: str) -> dict[str, Any]:  # Any: JSON.
        own: dict[str, Any] = {"title": self.titles[language], "note": self.notes.get(language, "")}
        if self.kind == TemplateKind.CONSENT:
            return own | {"text": (_FILES / f"{self.name}.{language}.md").read_text("utf-8").strip()}
        return own | {"questionnaire": json.loads((_FILES / f"{self.name}.{language}.json").read_text("utf-8"))}


STARTER_SET = (
    StarterDocument(
        "consent_to_treatment",
        TemplateKind.CONSENT,
        {"en": "Consent to treatment", "es": "Consentimiento para el tratamiento"},
        {"en": "What you agree to before we begin.", "es": "Lo que usted acepta antes de comenzar."},
        in_welcome_packet=True,
        repeat_after_months=12,
    ),
    StarterDocument(
        "privacy_practices",
        TemplateKind.CONSENT,
        {"en": "Notice of privacy practices", "es": "Aviso sobre las prácticas de privacidad"},
        {
            "en": "How we use and protect your health information.",
            "es": "Cómo usamos y protegemos su información de salud.",
        },
        in_welcome_packet=True,
    ),
    StarterDocument(
        "telehealth",
        TemplateKind.CONSENT,
        {"en": "Consent to telehealth", "es": "Consentimiento para la telesalud"},
        {"en": "For appointments by video or phone.", "es": "Para citas por video o por teléfono."},
        may_be_declined=True,
    ),
    StarterDocument(
        "release_of_information",
        TemplateKind.FORM,
        {"en": "Release of information", "es": "Autorización para compartir información"},
        {
            "en": "Allow us to share information with a person or organization that you choose.",
            "es": "Permítanos compartir información con la persona u organización que usted elija.",
        },
        may_be_declined=True,
        repeat_after_months=12,
    ),
    StarterDocument(
        "intake_form",
        TemplateKind.FORM,
        {"en": "Intake form", "es": "Formulario de ingreso"},
        {"en": "Helps us prepare your first appointment.", "es": "Nos ayuda a preparar su primera cita."},
        in_welcome_packet=True,
    ),
    StarterDocument(
        "phq_9",
        TemplateKind.FORM,
        {"en": "PHQ-9", "es": "PHQ-9"},
        {"en": "How you have been feeling lately.", "es": "Cómo se ha sentido últimamente."},
    ),
    StarterDocument(
        "gad_7",
        TemplateKind.FORM,
        {"en": "GAD-7", "es": "GAD-7"},
        {"en": "How you have been feeling lately.", "es": "Cómo se ha sentido últimamente."},
    ),
)


def add(practice: Practice, *, by: Actor) -> list[DocumentTemplate]:
    """Adds the documents of the set as drafts; returns those added. One whose title is in use is left out.

    Raises TooManyTemplates.
    """
    added = []
    present = set(DocumentTemplate.objects.active().filter(practice=practice).values_list("title", flat=True))
    for document in STARTER_SET:
        if document.title in present:
            continue
        try:
            template = template_editing.create(
                practice, kind=document.kind, title=document.title, content=document.content(), by=by
            )
        except TitleTaken:
            # A colleague added the set at the same moment.
            continue
        added.append(
            template_editing.save_settings(
                template,
                revision=template.revision,
                settings=TemplateSettings(
                    title=document.title,
                    in_welcome_packet=document.in_welcome_packet,
                    may_be_declined=document.may_be_declined,
                    repeat_after_months=document.repeat_after_months,
                ),
                by=by,
            )
        )
    return added


def publish_all(practice: Practice, *, by: Actor) -> None:
    """Publishes the documents of the set that have never been published, as the demo has them."""
    titles = [document.title for document in STARTER_SET]
    rows = DocumentTemplate.objects.active().filter(practice=practice, title__in=titles, current_version=None)
    for template in rows.order_by("position", "id"):
        publishing.publish(template, by=by)
