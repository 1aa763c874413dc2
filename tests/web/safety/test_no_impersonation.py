"""Staff cannot set a colleague's password, and clients sign in only by mailbox or PIN."""

import ast
from functools import cache
from pathlib import Path

import pytest

import portico
from portico.domain.access.models import PortalSession
from portico.domain.practices.models import StaffMember
from portico.web.route_list import Route
from tests.support.world import World, cases
from tests.web.safety.test_every_address import STAFF
from tests.web.visitors import undone

MODULES = {"completing_sign_in", "link_redemption", "own_account", "portal_sessions", "set_up_links"}
SOURCE = Path(portico.__file__).parent
ANOTHER = "another long walk by the river"
# The names a form might use for the person and their credentials.
ASKED = {
    **dict.fromkeys(("password", "new_password", "password1", "password2"), ANOTHER),
    **dict.fromkeys(("staff", "member", "user", "email", "login"), "ines@alder-street.example"),
    "role": "biller",
    "name": "Ines",
    "version": "1",
}


@cache
def functions() -> dict[str, set[str]]:
    """Returns the names that each function uses, by "module.function"."""
    found = {}
    for file in SOURCE.rglob("*.py"):
        module = ".".join(file.relative_to(SOURCE).with_suffix("").parts)
        for function in ast.walk(ast.parse(file.read_text())):
            if isinstance(function, ast.FunctionDef):
                found[f"{module}.{function.name}"] = {_named(node) for node in ast.walk(function)}
    return found


def callers_of(*names: str) -> set[str]:
    """Returns the functions that use one of these."""
    return {function for function, named in functions().items() if named & set(names)}


def _named(node: ast.AST) -> str:
    """Returns "module.function" if used as such, else the attribute's name."""
    if isinstance(node, ast.Name):
        return f".{node.id}"
    if not isinstance(node, ast.Attribute):
        return ""
    if isinstance(node.value, ast.Name) and node.value.id in MODULES:
        return f"{node.value.id}.{node.attr}"
    return f".{node.attr}"


@pytest.mark.django_db
@pytest.mark.parametrize("route", [route for route, method in cases() if method == "POST"], ids=lambda each: each.name)
def test_no_route_sets_others_passwords_or_sessions(world: World, route: Route) -> None:
    sessions_before = set(PortalSession.objects.values_list("pk", flat=True))
    for visitor in STAFF:
        own = world.browsers[visitor].session["_auth_user_id"]
        others = StaffMember.objects.exclude(pk=own)
        before = dict(others.values_list("pk", "password"))
        with undone(world.browsers[visitor]):
            world.browsers[visitor].post(world.path(route), ASKED)
            after = dict(others.values_list("pk", "password"))
            begun = set(PortalSession.objects.values_list("pk", flat=True)) - sessions_before
        assert {pk: word for pk, word in after.items() if before.get(pk, word) != word} == {}, visitor
        assert begun == set(), visitor


def test_passwords_are_set_only_by_owner_link_or_seed() -> None:
    assert callers_of(".set_password", ".make_password", "set_up_links.choose_password") == {
        "domain.practices.staff.own_account.change_password",
        "domain.practices.staff.set_up_links.choose_password",
        "operating.seeding.loading._staff_member",
        "web.office.sign_in.set_up_link._choose",
    }
    assert callers_of("own_account.change_password") == {"web.office.account.own_account._change_password"}


def test_set_up_tokens_are_made_for_mail_and_first_owner() -> None:
    assert callers_of("set_up_links.create_link") == {"domain.practices.practice_creation.create_practice"}
    assert callers_of("set_up_links.url_in_mail") == {"domain.practices.staff.set_up_mail.link"}


def test_client_sessions_start_by_link_code_or_pin_only() -> None:
    assert callers_of("portal_sessions.start") == {"domain.access.sign_in.completing_sign_in.complete"}
    assert callers_of("completing_sign_in.complete") == {
        "domain.access.sign_in.link_redemption.spend",
        "domain.access.sign_in.sign_in_pins._complete",
    }
    assert callers_of("link_redemption.spend", "link_redemption.redeem") == {
        "domain.access.sign_in.sign_in_codes._spend",
        "web.entrance.link._redeem",
        # The demo's own people.
        "operating.demo.demo_data.create_demo_data",
        "operating.demo.demo_data._use_link_while_off",
    }
