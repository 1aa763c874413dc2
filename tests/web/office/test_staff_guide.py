"""The guide for staff."""

import re

import pytest
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from portico.domain.practices.models import Practice
from tests import cast

# What the guide's steps tell people to press or to fill in; each must stand in some page just so.
LABELS = (
    "Client Portal Access",
    "Email ok",
    "Save Client",
    "Save access",
    "Access billing documents",
    "Resend email invitation",
    "Send Email",
    "Generate PIN",
    "I have a PIN",
    "Allow more tries",
    "Send me a new link",
    "Pay a balance with credit card using Stripe",
    "Share with client",
    "Record a payment",
    "Pay Now",
    "Save Card",
    "Refund",
    "Payments that need a look",
    "Save and check with Stripe",
    "Create it for me",
    "Invitation letter (PDF)",
)


def test_it_is_there_for_everybody_who_works_here(office: Browser) -> None:
    assert office.get("/office/help/").status_code == 200


@pytest.mark.parametrize("label", LABELS)
def test_it_names_what_stands_on_the_screen(office: Browser, label: str) -> None:
    assert f"<b>{label}</b>" in office.get("/office/help/").text


def test_it_gives_the_practice_s_own_address_and_sender(office: Browser, practice: Practice) -> None:
    words = office.get("/office/help/").text
    assert practice.portal_address in words
    assert "portal@portico.example" in words


def test_each_line_of_its_contents_leads_somewhere(office: Browser) -> None:
    page = office.get("/office/help/").text
    named = set(re.findall(r'href="#([a-z-]+)"', page)) - {"main"}
    assert named <= set(re.findall(r'id="([a-z-]+)"', page))
    assert len(named) == 13


def test_the_tab_and_the_menu_lead_to_it(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    page = office.get(f"/office/clients/{ana.ref}/edit/portal/").text
    assert page.count('href="/office/help/"') == 1
    assert page.count('href="/office/help/#signing-in"') == 1


def test_it_asks_no_more_than_any_office_page(
    office: Browser, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    office.get("/office/help/")
    with django_assert_num_queries(6):
        office.get("/office/help/")
