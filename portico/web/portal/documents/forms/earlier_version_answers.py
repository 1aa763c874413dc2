"""Reads the answers of a page of an earlier version, which staff have updated since it was shown."""

from django.http import QueryDict
from django.utils.translation import get_language

from portico.domain.clients.models import Language
from portico.domain.documents.completion import drafts
from portico.domain.documents.forms import form_pages
from portico.domain.documents.forms.answer_items import Answer
from portico.domain.documents.forms.questionnaire import Questionnaire
from portico.domain.documents.models import DocumentRequest
from portico.web.portal.documents import shown_version
from portico.web.portal.documents.forms import posted_answers, questions


def read(found: DocumentRequest, current: Questionnaire, fields: QueryDict, *, page: int) -> dict[str, list[Answer]]:
    """Returns the readable answers of an earlier version’s page to questions that the current one has too.

    The names of fields have the numbers of questions, which differ between versions.
    """
    version = shown_version.posted(fields, found)
    if version is None:
        return {}
    earlier = drafts.questionnaire_of(version, get_language() or Language.ENGLISH.value)
    shown = next((each for each in form_pages.pages_of(earlier) if each.number == page), None)
    numbers = questions.numbers_of(earlier)
    asked = [(item, numbers[item.link_id]) for item in shown.questions] if shown is not None else []
    read = posted_answers.read(asked, fields, country=found.practice.country)
    still_asked = current.by_link_id.keys() - read.errors.keys()
    return {link_id: given for link_id, given in read.answers.items() if link_id in still_asked}
