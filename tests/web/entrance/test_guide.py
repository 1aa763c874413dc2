"""The help page, before and after signing in, in both languages."""

import pytest

from portico.domain.practices.models import Practice
from tests import cast
from tests.support.portal_client import Browser

HELP = "/portal/alder-street/help/"


def test_guide_is_public_and_names_the_practice(practice: Practice) -> None:
    page = Browser().get(HELP).text
    for words in ("portal@portico.example", "(212) 555-0177", "There is no password", "Back to sign-in"):
        assert words in page


def test_phone_numbers_are_links(practice: Practice) -> None:
    practice.emergency_text = "In an emergency call 911."
    practice.save(update_fields=["emergency_text"])
    page = Browser().get(HELP).text
    # Among the facts, where the email does not come, in the last words and at the foot.
    assert page.count(f'href="tel:{practice.phone}"') == 4
    assert 'href="tel:911"' in page


def test_signed_in_client_can_return_to_the_portal(practice: Practice) -> None:
    page = cast.in_the_portal(Browser(), cast.ana(practice)).get(HELP).text
    assert 'href="/portal/alder-street/home/"' in page
    assert "Back to sign-in" not in page


def test_guide_is_in_the_clients_language(practice: Practice) -> None:
    browser = cast.in_the_portal(Browser(), cast.client(practice, "Ana", address="a@mail.example", language="es"))
    assert "Primeros pasos" in browser.get(HELP).text


@pytest.mark.parametrize("path", ["", "code/"])
def test_entrance_links_to_the_guide(practice: Practice, path: str) -> None:
    browser = Browser()
    browser.post("/portal/alder-street/", {"email": "ana@mail.example"})
    assert f'href="{HELP}"' in browser.get(f"/portal/alder-street/{path}").text


def test_portal_links_to_the_guide(practice: Practice) -> None:
    browser = cast.in_the_portal(Browser(), cast.ana(practice))
    assert f'href="{HELP}"' in browser.get("/portal/alder-street/home/").text
