"""A client's own page: where they are signed in, and the way out."""

from collections.abc import Sequence
from http import HTTPStatus

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from portico.domain.access import portal_accounts
from portico.domain.access.sign_in import portal_sessions
from portico.domain.clients.models import Language
from portico.web import languages
from portico.web.guards import portal_chooser_page, portal_page
from portico.web.http import cookies
from portico.web.http.request_types import PortalRequest
from portico.web.portal import saved_form
from portico.web.portal.notices import Notice

SAVED_FORM_NOTICE = _(
    "Your session had ended, and nothing has been saved yet. "
    "The language you chose is kept below: look it over and press once more."
)


@portal_page
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: PortalRequest) -> HttpResponse:
    """The form on it is the language's; a choice from before signing in stands there again."""
    if request.method == "POST":
        return _choose_language(request)
    choices = saved_form.saved_fields(request)
    language = choices.get("language") if choices else None
    if language not in Language.values:
        return _page(request, chosen=get_language())
    return _page(request, chosen=language, told=[Notice("info", SAVED_FORM_NOTICE)])


def _page(
    request: PortalRequest,
    *,
    chosen: str | None,
    status: HTTPStatus = HTTPStatus.OK,
    nothing_chosen: bool = False,
    told: Sequence[Notice] = (),
) -> HttpResponse:
    context = {
        "client": request.client,
        "address": request.access.address.address if request.access.address else "",
        "sessions": portal_sessions.live_sessions(request.account),
        "own": request.portal_session,
        "choices": Language.choices,
        "chosen": chosen,
        "nothing_chosen": nothing_chosen,
        "messages": told,
    }
    return render(request, "portal/profile.html", context, status=status)


def _choose_language(request: PortalRequest) -> HttpResponse:
    """The language of the portal and of the mails that sign in; any other word than those offered is no choice."""
    language = request.POST.get("language", "")
    if language not in Language.values:
        status = HTTPStatus.UNPROCESSABLE_CONTENT
        return _page(request, chosen=get_language(), status=status, nothing_chosen=True)
    portal_accounts.choose_language(request.account, Language(language), by=request.actor)
    response = redirect(f"{reverse('portal:profile', kwargs={'slug': request.practice.slug})}#language")
    # What was pressed in this browser earlier would win.
    languages.set_language_cookie(response, language)
    return response


@portal_chooser_page
@require_POST
def end_session(request: PortalRequest, ref: str) -> HttpResponse:
    """Ends one of the mailbox's own sessions; this browser's own is a sign-out."""
    session = get_object_or_404(request.account.sessions, ref=ref)
    if session.pk == request.portal_session.pk:
        return _leave(request)
    portal_sessions.end_by_client(session, request.practice, seen_by=request.client, by=request.actor)
    return redirect("portal:profile", slug=request.practice.slug)


@portal_chooser_page
@require_POST
def end_other_sessions(request: PortalRequest) -> HttpResponse:
    """Ends all of the mailbox's sessions but this browser's own."""
    portal_sessions.end_others(request.portal_session, request.practice, seen_by=request.client, by=request.actor)
    return redirect("portal:profile", slug=request.practice.slug)


@portal_chooser_page
@require_POST
def sign_out(request: PortalRequest) -> HttpResponse:
    return _leave(request)


def _leave(request: PortalRequest) -> HttpResponse:
    portal_sessions.sign_out(request.portal_session, request.practice)
    door = reverse("entrance:doorway", kwargs={"slug": request.practice.slug})
    response = redirect(f"{door}?signed-out")
    # Not "cookies": those are shared by every practice and by staff on this origin.
    response["Clear-Site-Data"] = '"cache", "storage"'
    cookies.delete_cookie(response, settings.CLIENT_COOKIE_NAME)
    return response
