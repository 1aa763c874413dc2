"""`Documents`: what the client has still to complete, and what was completed."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from portico.domain.documents.completion import portal_requests
from portico.web.guards import portal_documents_page
from portico.web.http.request_types import PortalRequest
from portico.web.portal import flash_messages


@portal_documents_page
@require_safe
def index(request: PortalRequest) -> HttpResponse:
    listed = portal_requests.list_for(request.access, get_language() or "en", before=request.GET.get("before", ""))
    context = {
        "messages": flash_messages.notice_of(request),
        "listed": listed,
        "minutes": sum(each.minutes for each in listed.to_complete),
    }
    return render(request, "portal/documents/index.html", context)
