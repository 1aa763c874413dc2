"""Saves the answers of a posted page of a form: by a button, or by script while they are typed."""

from collections.abc import Mapping
from http import HTTPStatus

from django.http import HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from portico.domain.documents.completion import drafts
from portico.domain.documents.completion.drafts import OpenedPage
from portico.domain.documents.forms.answer_items import Answer
from portico.domain.documents.forms.form_pages import FormPage
from portico.domain.documents.refusals import DocumentUpdated, DraftChanged, DraftTooLarge
from portico.domain.documents.submissions import answer_words
from portico.web.http.request_types import PortalRequest
from portico.web.portal import flash_messages
from portico.web.portal.documents import found_documents, shown_version
from portico.web.portal.documents.forms import earlier_version_answers, open_form
from portico.web.portal.documents.forms.open_form import OpenForm
from portico.web.portal.documents.forms.page_rendering import render_page
from portico.web.portal.documents.forms.posted_answers import PostedPage
from portico.web.portal.flash_messages import Notice
from portico.web.template_engine.filters import time_of_day

# The header of saves by script, which are answered with JSON.
SAVED_BY_SCRIPT = "X-Portico-Saving"
OPENED = "opened"
PLACE = "place"
BACK = "back"


def receive(request: PortalRequest, opened: OpenForm, number: int) -> HttpResponse:
    """Saves the posted page, which may be one of an earlier version."""
    if not shown_version.is_current(request.POST, opened.found):
        return _save_earlier(request, opened, number)
    try:
        return _save(request, opened, open_form.page_with_number(opened, number))
    except DocumentUpdated:
        # Updated at this moment: the request, loaded again, has a later version than what was posted.
        return _save_earlier(request, open_form.of(request, found_documents.find(request, opened.found.ref)), number)


def _save_earlier(request: PortalRequest, opened: OpenForm, number: int) -> HttpResponse:
    """Saves the answers of an earlier version’s page to questions that are still asked, and says it was updated."""
    answers = earlier_version_answers.read(opened.found, opened.form, request.POST, page=number)
    is_saved = False
    while not is_saved:
        try:
            _save_answers(request, opened, answers)
            is_saved = True
        except DraftChanged as refusal:
            # Another window that has answered these questions meanwhile has seen the current version.
            answers = {link_id: given for link_id, given in answers.items() if link_id not in refusal.link_ids}
    if SAVED_BY_SCRIPT in request.headers:
        said = _("This document was updated. Select Continue to see it.")
        return JsonResponse({"said": said}, status=DocumentUpdated.status)
    address = found_documents.address(request, "portal:document", opened.found.ref)
    return flash_messages.redirect_with_notice(address, flash_messages.DOCUMENT_UPDATED)


def _save_answers(request: PortalRequest, opened: OpenForm, answers: dict[str, list[Answer]]) -> None:
    drafts.save(
        opened.found,
        answers,
        page=_opened_page(request.POST),
        place=next(reversed(answers), opened.place),
        language=opened.language,
        by=request.actor,
    )


def _save(request: PortalRequest, opened: OpenForm, shown: FormPage) -> HttpResponse:
    posted = open_form.read(request, opened, shown, request.POST)
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
        return render_page(request, opened, shown, request.POST, notices=notices, status=HTTPStatus(refusal.status))
    after = OpenForm(opened.found, saved.draft)
    errors = {**saved.errors, **posted.errors}
    if SAVED_BY_SCRIPT in request.headers:
        return _answer_script(after, shown, errors)
    is_back = BACK in request.POST
    # Without script, questions that these answers have opened were not on the page.
    opened_now = after.open_link_ids - opened.open_link_ids
    added = [item for item in shown.questions if item.link_id in opened_now and not after.answers.get(item.link_id)]
    if not errors and not is_back:
        errors = {link_id: error for link_id, error in after.missing_on(shown).items() if link_id not in opened_now}
    if errors:
        return render_page(request, after, shown, request.POST, errors=errors, status=HTTPStatus.UNPROCESSABLE_CONTENT)
    if added and not is_back:
        notice = f"?{flash_messages.PARAMETER}={flash_messages.QUESTION_ADDED}"
        return redirect(
            f"{open_form.page_address(request, opened.found, shown)}{notice}#q{opened.numbers[added[0].link_id]}"
        )
    return redirect(
        open_form.preceding(request, after, shown) if is_back else open_form.following(request, after, shown)
    )


def _opened_page(posted: QueryDict) -> OpenedPage:
    """Returns the page that the form came from; one that matches no draft if the field is malformed."""
    number, _dot, rest = posted.get(OPENED, "").partition(".")
    key, _dot, turn = rest.partition(".")
    is_valid = all(each.isascii() and each.isdigit() and len(each) < 10 for each in (number, turn))
    return OpenedPage(int(number), key[:43], int(turn)) if is_valid else OpenedPage(-1, "", 0)


def _place(request: PortalRequest, opened: OpenForm, shown: FormPage) -> str:
    """Returns the linkId of the question that the client is at: with script the one typed in, else the last one."""
    named = {f"q{opened.numbers[item.link_id]}": item.link_id for item in shown.questions}
    asked = [item.link_id for item in shown.questions if item.link_id in opened.open_link_ids]
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
            "open": sorted(shown.link_ids & after.open_link_ids),
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
    return render_page(
        request,
        current,
        shown,
        request.POST,
        errors=posted.errors,
        others=others,
        notices=[Notice("error", str(refusal))],
        status=HTTPStatus(refusal.status),
    )
