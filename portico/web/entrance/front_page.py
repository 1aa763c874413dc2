"""The start page of the installation."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from portico.domain.practices.models import Practice
from portico.web.guards import front_page


@front_page
@require_safe
def front_door(request: HttpRequest) -> HttpResponse:
    """Redirects to the only practice. With several it names none of them; with none it explains how to create one."""
    practices = Practice.objects.order_by("id")[:2]
    if len(practices) == 1:
        return redirect("entrance:doorway", slug=practices[0].slug)
    return render(request, "entrance/front_door.html", {"is_new": not practices})
