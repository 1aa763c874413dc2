"""A client's own page: where they are signed in, and the way out."""

from http import HTTPStatus

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.http import require_POST, require_safe

from portico.domain.access import accounts, sessions
from portico.domain.clients.models import Language
from portico.web import cookies, languages
from portico.web.guards import portal_door, portal_page
from portico.web.requests import PortalRequest


@portal_page
@require_safe
def show(request: PortalRequest) -> HttpResponse:
    return _page(request)


def _page(request: PortalRequest, *, status: HTTPStatus = HTTPStatus.OK, nothing_chosen: bool = False) -> HttpResponse:
    chosen = next(access for access in request.accesses if access.client_id == request.client.pk)
    context = {
        "client": request.client,
        "address": chosen.address.address if chosen.address else "",
        "sessions": sessions.open_to(request.account),
        "own": request.portal_session,
        "choices": Language.choices,
        "language": get_language(),
        "nothing_chosen": nothing_chosen,
    }
    return render(request, "portal/profile.html", context, status=status)


@portal_page
@require_POST
def choose_language(request: PortalRequest) -> HttpResponse:
    """The language of the portal and of the mails that sign in; any other word than those offered is no choice."""
    language = request.POST.get("language", "")
    if language not in Language.values:
        return _page(request, status=HTTPStatus.UNPROCESSABLE_CONTENT, nothing_chosen=True)
    accounts.choose_language(request.account, Language(language), by=request.actor)
    response = redirect(f"{reverse('portal:profile', kwargs={'slug': request.practice.slug})}#language")
    # What was pressed in this browser earlier would win.
    languages.keep(response, language)
    return response


@portal_door
@require_POST
def end_session(request: PortalRequest, ref: str) -> HttpResponse:
    """Ends one of the mailbox's own sessions; this browser's own is a sign-out."""
    session = get_object_or_404(request.account.sessions, ref=ref)
    if session.pk == request.portal_session.pk:
        return _leave(request)
    sessions.end_by_client(session, request.practice, seen_by=request.client, by=request.actor)
    return redirect("portal:profile", slug=request.practice.slug)


@portal_door
@require_POST
def end_other_sessions(request: PortalRequest) -> HttpResponse:
    """Ends all of the mailbox's sessions but this browser's own."""
    sessions.end_others(request.portal_session, request.practice, seen_by=request.client, by=request.actor)
    return redirect("portal:profile", slug=request.practice.slug)


@portal_door
@require_POST
def sign_out(request: PortalRequest) -> HttpResponse:
    return _leave(request)


def _leave(request: PortalRequest) -> HttpResponse:
    sessions.sign_out(request.portal_session, request.practice)
    door = reverse("entrance:doorway", kwargs={"slug": request.practice.slug})
    response = redirect(f"{door}?signed-out")
    # Not "cookies": those are shared by every practice and by staff on this origin.
    response["Clear-Site-Data"] = '"cache", "storage"'
    cookies.take(response, settings.CLIENT_COOKIE_NAME)
    return response
