"""Every form of the portal names its mailbox and client."""

import re
from pathlib import Path

import pytest

import portico
from tests.support.world import World
from tests.web.visitors import forms_of

pytestmark = pytest.mark.django_db


def test_every_form_on_a_portal_page_names_its_subject(world: World) -> None:
    account = world.ana.portal_access.account or pytest.fail("No mailbox.")
    subject = f"{account.ref}.{world.ana.ref}"
    forms = [form for forms in forms_of(world, "the client").values() for form in forms]
    in_portal = [
        form
        for form in forms
        if re.match(r"/portal/alder-street/(home|who|billing|card|payments|profile|s)", form.action)
    ]
    assert len(in_portal) > 5
    assert [form.action for form in in_portal if form.fields.get("subject") != subject] == []


def test_every_form_in_a_portal_template_names_its_subject() -> None:
    templates = Path(portico.__file__).parent / "templates"
    found = [*(templates / "portal").rglob("*.html"), templates / "ui" / "portal.html"]
    forms = [(path, form) for path in found for form in re.findall(r"<form\b.*?</form>", path.read_text(), re.DOTALL)]
    posted = [(path, form) for path, form in forms if 'method="post"' in form]
    assert len(posted) > 10
    assert [path.name for path, form in posted if "{{ form_subject() }}" not in form] == []
