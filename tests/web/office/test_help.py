"""The help page for staff."""

import re

import pytest
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from portico.domain.practices.models import Practice
from tests import cast

# Labels that the guide mentions; each must exist in some template.
LABELS = (
    "Client Portal Access",
    "Email ok",
    "Save Client",
    "Save access",
    "Access billing documents",
    "Resend email invitation",
    "Send Email",
    "Generate PIN",
    "Help requests",
    "I have a PIN",
    "Allow more tries",
    "Send me a new link",
    "Pay a balance with credit card using Stripe",
    "Share with client",
    "Record a payment",
    "Pay Now",
    "Save Card",
    "Refund",
    "Payments to review",
    "Save and check with Stripe",
    "Create webhook",
    "Invitation letter (PDF)",
)


def test_every_role_can_open_it(office: Browser) -> None:
    assert office.get("/office/help/").status_code == 200


@pytest.mark.parametrize("label", LABELS)
def test_mentioned_labels_exist(office: Browser, label: str) -> None:
    assert f"<b>{label}</b>" in office.get("/office/help/").text


def test_shows_the_practices_url_and_sender(office: Browser, practice: Practice) -> None:
    words = office.get("/office/help/").text
    assert practice.portal_address in words
    assert "portal@portico.example" in words


def test_table_of_contents_links_work(office: Browser) -> None:
    page = office.get("/office/help/").text
    named = set(re.findall(r'href="#([a-z-]+)"', page)) - {"main"}
    assert named <= set(re.findall(r'id="([a-z-]+)"', page))
    assert len(named) == 16


def test_tab_and_menu_link_to_it(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    page = office.get(f"/office/clients/{ana.ref}/edit/portal/").text
    assert page.count('href="/office/help/"') == 1
    assert page.count('href="/office/help/#cannot"') == 1


def test_query_count(office: Browser, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    office.get("/office/help/")
    with django_assert_num_queries(2):
        office.get("/office/help/")
