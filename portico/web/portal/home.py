"""The portal's home: what waits for the client."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portico.web.guards import portal_page
from portico.web.requests import PortalRequest


@portal_page
@require_safe
def show(request: PortalRequest) -> HttpResponse:
    return render(request, "portal/home.html", {"client": request.client})
