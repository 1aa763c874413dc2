"""The list of clients who come of age, with the guardians about whose access staff decide."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portico.domain.clients import coming_of_age
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest


@office_page()
@require_safe
def index(request: OfficeRequest) -> HttpResponse:
    relationships, limit = coming_of_age.list_for(request.practice), coming_of_age.MAX_LISTED
    values = {
        "rows": relationships[:limit],
        "has_more": len(relationships) > limit,
        "days": coming_of_age.NOTICE.days,
    }
    return render(request, "office/clients/coming_of_age.html", values)
