"""The profile page: language, active sessions and signing out."""

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
from portico.web import languages, saved_forms
from portico.web.guards import portal_chooser_page, portal_page
from portico.web.http import cookies
from portico.web.http.request_types import PortalRequest
from portico.web.portal import change_email
from portico.web.portal.flash_messages import Notice

SAVED_FORM_NOTICE = _(
    "You were signed out, and nothing has been saved yet. The language you chose is below. Check it and save it again."
)


@portal_page
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: PortalRequest) -> HttpResponse:
    """Shows the page; restores a language chosen before the session ended."""
    if request.method == "POST":
        return _choose_language(request)
    choices = saved_forms.find_fields_of_client(request)
    language = choices.get("language") if choices else None
    if language not in Language.values:
        return _page(request, chosen=get_language())
    return _page(request, chosen=language, messages=[Notice("info", SAVED_FORM_NOTICE)])


def _page(
    request: PortalRequest,
    *,
    chosen: str | None,
    status: HTTPStatus = HTTPStatus.OK,
    nothing_chosen: bool = False,
    messages: Sequence[Notice] = (),
) -> HttpResponse:
    context = {
        "client": request.client,
        "name": request.access.holder.name,
        "is_own": request.access.is_own,
        "address": request.access.address.address if request.access.address else "",
        "may_change_address": change_email.is_offered(request),
        "sessions": portal_sessions.live_sessions(request.account),
        "own_session": None if request.client_view else request.portal_session,
        "choices": Language.choices,
        "chosen": chosen,
        "nothing_chosen": nothing_chosen,
        "messages": messages,
    }
    return render(request, "portal/profile.html", context, status=status)


def _choose_language(request: PortalRequest) -> HttpResponse:
    """Saves the language of the portal and of sign-in emails. 422 for an unknown language."""
    language = request.POST.get("language", "")
    if language not in Language.values:
        status = HTTPStatus.UNPROCESSABLE_CONTENT
        return _page(request, chosen=get_language(), status=status, nothing_chosen=True)
    portal_accounts.choose_language(request.account, Language(language), by=request.actor)
    response = redirect(f"{reverse('portal:profile', kwargs={'slug': request.practice.slug})}#language")
    # A language chosen in this browser earlier would take precedence.
    languages.set_language_cookie(response, language)
    return response


@portal_chooser_page
@require_POST
def end_session(request: PortalRequest, ref: str) -> HttpResponse:
    """Ends one of the mailbox's sessions; ending the current one signs out."""
    session = get_object_or_404(request.account.sessions, ref=ref)
    if session.pk == request.portal_session.pk:
        return _sign_out(request)
    portal_sessions.end_by_client(session, request.practice, seen_by=request.client, by=request.actor)
    return redirect("portal:profile", slug=request.practice.slug)


@portal_chooser_page
@require_POST
def end_other_sessions(request: PortalRequest) -> HttpResponse:
    """Ends all sessions of the mailbox except the current one."""
    portal_sessions.end_others(request.portal_session, request.practice, seen_by=request.client, by=request.actor)
    return redirect("portal:profile", slug=request.practice.slug)


@portal_chooser_page
@require_POST
def sign_out(request: PortalRequest) -> HttpResponse:
    return _sign_out(request)


def _sign_out(request: PortalRequest) -> HttpResponse:
    portal_sessions.sign_out(request.portal_session, request.practice, by=request.actor)
    entrance = reverse("entrance:doorway", kwargs={"slug": request.practice.slug})
    response = redirect(f"{entrance}?signed-out")
    # Not "cookies": those are shared by every practice and by staff on this origin.
    response["Clear-Site-Data"] = '"cache", "storage"'
    cookies.delete_cookie(response, settings.CLIENT_COOKIE_NAME)
    return response
