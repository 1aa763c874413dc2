"""The address without a practice."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from portico.domain.practices.models import Practice
from portico.web.guards import front_page


@front_page
@require_safe
def front_door(request: HttpRequest) -> HttpResponse:
    """Leads to the only practice; with several it names none, with none it says how to begin."""
    practices = Practice.objects.order_by("id")[:2]
    if len(practices) == 1:
        return redirect("entrance:doorway", slug=practices[0].slug)
    return render(request, "entrance/front_door.html", {"is_new": not practices})
