"""Portal options: which pages each option opens, in sessions of each kind."""

from itertools import product

import pytest

from portico.domain.access.models import PortalAccess
from portico.domain.access.sign_in import sign_in_pins
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import tokens
from portico.web.route_list import Route, all_routes
from tests import cast
from tests.support.portal_client import Browser

pytestmark = pytest.mark.django_db

PORTAL = "/portal/alder-street/"
ON_OR_OFF = (True, False)
WAYS = ("mail", "PIN")
ALWAYS = {"portal:home", "portal:profile"}


@pytest.fixture
def bruno(practice: Practice) -> Client:
    """Bruno, whose mailbox also has access to Bea, with an invoice for each."""
    bruno, bea = cast.bruno(practice), cast.bea(practice)
    for person in (bruno, bea):
        cast.with_access(person)
        cast.bill(person)
    return bruno


def in_by(way: str, bruno: Client) -> Browser:
    browser = Browser()
    if way == "mail":
        cast.in_the_portal(browser, bruno)
        browser.post(f"{PORTAL}who/", {"client": bruno.ref})
        return browser
    form_key = tokens.new_token()
    sign_in_pins.generate(bruno, form_key=form_key, by=cast.DESK)
    shown = sign_in_pins.digits(bruno, form_key, to=cast.DESK)
    assert shown is not None
    assert browser.post(f"{PORTAL}pin/", {"email": "bruno@mail.example", "pin": shown[1]}).status_code == 302
    return browser


def pages() -> list[Route]:
    return [route for route in all_routes() if route.audience == "portal" and route.name != "portal:who"]


def status_of(browser: Browser, route: Route, bruno: Client) -> int:
    path = route.path.replace("<slug:slug>", "alder-street").replace("<str:ref>", bruno.invoices.get().ref)
    return browser.get(path).status_code if "GET" in route.methods else browser.post(path).status_code


@pytest.mark.parametrize(("documents", "card", "way"), list(product(ON_OR_OFF, ON_OR_OFF, WAYS)))
def test_each_page_depends_on_its_option_only(bruno: Client, way: str, *, documents: bool, card: bool) -> None:
    browser = in_by(way, bruno)
    PortalAccess.objects.filter(client=bruno).update(access_billing_documents=documents, pay_by_card=card)
    found = {route.name: status_of(browser, route, bruno) for route in pages() if "GET" in route.methods}
    assert {name: found[name] for name in ALWAYS} == dict.fromkeys(ALWAYS, 200)
    assert (found["portal:billing"], found["portal:invoice"]) == ((200, 200) if documents else (404, 404))
    assert found["portal:change_email"] == (200 if way == "mail" else 404)
    home = browser.get(f"{PORTAL}home/").content.decode()
    assert (f'href="{PORTAL}billing/"' in home) is documents


@pytest.mark.parametrize("way", WAYS)
def test_billing_routes_are_404_without_the_option(bruno: Client, way: str) -> None:
    browser = in_by(way, bruno)
    PortalAccess.objects.filter(client=bruno).update(access_billing_documents=False, pay_by_card=True)
    of_billing = [
        route for route in pages() if f"{PORTAL}billing/" in route.path.replace("<slug:slug>", "alder-street")
    ]
    assert {route.name: status_of(browser, route, bruno) for route in of_billing} == {
        route.name: 404 for route in of_billing
    }


def test_pin_session_has_one_client_link_session_all(bruno: Client) -> None:
    beas = Client.objects.get(first_name="Bea").invoices.get().ref
    by_pin, by_mail = in_by("PIN", bruno), in_by("mail", bruno)
    assert "Bea Berg" not in by_pin.get(f"{PORTAL}home/").content.decode()
    assert by_pin.post(f"{PORTAL}who/", {"client": Client.objects.get(first_name="Bea").ref}).status_code == 404
    assert "Bea Berg" in by_mail.get(f"{PORTAL}home/").content.decode()
    # The invoice is found only while its client is chosen.
    assert [browser.get(f"{PORTAL}billing/{beas}/").status_code for browser in (by_pin, by_mail)] == [404, 404]
    by_mail.post(f"{PORTAL}who/", {"client": Client.objects.get(first_name="Bea").ref})
    assert by_mail.get(f"{PORTAL}billing/{beas}/").status_code == 200
