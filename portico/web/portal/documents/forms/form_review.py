"""The review of a form before it is submitted: every answer, what is missing, and what will be left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from portico.domain.documents.completion import drafts, signing
from portico.domain.documents.forms.answers import check_answers
from portico.domain.documents.forms.form_pages import FormPage
from portico.domain.documents.models import TemplateKind
from portico.domain.documents.refusals import AnswersIncomplete, DocumentUpdated, DraftChanged
from portico.domain.documents.submissions import answer_words
from portico.web import saved_forms
from portico.web.guards import portal_documents_page
from portico.web.http.request_types import PortalRequest
from portico.web.portal.documents import completion, found_documents, shown_language, shown_version
from portico.web.portal.documents.forms import open_form
from portico.web.portal.documents.forms.open_form import OpenForm
from portico.web.portal.flash_messages import Notice

NUMBER = "number"
SAVED_FORM_NOTICE = gettext_lazy(
    "You were signed out, and nothing has been submitted yet. Check your answers and submit them."
)


@dataclass(frozen=True)
class ReviewedAnswer:
    """A question with its answer in words, empty without one; `error` says what is missing or wrong."""

    number: int
    text: str
    words: str
    error: str


@dataclass(frozen=True)
class ReviewedPage:
    """The open questions of a page, with the address on which they can be changed."""

    page: FormPage
    address: str
    answers: list[ReviewedAnswer]


@portal_documents_page
@require_http_methods(["GET", "HEAD", "POST"])
def review(request: PortalRequest, ref: str) -> HttpResponse:
    """Shows all answers; POST submits them."""
    found = found_documents.find(request, ref)
    if found.version.template.kind != TemplateKind.FORM:
        raise Http404
    if not found.is_open and request.method != "POST":
        return redirect(found_documents.address(request, "portal:document", ref))
    if request.method == "POST":
        try:
            return _submit(request, open_form.of(request, found))
        except DocumentUpdated:
            # Updated at this moment: the request, loaded again, has a later version than what was posted.
            return _submit(request, open_form.of(request, found_documents.find(request, ref)))
    opened = open_form.of(request, found)
    notices = open_form.hidden_answers_notices(opened) or shown_version.notices_of(found)
    if saved_forms.find_fields_of_client(request) is not None:
        notices = [Notice("info", SAVED_FORM_NOTICE)]
    return _page(request, opened, notices=notices)


def _submit(request: PortalRequest, opened: OpenForm) -> HttpResponse:
    language = shown_language.posted(request)
    if language is None and opened.found.is_open:
        notices = [Notice("error", shown_language.SHOWN_AGAIN)]
        return _page(request, opened, notices=notices, status=HTTPStatus.CONFLICT)
    if opened.found.is_open and not shown_version.is_current(request.POST, opened.found):
        notices = [Notice("error", str(DocumentUpdated.message))]
        return _page(request, opened, notices=notices, status=HTTPStatus.CONFLICT)
    number = request.POST.get(NUMBER, "")
    try:
        signing.submit(
            opened.found,
            language=language or shown_language.shown(),
            draft_number=int(number) if number.isascii() and number.isdigit() and len(number) < 10 else -1,
            signature=None,
            signer=found_documents.signer(request),
            by=request.actor,
        )
    except (DraftChanged, AnswersIncomplete) as refusal:
        current = OpenForm(opened.found, drafts.of(opened.found))
        return _page(request, current, notices=[Notice("error", str(refusal))], status=HTTPStatus(refusal.status))
    return completion.go_on(request, opened.found)


def _page(
    request: PortalRequest, opened: OpenForm, *, notices: list[Notice], status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    checked = check_answers(opened.form, opened.draft.answers if opened.draft else [], complete=True)
    pages = [_reviewed(request, opened, each, checked.errors) for each in opened.open_pages]
    left_out = [opened.form.by_link_id[link_id] for link_id in checked.dropped]
    context = {
        "messages": notices,
        "document": opened.found,
        "title": found_documents.title_of(opened.found),
        "text_language": opened.language,
        "pages": pages,
        "is_complete": checked.is_valid,
        "missing": [] if opened.hidden_answers else _missing(pages),
        "left_out": [
            (item.text, answer_words.in_words(item, opened.answers[item.link_id], request.practice))
            for item in left_out
        ],
        "number": opened.draft.number if opened.draft else 0,
        "page_language": shown_language.shown(),
        "back": pages[-1].address,
    }
    return render(request, "portal/documents/review.html", context, status=status)


def _missing(pages: Sequence[ReviewedPage]) -> list[tuple[str, ReviewedAnswer]]:
    """Returns the answers that are missing or wrong, each with the address of its page."""
    return [(page.address, each) for page in pages for each in page.answers if each.error]


def _reviewed(request: PortalRequest, opened: OpenForm, page: FormPage, errors: dict[str, str]) -> ReviewedPage:
    answers = [
        ReviewedAnswer(
            opened.numbers[item.link_id],
            item.text,
            answer_words.in_words(item, opened.answers.get(item.link_id, []), request.practice),
            errors.get(item.link_id, ""),
        )
        for item in page.questions
        if item.link_id in opened.open_link_ids
    ]
    return ReviewedPage(page, open_form.page_address(request, opened.found, page), answers)
