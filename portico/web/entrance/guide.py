"""The getting-started guide as a page, public and in the portal."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.http import require_safe

from portico.domain.access.onboarding.guides import client_guide
from portico.domain.access.sign_in import portal_sessions
from portico.web import languages
from portico.web.guards import client_session, open_page
from portico.web.http.request_types import OpenRequest


@open_page
@require_safe
def show(request: OpenRequest) -> HttpResponse:
    session = client_session(request, request.practice)
    access = portal_sessions.accesses_of(session).first() if session else None
    if session is not None and access is not None and not languages.chosen_language(request):
        translation.activate(session.account.language or access.holder_language)
    context = {
        "practice": request.practice,
        "guide": client_guide.build_guide(request.practice),
        "is_signed_in": access is not None,
    }
    return render(request, "entrance/help.html", context)
