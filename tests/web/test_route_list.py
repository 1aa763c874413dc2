"""The list of routes and guards."""

import re

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client as Browser
from django.urls import path
from django.views.decorators.http import require_safe
from pytest_django.fixtures import Settings

from portico.domain.practices.models import Role
from portico.web import route_list
from portico.web.route_list import Unguarded


@require_safe
def unguarded(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


urlpatterns = [path("bare/", unguarded)]


def test_every_route_has_a_guard_and_methods() -> None:
    listed = {route.name: route for route in route_list.all_routes()}
    assert listed["office:sign_in"].audience == "open"
    assert listed["office:sign_in"].methods == ("GET", "HEAD", "POST")
    assert listed["office:sign_out"].methods == ("POST",)
    assert listed["office:trail"].roles == (Role.OWNER,)
    assert listed["office:trail"].path == "/office/settings/trail/"
    assert listed["portal:home"].audience == "portal"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "address",
    [
        *("/admin/", "/admin/login/", "/accounts/login/", "/accounts/signup/", "/office/signup/", "/__debug__/"),
        *("/schema/", "/openapi.json", "/api/", "/graphql", "/docs/", "/metrics", "/media/", "/static/"),
        *("/.env", "/.git/config", "/office/../admin/", "/static/../settings.py", "/hooks/stripe/"),
    ],
)
def test_no_admin_debug_or_source_url_exists(client: Browser, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 404
    assert "urlconf" not in answer.content.decode().lower()


def test_debug_is_always_off(settings: Settings) -> None:
    assert settings.DEBUG is False
    assert not [app for app in settings.INSTALLED_APPS if re.search(r"admin|debug|swagger|schema", app)]


@pytest.mark.urls("tests.web.test_route_list")
def test_view_without_a_guard_raises() -> None:
    with pytest.raises(Unguarded, match="/bare/"):
        route_list.all_routes()


@pytest.mark.urls("tests.web.unsafe_methods")
def test_view_without_methods_raises() -> None:
    with pytest.raises(Unguarded, match="any method"):
        route_list.all_routes()
