"""A form, page by page: what was typed is saved by every button, and by script while it is typed."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus

from django.http import Http404, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from portico.domain.documents.completion import drafts
from portico.domain.documents.completion.drafts import OpenedPage
from portico.domain.documents.forms import answer_items, form_pages
from portico.domain.documents.forms.answer_items import Answer
from portico.domain.documents.forms.branching import open_items
from portico.domain.documents.forms.form_pages import FormPage
from portico.domain.documents.forms.questionnaire import Item, Questionnaire
from portico.domain.documents.models import DocumentRequest, ResponseDraft, TemplateKind
from portico.domain.documents.refusals import DocumentUpdated, DraftChanged, DraftTooLarge
from portico.domain.documents.submissions import answer_words
from portico.domain.documents.templates.version_content import content_in
from portico.plumbing import tokens
from portico.web import saved_forms
from portico.web.guards import portal_documents_page
from portico.web.http.request_types import PortalRequest
from portico.web.portal import flash_messages
from portico.web.portal.documents import found_documents, posted_answers, questions, shown_version
from portico.web.portal.documents.posted_answers import PostedPage
from portico.web.portal.documents.questions import Question
from portico.web.portal.flash_messages import Notice
from portico.web.template_engine.filters import time_of_day

# The header of saves by script, which are answered with JSON.
SAVED_BY_SCRIPT = "X-Portico-Saving"
OPENED = "opened"
PLACE = "place"
BACK = "back"
SAVED_FORM_NOTICE = gettext_lazy(
    "You were signed out, and this page has not been saved yet. Check it and select Continue."
)


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
    def is_open(self) -> frozenset[str]:
        return open_items(self.form, self.draft.answers if self.draft else [])

    @cached_property
    def answers(self) -> Mapping[str, list[Answer]]:
        return {**answer_items.flatten(self.draft.answers if self.draft else []), **self.typed}

    @property
    def open_pages(self) -> list[FormPage]:
        return form_pages.open_pages(self.pages, self.is_open)

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
        asked = [item.link_id for item in at.questions if item.link_id in self.is_open]
        if self.missing_on(at) or asked[-1:] != [self.place]:
            return at
        return next((each for each in shown if each.number > at.number), None)

    def missing_on(self, page: FormPage) -> dict[str, str]:
        """Returns a sentence for each open question of the page that needs an answer."""
        return {
            item.link_id: _("Answer this question.")
            for item in page.questions
            if item.required and item.link_id in self.is_open and not self.answers.get(item.link_id)
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


def answer(request: PortalRequest, found: DocumentRequest) -> HttpResponse:
    """Redirects to the question at which the client stopped, or to the review."""
    opened = of(request, found)
    shown = opened.page_to_continue()
    if shown is None:
        return redirect(found_documents.address(request, "portal:document_review", found.ref))
    anchor = f"#q{opened.numbers[opened.place]}" if opened.place in shown.link_ids else ""
    return redirect(flash_messages.with_notice_of(request, page_address(request, found, shown)) + anchor)


@portal_documents_page
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: PortalRequest, ref: str, page: int) -> HttpResponse:
    """Shows a page of the form; POST saves it and goes on."""
    found = found_documents.find(request, ref)
    if found.version.template.kind != TemplateKind.FORM:
        raise Http404
    if not found.is_open:
        return redirect(found_documents.address(request, "portal:document", ref))
    opened = of(request, found_documents.open_in(request, found))
    if request.method == "POST":
        return _receive(request, opened, page)
    kept = saved_forms.find_fields_of_client(request)
    if kept is not None and not shown_version.is_current(kept, found):
        return _show_kept_of_earlier(request, opened, kept, page)
    shown = _page_with_number(opened, page)
    if kept is not None:
        posted = _read(request, opened, shown, kept)
        return _render(request, opened, shown, kept, errors=posted.errors, notices=[Notice("info", SAVED_FORM_NOTICE)])
    if shown not in opened.open_pages:
        return redirect(page_address(request, found, opened.page_to_continue() or opened.open_pages[0]))
    return _render(request, opened, shown, notices=hidden_answers_notices(opened) or shown_version.notices_of(found))


def _page_with_number(opened: OpenForm, number: int) -> FormPage:
    shown = next((each for each in opened.pages if each.number == number), None)
    if shown is None:
        raise Http404
    return shown


def _receive(request: PortalRequest, opened: OpenForm, number: int) -> HttpResponse:
    """Saves the posted page, which may be one of an earlier version."""
    if not shown_version.is_current(request.POST, opened.found):
        return _save_earlier(request, opened, number)
    try:
        return _save(request, opened, _page_with_number(opened, number))
    except DocumentUpdated:
        # At this moment: found again, what was posted has an earlier version.
        return _save_earlier(request, of(request, found_documents.find(request, opened.found.ref)), number)


def _save_earlier(request: PortalRequest, opened: OpenForm, number: int) -> HttpResponse:
    """Saves the answers of an earlier version’s page to questions that are still asked, and says it was updated."""
    answers = shown_version.read_earlier(opened.found, opened.form, request.POST, page=number)
    # Another window that has answered these questions meanwhile has seen the current version.
    with suppress(DraftChanged):
        drafts.save(
            opened.found,
            answers,
            page=_opened_page(request.POST),
            place=next(reversed(answers), opened.place),
            language=opened.language,
            by=request.actor,
        )
    if SAVED_BY_SCRIPT in request.headers:
        said = _("This document was updated. Choose Continue to see it.")
        return JsonResponse({"said": said}, status=DocumentUpdated.status)
    address = found_documents.address(request, "portal:document", opened.found.ref)
    return flash_messages.redirect_with_notice(address, flash_messages.DOCUMENT_UPDATED)


def _show_kept_of_earlier(request: PortalRequest, opened: OpenForm, kept: QueryDict, number: int) -> HttpResponse:
    """Shows what was typed on a page of an earlier version before the session ended, where it is still asked."""
    opened.typed = shown_version.read_earlier(opened.found, opened.form, kept, page=number)
    shown = form_pages.page_with(opened.open_pages, next(iter(opened.typed), "")) or opened.page_to_continue()
    notices = [shown_version.updated(opened.found), Notice("info", SAVED_FORM_NOTICE)]
    return _render(request, opened, shown or opened.open_pages[0], notices=notices)


def _save(request: PortalRequest, opened: OpenForm, shown: FormPage) -> HttpResponse:
    posted = _read(request, opened, shown, request.POST)
    try:
        saved = drafts.save(
            opened.found,
            posted.answers,
            page=_opened_page(request.POST),
            place=_place(request, opened, shown),
            language=opened.language,
            by=request.actor,
        )
    except DraftChanged as refusal:
        return _show_both(request, opened, shown, posted, refusal)
    except DraftTooLarge as refusal:
        if SAVED_BY_SCRIPT in request.headers:
            return JsonResponse({"said": str(refusal)}, status=refusal.status)
        notices = [Notice("error", str(refusal))]
        return _render(request, opened, shown, request.POST, notices=notices, status=HTTPStatus(refusal.status))
    after = OpenForm(opened.found, saved.draft)
    errors = {**saved.errors, **posted.errors}
    if SAVED_BY_SCRIPT in request.headers:
        return _answer_script(after, shown, errors)
    is_back = BACK in request.POST
    # Without script, questions that these answers have opened were not on the page.
    opened_now = after.is_open - opened.is_open
    added = [item for item in shown.questions if item.link_id in opened_now and not after.answers.get(item.link_id)]
    if not errors and not is_back:
        errors = {link_id: error for link_id, error in after.missing_on(shown).items() if link_id not in opened_now}
    if errors:
        return _render(request, after, shown, request.POST, errors=errors, status=HTTPStatus.UNPROCESSABLE_CONTENT)
    if added and not is_back:
        notice = f"?{flash_messages.PARAMETER}={flash_messages.QUESTION_ADDED}"
        return redirect(f"{page_address(request, opened.found, shown)}{notice}#q{opened.numbers[added[0].link_id]}")
    return redirect(_previous(request, after, shown) if is_back else following(request, after, shown))


def following(request: PortalRequest, opened: OpenForm, shown: FormPage) -> str:
    """Returns the address of the next page that is open; after the last one, of the review."""
    later = [each for each in opened.open_pages if each.number > shown.number]
    if later:
        return page_address(request, opened.found, later[0])
    return found_documents.address(request, "portal:document_review", opened.found.ref)


def _previous(request: PortalRequest, opened: OpenForm, shown: FormPage) -> str:
    earlier = [each for each in opened.open_pages if each.number < shown.number]
    if earlier:
        return page_address(request, opened.found, earlier[-1])
    return found_documents.list_address(request)


def page_address(request: PortalRequest, found: DocumentRequest, shown: FormPage) -> str:
    return found_documents.address(request, "portal:document_page", found.ref, page=shown.number)


def _read(request: PortalRequest, opened: OpenForm, shown: FormPage, posted: QueryDict) -> PostedPage:
    asked = [(item, opened.numbers[item.link_id]) for item in shown.questions]
    return posted_answers.read(asked, posted, country=request.practice.country)


def _opened_page(posted: QueryDict) -> OpenedPage:
    """Returns the page that the form came from; one that matches no draft if the field is malformed."""
    number, _dot, rest = posted.get(OPENED, "").partition(".")
    key, _dot, turn = rest.partition(".")
    is_valid = all(each.isascii() and each.isdigit() and len(each) < 10 for each in (number, turn))
    return OpenedPage(int(number), key[:43], int(turn)) if is_valid else OpenedPage(-1, "", 0)


def _place(request: PortalRequest, opened: OpenForm, shown: FormPage) -> str:
    """Returns the linkId of the question that the client is at: with script the one typed in, else the last one."""
    named = {f"q{opened.numbers[item.link_id]}": item.link_id for item in shown.questions}
    asked = [item.link_id for item in shown.questions if item.link_id in opened.is_open]
    at = named.get(request.POST.get(PLACE, ""))
    if SAVED_BY_SCRIPT in request.headers and at:
        return at
    return asked[-1] if asked else ""


def _answer_script(after: OpenForm, shown: FormPage, errors: Mapping[str, str]) -> JsonResponse:
    """Returns what the script shows: that it was saved, and the questions that are open now."""
    saved_at = time_of_day(after.draft.saved_at if after.draft else None)
    said = _("Saved %(time)s") % {"time": saved_at}
    if errors:
        said = _("Saved %(time)s, except an answer that needs a correction") % {"time": saved_at}
    return JsonResponse(
        {
            "number": after.draft.number if after.draft else 0,
            "said": said,
            "open": sorted(shown.link_ids & after.is_open),
        }
    )


def _show_both(
    request: PortalRequest, opened: OpenForm, shown: FormPage, posted: PostedPage, refusal: DraftChanged
) -> HttpResponse:
    """Shows what was typed here, and what another window saved; sending the page again replaces that."""
    if SAVED_BY_SCRIPT in request.headers:
        return JsonResponse({"said": _("Not saved yet. Select Continue to see why.")}, status=refusal.status)
    current = OpenForm(opened.found, drafts.of(opened.found))
    others = [
        (item, answer_words.in_words(item, current.answers.get(item.link_id, []), request.practice))
        for item in shown.questions
        if item.link_id in refusal.link_ids
    ]
    return _render(
        request,
        current,
        shown,
        request.POST,
        errors=posted.errors,
        others=others,
        notices=[Notice("error", str(refusal))],
        status=HTTPStatus(refusal.status),
    )


def _render(
    request: PortalRequest,
    opened: OpenForm,
    shown: FormPage,
    posted: QueryDict | None = None,
    *,
    errors: Mapping[str, str] | None = None,
    others: Sequence[tuple[Item, str]] = (),
    notices: Sequence[Notice] = (),
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    fields = {item.link_id: _question(request, opened, item, posted, errors or {}) for item in shown.questions}
    number = opened.draft.number if opened.draft else 0
    shown_pages = opened.open_pages
    context = {
        "messages": notices or flash_messages.notice_of(request),
        "document": opened.found,
        "title": found_documents.title_of(opened.found),
        "text_language": opened.language,
        "page": shown,
        "fields": fields,
        "is_open": opened.is_open,
        "errors": [fields[link_id] for link_id in fields if fields[link_id].error],
        "others": others,
        # On the first page only.
        "note": content_in(opened.found.version, opened.language).get("note", "") if shown.number == 1 else "",
        "position": next((n for n, each in enumerate(shown_pages, start=1) if each == shown), 1),
        "total": len(shown_pages),
        "opened": f"{number}.{tokens.new_ref()}.0",
        "saved_at": opened.draft.saved_at if opened.draft else None,
    }
    return render(request, "portal/documents/form_page.html", context, status=status)


def _question(
    request: PortalRequest, opened: OpenForm, item: Item, posted: QueryDict | None, errors: Mapping[str, str]
) -> Question:
    number, is_open = opened.numbers[item.link_id], item.link_id in opened.is_open
    if posted is None:
        answers = opened.answers.get(item.link_id, [])
        return questions.from_answers(item, number, answers, country=request.practice.country, is_open=is_open)
    error = errors.get(item.link_id, "")
    return questions.from_post(item, number, posted, country=request.practice.country, error=error, is_open=is_open)
