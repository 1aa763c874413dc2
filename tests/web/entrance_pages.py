"""Two views for the tests of menus."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def place(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.path)


urlpatterns = [
    path("office/", include(([path("clients/", place, name="clients")], "office"))),
    path("portal/", include(([path("", place, name="home")], "portal"))),
]
