"""The guide for staff: how clients get in, step by step, in the words of the screens."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portico.plumbing import rendering
from portico.web.guards import office_page
from portico.web.requests import OfficeRequest


@office_page()
@require_safe
def show(request: OfficeRequest) -> HttpResponse:
    context = {
        "practice_address": request.practice.portal_address,
        "sender_address": settings.EMAIL_FROM,
        "link_works_for": rendering.duration(settings.SIGNIN_LINK_TTL),
        "pin_works_for": rendering.duration(settings.PIN_TTL),
        "client_idle_for": rendering.duration(settings.SESSION_IDLE_CLIENT),
    }
    return render(request, "office/help/guide.html", context)
