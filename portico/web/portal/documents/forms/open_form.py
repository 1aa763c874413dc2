"""A form that a client fills in: its pages, the answers saved so far, and the page at which they stopped."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.http import Http404, QueryDict
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portico.domain.documents.completion import drafts
from portico.domain.documents.forms import answer_items, form_pages
from portico.domain.documents.forms.answer_items import Answer
from portico.domain.documents.forms.branching import open_items
from portico.domain.documents.forms.form_pages import FormPage
from portico.domain.documents.forms.questionnaire import Questionnaire
from portico.domain.documents.models import DocumentRequest, ResponseDraft
from portico.web.http.request_types import PortalRequest
from portico.web.portal.documents import found_documents
from portico.web.portal.documents.forms import posted_answers, questions
from portico.web.portal.documents.forms.posted_answers import PostedPage
from portico.web.portal.flash_messages import Notice


@dataclass
class OpenForm:
    """A form that a client fills in: its pages, and the answers saved so far.

    `hidden_answers` is the number of answers in a draft that is not shown, because staff view the page as the client.
    """

    found: DocumentRequest
    draft: ResponseDraft | None
    hidden_answers: int = 0
    # Answers that are shown and not saved yet.
    typed: Mapping[str, list[Answer]] = field(default_factory=dict)

    @cached_property
    def language(self) -> str:
        return found_documents.language_of(self.found)

    @cached_property
    def form(self) -> Questionnaire:
        return drafts.questionnaire_of(self.found.version, self.language)

    @cached_property
    def pages(self) -> list[FormPage]:
        return form_pages.pages_of(self.form)

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        return questions.numbers_of(self.form)

    @cached_property
    def open_link_ids(self) -> frozenset[str]:
        return open_items(self.form, self.draft.answers if self.draft else [])

    @cached_property
    def answers(self) -> Mapping[str, list[Answer]]:
        return {**answer_items.flatten(self.draft.answers if self.draft else []), **self.typed}

    @property
    def open_pages(self) -> list[FormPage]:
        return form_pages.open_pages(self.pages, self.open_link_ids)

    @property
    def place(self) -> str:
        """Returns the linkId of the question that was saved last; empty without one."""
        return self.draft.place if self.draft else ""

    def page_to_continue(self) -> FormPage | None:
        """Returns the page at which the client stopped, or the one after it if it is filled in; None for the review."""
        shown = self.open_pages
        at = form_pages.page_with(shown, self.place)
        if at is None:
            return shown[0]
        asked = [item.link_id for item in at.questions if item.link_id in self.open_link_ids]
        if self.missing_on(at) or asked[-1:] != [self.place]:
            return at
        return next((each for each in shown if each.number > at.number), None)

    def missing_on(self, page: FormPage) -> dict[str, str]:
        """Returns a sentence for each open question of the page that needs an answer."""
        return {
            item.link_id: _("Answer this question.")
            for item in page.questions
            if item.required and item.link_id in self.open_link_ids and not self.answers.get(item.link_id)
        }


def of(request: PortalRequest, found: DocumentRequest) -> OpenForm:
    """Returns the form with its draft; without the answers in it if staff view the page as the client."""
    draft = getattr(found, "draft", None)
    if request.client_view is None or draft is None:
        return OpenForm(found, draft)
    return OpenForm(found, None, hidden_answers=len(answer_items.flatten(draft.answers)))


def hidden_answers_notices(opened: OpenForm) -> list[Notice]:
    """Returns the notice that answers are saved and not submitted, if the form is shown without them."""
    if not opened.hidden_answers:
        return []
    sentence = ngettext(
        "%(count)s answer is saved and not submitted yet. Answers are shown once they are submitted.",
        "%(count)s answers are saved and not submitted yet. Answers are shown once they are submitted.",
        opened.hidden_answers,
    )
    return [Notice("info", sentence % {"count": opened.hidden_answers})]


def page_with_number(opened: OpenForm, number: int) -> FormPage:
    """Returns the page of the form with this number. Raises Http404."""
    shown = next((each for each in opened.pages if each.number == number), None)
    if shown is None:
        raise Http404
    return shown


def read(request: PortalRequest, opened: OpenForm, shown: FormPage, posted: QueryDict) -> PostedPage:
    """Reads the answers that were posted with the page."""
    asked = [(item, opened.numbers[item.link_id]) for item in shown.questions]
    return posted_answers.read(asked, posted, country=request.practice.country)


def following(request: PortalRequest, opened: OpenForm, shown: FormPage) -> str:
    """Returns the address of the next page that is open; after the last one, of the review."""
    later = [each for each in opened.open_pages if each.number > shown.number]
    if later:
        return page_address(request, opened.found, later[0])
    return found_documents.address(request, "portal:document_review", opened.found.ref)


def preceding(request: PortalRequest, opened: OpenForm, shown: FormPage) -> str:
    """Returns the address of the page before that is open; before the first one, of the list of documents."""
    earlier = [each for each in opened.open_pages if each.number < shown.number]
    if earlier:
        return page_address(request, opened.found, earlier[-1])
    return found_documents.list_address(request)


def page_address(request: PortalRequest, found: DocumentRequest, shown: FormPage) -> str:
    return found_documents.address(request, "portal:document_page", found.ref, page=shown.number)
