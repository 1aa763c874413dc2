"""A view that accepts every method."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from portico.web.guards import machine_page


@machine_page
def anything(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


urlpatterns = [path("any/", anything)]
