"""A document as a client sees it on a phone: the text of a consent, or the pages of a form."""

from dataclasses import dataclass

from django.utils.safestring import SafeString

from portico.domain.documents import consent_text, template_content
from portico.domain.documents.forms import questionnaire
from portico.domain.documents.forms.questionnaire import Item, ItemType
from portico.domain.documents.models import DocumentTemplate
from portico.domain.documents.template_content import ENGLISH


@dataclass(frozen=True)
class PreviewPage:
    """A page of a form. `title` is empty for questions outside a group."""

    title: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Preview:
    """The draft in one language. A text that is not translated yet is in English."""

    language: str
    title: str
    note: str
    text: SafeString
    pages: list[PreviewPage]


def preview_of(template: DocumentTemplate, language: str) -> Preview:
    content = template_content.to_edit(template)
    own, english = content[language], content[ENGLISH]
    form = questionnaire.parse(own["questionnaire"]) if "questionnaire" in own else None
    return Preview(
        language=language,
        title=own["title"] or english["title"],
        note=own["note"] or english["note"],
        text=consent_text.to_html(own.get("text") or english.get("text", "")),
        pages=_pages(form.items) if form else [],
    )


def _pages(items: tuple[Item, ...]) -> list[PreviewPage]:
    """Returns a page for each group, and one for each run of questions between groups."""
    pages: list[PreviewPage] = []
    loose: list[Item] = []
    for item in items:
        if item.type != ItemType.GROUP:
            loose.append(item)
            continue
        if loose:
            pages.append(PreviewPage("", tuple(loose)))
            loose = []
        pages.append(PreviewPage(item.text, item.items))
    if loose:
        pages.append(PreviewPage("", tuple(loose)))
    return pages
