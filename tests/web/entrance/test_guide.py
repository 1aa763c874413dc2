"""How the portal works, told before and after signing in, in both languages."""

import pytest

from portico.domain.practices.models import Practice
from tests import cast
from tests.support.pressing import Browser

HELP = "/portal/alder-street/help/"


def test_it_is_there_for_whoever_comes_with_the_practice_s_own_names(practice: Practice) -> None:
    page = Browser().get(HELP).text
    for words in ("portal@portico.example", "(212) 555-0177", "There is no password", "Back to signing in"):
        assert words in page


def test_its_telephone_numbers_can_be_pressed(practice: Practice) -> None:
    practice.emergency_text = "In an emergency call 911."
    practice.save(update_fields=["emergency_text"])
    page = Browser().get(HELP).text
    # Among the facts, where the email does not come, in the last words and at the foot.
    assert page.count(f'href="tel:{practice.phone}"') == 4
    assert 'href="tel:911"' in page


def test_who_is_signed_in_gets_back_to_the_portal(practice: Practice) -> None:
    page = cast.in_the_portal(Browser(), cast.ana(practice)).get(HELP).text
    assert 'href="/portal/alder-street/home/"' in page
    assert "Back to signing in" not in page


def test_it_speaks_the_client_s_own_language(practice: Practice) -> None:
    browser = cast.in_the_portal(Browser(), cast.client(practice, "Ana", address="a@mail.example", language="es"))
    assert "Primeros pasos" in browser.get(HELP).text


@pytest.mark.parametrize("path", ["", "code/"])
def test_the_door_leads_to_it(practice: Practice, path: str) -> None:
    browser = Browser()
    browser.post("/portal/alder-street/", {"email": "ana@mail.example"})
    assert f'href="{HELP}"' in browser.get(f"/portal/alder-street/{path}").text


def test_the_portal_leads_to_it(practice: Practice) -> None:
    browser = cast.in_the_portal(Browser(), cast.ana(practice))
    assert f'href="{HELP}"' in browser.get("/portal/alder-street/home/").text
