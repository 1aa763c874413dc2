"""A document as a client sees it on a phone: the text of a consent, the pages of a form, a file, or a file field."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils import translation
from django.utils.safestring import SafeString

from portico.domain.documents.completion import signatures
from portico.domain.documents.forms import form_pages, questionnaire
from portico.domain.documents.forms.form_pages import FormPage
from portico.domain.documents.models import DocumentTemplate, TemplateKind
from portico.domain.documents.templates import consent_text, template_content
from portico.domain.documents.templates.template_content import ENGLISH


@dataclass(frozen=True)
class Preview:
    """The draft as clients with the language see it: until the language is complete, in English (`text_language`)."""

    language: str
    text_language: str
    title: str
    note: str
    text: SafeString
    pages: list[FormPage]
    # The name and size in bytes of a file to read; None while there is none.
    file: Mapping[str, str | int] | None
    # The two sentences of a first signature, of a document that is signed.
    intent: str
    agreement: str


def preview_of(template: DocumentTemplate, language: str) -> Preview:
    content = template_content.to_edit(template)
    is_incomplete = template_content.missing(TemplateKind(template.kind), content, language)
    text_language = ENGLISH if is_incomplete else language
    own = content[text_language]
    with translation.override(text_language):
        intent, agreement = signatures.intent(), signatures.agreement()
    return Preview(
        language=language,
        text_language=text_language,
        title=own["title"],
        note=own["note"],
        text=consent_text.to_html(own.get("text", "")),
        pages=form_pages.pages_of(questionnaire.parse(own["questionnaire"])) if "questionnaire" in own else [],
        file=own.get("file"),
        intent=intent,
        agreement=agreement,
    )
