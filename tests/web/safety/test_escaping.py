"""Tests that typed text is escaped: nothing marks it as HTML, and a typed script runs on no page."""

import ast
import re
from pathlib import Path

import pytest
from django.db import models

import portico
from portico.domain.access.models import PortalAccess, PortalSession
from portico.domain.billing.models import Credit, Invoice, InvoiceLine, Payment, Refund, ServiceItem
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice, StaffMember, StaffSession
from portico.plumbing.mail import outbox
from portico.plumbing.models import OutgoingEmail
from portico.web.route_list import all_routes
from tests.support.world import World
from tests.web.visitors import undone

pytestmark = pytest.mark.sqlite

ROOT = Path(portico.__file__).parent
TEMPLATES = sorted((ROOT / "templates").rglob("*.*"))
# Functions that turn text into HTML as it is.
MARKING = {"mark_safe", "SafeString", "SafeText", "Markup", "html_safe"}
# Functions whose first argument is HTML as it is.
FORMATTING = {"format_html", "format_html_join"}
# The icons' own file.
ALLOWED = {
    "web/icons/__init__.py: mark_safe(shapes_by_name()[name])",
    # The text of a consent, by a renderer that escapes what was typed.
    "domain/documents/templates/consent_text.py: mark_safe(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))",
    # A text of the catalog; Jinja2 escapes what is put into it.
    "web/template_engine/translated_texts.py: Markup(text)",
}

TYPED = "<script>alert(1)</script>"
FIELDS: dict[type[models.Model], tuple[str, ...]] = {
    Client: ("first_name", "last_name", "preferred_name"),
    Credit: ("reason",),
    Invoice: ("note",),
    InvoiceLine: ("label",),
    OutgoingEmail: ("to_name", "written_by", "detail"),
    Payment: ("note", "check_number"),
    PortalAccess: ("draft_subject", "draft_message"),
    PortalSession: ("browser",),
    Practice: (
        *("name", "support_hours", "support_hours_es", "sender_name", "postal_address"),
        *("greeting", "greeting_es", "emergency_text", "emergency_text_es"),
    ),
    Refund: ("reason", "note"),
    ServiceItem: ("label",),
    StaffMember: ("name",),
    StaffSession: ("browser",),
}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_no_template_marks_a_value_as_html(path: Path) -> None:
    text = path.read_text("utf-8")
    assert re.findall(r"\|\s*safe\b|\bautoescape\b|\bMarkup\b", text) == []
    # A translation is HTML as it is, so only literals are translated.
    assert [found for found in re.findall(r"\b_\((.)", text) if found not in "\"'"] == []


def marked(source: str) -> list[str]:
    """Returns the calls that take anything but a literal as HTML."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [
        ast.unparse(call)
        for call in calls
        if _name_of(call) in MARKING | FORMATTING and not (call.args and _is_literal(call.args[0]))
    ]


def _is_literal(argument: ast.expr) -> bool:
    if isinstance(argument, ast.Call):
        return _name_of(argument) in MARKING and _is_literal(argument.args[0])
    return isinstance(argument, ast.Constant)


def _name_of(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]


def test_only_literals_are_html_in_python() -> None:
    found = {
        f"{path.relative_to(ROOT)}: {call}" for path in ROOT.rglob("*.py") for call in marked(path.read_text("utf-8"))
    }
    assert found == ALLOWED


@pytest.mark.parametrize("fault", ["mark_safe(name)", "safestring.SafeString(f'{name}')", "format_html(text(), name)"])
def test_marked_text_is_found(fault: str) -> None:
    assert marked(fault) == [fault]


@pytest.mark.django_db
def test_a_typed_script_is_shown_as_text_on_every_page_and_mail(world: World) -> None:
    for model, names in FIELDS.items():
        model._default_manager.update(**dict.fromkeys(names, TYPED))
    pages = dict(_pages(world))
    assert [name for name, html in pages.items() if TYPED in html] == []
    # It was there to be shown: on pages of both, and in mails.
    assert {name.split(":")[0] for name, html in pages.items() if "&lt;script&gt;alert(1)" in html} == {
        *("owner", "the client", "mail")
    }


def _pages(world: World) -> list[tuple[str, str]]:
    pages = []
    for visitor in ("owner", "the client"):
        browser = world.browsers[visitor]
        for route in all_routes():
            if "GET" in route.methods:
                with undone(browser):
                    answer = browser.get(world.path(route))
                if answer.headers["Content-Type"].startswith("text/html"):
                    pages.append((f"{visitor}: {world.path(route)}", answer.text))
    for mail in OutgoingEmail.objects.select_related("practice"):
        composer = outbox.composer_of(mail.kind)
        pages.append((f"mail: {mail.kind} {mail.pk}", composer.compose(mail, composer.link(mail)).html))
    return pages
