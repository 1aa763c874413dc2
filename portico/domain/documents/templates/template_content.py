"""The content of templates in each language: what a draft may hold, and what a version must have."""

from copy import deepcopy
from typing import Any

from django.utils.translation import gettext as _

from portico.domain.clients.models import Language
from portico.domain.documents.forms import questionnaire_check, translation_check
from portico.domain.documents.forms.building import form_items
from portico.domain.documents.forms.questionnaire_check import ItemProblem, QuestionnaireRefused
from portico.domain.documents.models import DocumentTemplate, TemplateKind
from portico.domain.documents.models.templates import MAX_NOTE, MAX_TITLE
from portico.domain.documents.templates import consent_text
from portico.plumbing.refusals import Refused
from portico.plumbing.text.input_validation import clean_line, clean_text, holds_card_number

ENGLISH, SPANISH = Language.ENGLISH.value, Language.SPANISH.value
LANGUAGES = (ENGLISH, SPANISH)

# See `TemplateVersion.content`. Any: JSON.
type Content = dict[str, Any]


class DraftRefused(Refused):
    """The draft can't be saved, because a page could not show it."""


class NotReadyToPublish(Refused):
    """The draft lacks something; `problems` says what."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__(" ".join(problems[:3]))


def empty(kind: TemplateKind) -> Content:
    """Returns the content of a new template."""
    return {language: _empty_in_one_language(kind) for language in LANGUAGES}


def _empty_in_one_language(kind: TemplateKind) -> Content:
    content: Content = {"title": "", "note": ""}
    if kind == TemplateKind.FORM:
        content["questionnaire"] = {"resourceType": "Questionnaire", "status": "active", "item": []}
    if kind == TemplateKind.CONSENT:
        content["text"] = ""
    return content


def to_edit(template: DocumentTemplate) -> Content:
    """Returns the draft, or the content of the current version if nothing has changed since, in both languages."""
    version = template.current_version
    content: Content = deepcopy(template.draft or (version.content if version else {}))
    return complete_languages(TemplateKind(template.kind), content)


def complete_languages(kind: TemplateKind, content: Content) -> Content:
    """Returns the content with every language; a missing one has empty texts."""
    for language in LANGUAGES:
        if language not in content:
            content[language] = _empty_in_one_language(kind)
            if kind == TemplateKind.FORM and language != ENGLISH:
                content[language]["questionnaire"] = form_items.blank_translation(content[ENGLISH]["questionnaire"])
    return content


def with_english_title(content: Content, title: str) -> Content:
    return {**content, ENGLISH: {**content[ENGLISH], "title": title}}


def refuse_unusable(kind: TemplateKind, draft: Content) -> None:
    """Raises DraftRefused for a draft that is broken; parts may be missing."""
    for content in draft.values():
        texts = [content["title"], content["note"], content.get("text", "")]
        longest = [MAX_TITLE, MAX_NOTE, consent_text.MAX_CHARACTERS]
        if any(len(text) > limit for text, limit in zip(texts, longest, strict=True)):
            raise DraftRefused(_("A text of this document is too long."))
        if any(holds_card_number(text) or clean_text(text) != text for text in texts):
            raise DraftRefused(_("A text of this document can’t be saved: it has a card number or control characters."))
    if kind == TemplateKind.FORM:
        questionnaire = draft[ENGLISH]["questionnaire"]
        if problems := draft_problems(questionnaire):
            raise DraftRefused(" ".join(in_words(each, questionnaire) for each in problems[:3]))


def draft_problems(questionnaire: dict[str, Any]) -> list[ItemProblem]:  # Any: JSON.
    """Returns the problems of a form that is being made: it may still be empty, or have pages without a question."""
    items = _without_empty_groups(questionnaire["item"])
    return questionnaire_check.check({**questionnaire, "item": items}) if items else []


def in_words(problem: ItemProblem, questionnaire: dict[str, Any]) -> str:  # Any: JSON.
    """Returns the problem with the question's text instead of its linkId."""
    texts = {each["linkId"]: each["text"] for each in form_items.walk(questionnaire["item"])}
    text = texts.get(problem.item)
    return f"“{text}”: {problem.reason}" if text else str(problem)


def _without_empty_groups(items: list[dict[str, Any]]) -> list[dict[str, Any]]:  # Any: JSON.
    kept = [{**each, "item": _without_empty_groups(each["item"])} if "item" in each else each for each in items]
    return [each for each in kept if each.get("item") != []]


def missing(kind: TemplateKind, content: Content, language: str) -> list[str]:
    """Returns what the content lacks in one language before it can be published, a sentence each."""
    own = content.get(language) or _empty_in_one_language(kind)
    problems = []
    if not clean_line(own["title"]):
        problems.append(_("The title for clients is missing."))
    if kind == TemplateKind.CONSENT and (error := consent_text.find_error(own["text"])):
        problems.append(error if own["text"] else _("The text is missing."))
    if kind == TemplateKind.UPLOAD and not own["note"]:
        problems.append(_("The sentence about which file to send is missing."))
    if kind == TemplateKind.FILE and not own.get("file"):
        problems.append(_("The file is missing."))
    if kind == TemplateKind.FORM:
        problems += _missing_in_form(content, language)
    return problems


def _missing_in_form(content: Content, language: str) -> list[str]:
    original = content[ENGLISH]["questionnaire"]
    if not original["item"]:
        return [_("The form has no question.")]
    try:
        form = questionnaire_check.read(content.get(language, {}).get("questionnaire"))
        differences = translation_check.find_differences(questionnaire_check.read(original), form)
    except QuestionnaireRefused as refusal:
        return [in_words(each, original) for each in refusal.problems[:10]]
    return [in_words(each, original) for each in differences]


def is_begun(content: Content, language: str) -> bool:
    """Returns True if anything was entered in the language."""
    own = content.get(language) or {}
    texts = [each["text"] for each in form_items.walk(own.get("questionnaire", {}).get("item", []))]
    return any([own.get("title"), own.get("text"), own.get("note"), own.get("file"), *texts])


def to_publish(kind: TemplateKind, content: Content) -> Content:
    """Returns the content of a version: English, and Spanish if it is complete. Raises NotReadyToPublish."""
    if problems := missing(kind, content, ENGLISH):
        raise NotReadyToPublish(problems)
    return {language: deepcopy(content[language]) for language in LANGUAGES if not missing(kind, content, language)}
