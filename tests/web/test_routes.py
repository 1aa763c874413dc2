"""Every address is listed with its guard."""

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.http import require_safe

from portico.domain.practices.models import Role
from portico.web import routes
from portico.web.routes import Unguarded


@require_safe
def unguarded(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


urlpatterns = [path("bare/", unguarded)]


def test_every_address_has_a_guard_and_says_its_methods() -> None:
    listed = {route.name: route for route in routes.all_routes()}
    assert listed["office:sign_in"].audience == "open"
    assert listed["office:sign_in"].methods == ("GET", "HEAD", "POST")
    assert listed["office:sign_out"].methods == ("POST",)
    assert listed["office:trail"].roles == (Role.OWNER,)
    assert listed["office:trail"].path == "/office/settings/trail/"
    assert listed["portal:home"].audience == "portal"


@pytest.mark.urls("tests.web.test_routes")
def test_a_view_without_a_guard_is_an_error() -> None:
    with pytest.raises(Unguarded, match="/bare/"):
        routes.all_routes()


@pytest.mark.urls("tests.web.methodless")
def test_a_view_that_takes_any_method_is_an_error() -> None:
    with pytest.raises(Unguarded, match="any method"):
        routes.all_routes()
