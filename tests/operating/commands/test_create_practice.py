"""`portico create-practice` prints the owner's set-up link and refuses bad input in a sentence."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client as Browser

from portico.domain.audit_actions import AuditAction
from portico.domain.documents.models import DocumentTemplate
from portico.domain.documents.templates import starter_set
from portico.domain.practices.models import Practice, StaffMember
from portico.domain.practices.staff import set_up_links
from portico.plumbing.models import AuditEntry

OPTIONS = {
    "slug": "alder-street",
    "name": "Alder Street Therapy",
    "time_zone": "America/Los_Angeles",
    "currency": "USD",
    "owner_email": "Naomi@alder.example",
    "owner_name": "Naomi Elm",
}


def create(*flags: str, **changes: str) -> str:
    output = StringIO()
    call_command("create_practice", *flags, **OPTIONS | changes, stdout=output)
    return output.getvalue()


@pytest.mark.django_db
def test_it_prints_the_urls_and_the_owners_set_up_link() -> None:
    output = json.loads(create("--json"))
    assert (output["slug"], output["portal"], output["office"]) == (
        "alder-street",
        "http://localhost:8000/portal/alder-street/",
        "http://localhost:8000/office/",
    )
    owner = StaffMember.objects.get()
    assert (owner.email, owner.role, owner.has_usable_password()) == ("naomi@alder.example", "owner", False)
    acts = AuditEntry.objects.order_by("id").values_list("action", flat=True)
    assert list(acts[:3]) == [AuditAction.PRACTICE_CREATED, AuditAction.STAFF_ADDED, AuditAction.SET_UP_LINK_MADE]
    token = output["setup"].rstrip("/").rpartition("/")[2]
    assert set_up_links.choose_password(token, "a long walk by the river") == owner
    assert set(AuditEntry.objects.values_list("actor_kind", flat=True)) == {"operator", "staff"}


@pytest.mark.django_db
def test_the_set_up_link_opens_a_page(client: Browser) -> None:
    output = json.loads(create("--json"))
    response = client.get(output["setup"].removeprefix("http://localhost:8000"), follow=True)
    assert response.status_code == 200


@pytest.mark.django_db
def test_without_json_it_prints_sentences() -> None:
    assert "It works once, within 72 hours:\n  http://localhost:8000/office/set-up/" in create()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"slug": "Alder Street"}, "lowercase letters, digits and single hyphens"),
        ({"time_zone": "Portland"}, "Portland is not a time zone"),
        ({"time_zone": "localtime"}, "localtime is not a time zone"),
        ({"time_zone": "Factory"}, "Factory is not a time zone"),
        ({"currency": "Dollars"}, "'Dollars' is not a currency"),
        ({"currency": "XAU"}, "Stripe can’t charge in XAU"),
        ({"owner_email": "naomi"}, "valid email address"),
        ({"owner_email": "naomi@alder"}, "Email: Enter a valid email address"),
        ({"owner_email": "'naomi@alder.example"}, "must not be in quotes"),
        ({"owner_email": "naomí@alder.example"}, "in plain letters"),
        ({"name": "\u202e \x00"}, "--name must be a name"),
        ({"name": "A" * 101}, "Name: "),
    ],
)
def test_bad_input_is_refused_and_creates_nothing(changes: dict[str, str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        create(**changes)
    assert not Practice.objects.exists()
    assert not StaffMember.objects.exists()


@pytest.mark.django_db
def test_a_slug_in_use_is_refused() -> None:
    create()
    with pytest.raises(CommandError, match="alder-street is already in use"):
        create(owner_email="other@alder.example")
    with pytest.raises(CommandError, match=r"naomi@alder\.example is already used"):
        create(slug="birch-lane")
    assert Practice.objects.count() == 1


@pytest.mark.django_db
def test_a_new_practice_has_the_starter_set_unpublished() -> None:
    create("--json")
    titles = DocumentTemplate.objects.filter(current_version=None).order_by("position").values_list("title", flat=True)
    assert list(titles) == [document.title for document in starter_set.STARTER_SET]
