"""`Settings`: redirects to its first page."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from portico.domain.practices.models import Role
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest


@office_page(Role.OWNER)
@require_safe
def index(request: OfficeRequest) -> HttpResponse:
    return redirect("office:settings_practice")
