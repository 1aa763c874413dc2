"""Changing the email in the portal, from the profile to the button in the mail, and what staff see."""

import re
from html import unescape

import pytest
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from portico.domain.access import revocation
from portico.domain.access.address_change.confirmation_links import AddressChangeMail
from portico.domain.access.models import PortalSession
from portico.domain.clients.models import Client, EmailAddress
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.models import OutgoingEmail
from tests import cast
from tests.web.tabs import Tab

pytestmark = pytest.mark.django_db
PORTAL = "/portal/alder-street/"
FORM, CONFIRMING = f"{PORTAL}profile/email/", f"{PORTAL}new-email/"
NEW = "ana@new.example"


@pytest.fixture
def ana(practice: Practice) -> Client:
    return cast.ana(practice)


@pytest.fixture
def browser(ana: Client) -> Browser:
    return cast.in_the_portal(Browser(), ana)


def said(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", "", page)).split())


def link_of(mail: OutgoingEmail) -> str:
    OutgoingEmail.objects.filter(pk=mail.pk).update(handing_over_at=clock.now())
    link = AddressChangeMail().link(mail)
    assert link is not None
    return link.removeprefix("http://localhost:8000")


def asked(browser: Browser, address: str = NEW) -> OutgoingEmail:
    answer = Tab(browser, FORM).press(email=address)
    assert f"We sent an email to {address}. Open it and tap the button to finish." in said(answer.text)
    return OutgoingEmail.objects.filter(kind="address_change").latest("id")


def test_the_profile_leads_to_the_form(browser: Browser) -> None:
    assert FORM in browser.get(f"{PORTAL}profile/").text
    assert "You sign in with ana@mail.example." in said(browser.get(FORM).text)


def test_the_button_in_another_browser_changes_the_email(browser: Browser, ana: Client) -> None:
    link, phone = link_of(asked(browser)), Browser()
    arrival = phone.get(link)
    assert (arrival["Location"], arrival["Referrer-Policy"]) == (CONFIRMING, "no-referrer")
    tab = Tab(phone, CONFIRMING)
    sentence = "After you tap the button, you sign in to Alder Street Therapy with ana@new.example"
    assert sentence in said(tab.page.text)
    assert tab.page.text.count("<button") == 1
    assert "Your email was changed" in tab.press().text
    assert browser.get(f"{PORTAL}home/").status_code == 302
    assert phone.get(link, follow=True).status_code == 410
    assert EmailAddress.objects.open().get().address == NEW


def test_the_button_again_leads_to_the_same_page(browser: Browser) -> None:
    phone = Browser()
    phone.get(link_of(asked(browser)))
    tab = Tab(phone, CONFIRMING)
    for _time in range(2):
        assert "Your email was changed" in tab.press().text


def test_the_button_of_a_revoked_link_says_to_ask_again(browser: Browser, ana: Client) -> None:
    phone = Browser()
    phone.get(link_of(asked(browser)))
    tab = Tab(phone, CONFIRMING)
    revocation.end_session(ana, PortalSession.objects.get(), by=cast.DESK)
    answer = tab.press()
    assert (answer.status, "sign in and change it again under Profile" in answer.text) == (410, True)
    assert EmailAddress.objects.get().address == "ana@mail.example"


def test_a_scanner_changes_nothing(browser: Browser) -> None:
    link, scanner = link_of(asked(browser)), Browser()
    for _time in range(3):
        scanner.head(link)
        scanner.get(link, follow=True)
    assert EmailAddress.objects.get().address == "ana@mail.example"
    assert scanner.get(link, follow=True).status_code == 200


def test_the_button_of_another_link_is_out_of_date(browser: Browser) -> None:
    first, phone = link_of(asked(browser)), Browser()
    phone.get(first)
    tab = Tab(phone, CONFIRMING)
    phone.cookies.clear()
    phone.get(link_of(asked(browser, "ana@other.example")))
    assert tab.press().status == 409
    assert EmailAddress.objects.get().address == "ana@mail.example"


@pytest.mark.parametrize("typed", ["", "ana", "ana@new.example, eve@evil.example", "Ana@Mail.Example"])
def test_what_cannot_be_the_new_address_is_shown_again(browser: Browser, typed: str) -> None:
    answer = Tab(browser, FORM).press(email=typed)
    assert answer.status == 422
    assert f'value="{typed}"' in unescape(answer.text) or not typed
    assert not OutgoingEmail.objects.filter(kind="address_change").exists()


def test_known_and_unknown_addresses_get_the_same_page(browser: Browser, practice: Practice) -> None:
    cast.with_access(cast.carol(practice))
    pages = []
    for address in ("carol@mail.example", "nobody@mail.example"):
        text = Tab(browser, FORM).press(email=address).text
        text = text.replace("<wbr>", "").replace(address, "typed")
        pages.append(re.sub(r'(name="(csrfmiddlewaretoken|form_key|next)" value=")[^"]*', r"\1", text))
    assert re.sub(r"sent=\w+", "", pages[0]) == re.sub(r"sent=\w+", "", pages[1])


def test_a_sixth_request_of_a_day_says_so(browser: Browser) -> None:
    for number in range(5):
        asked(browser, f"ana{number}@new.example")
    answer = Tab(browser, FORM).press(email=NEW)
    assert answer.status == 429
    assert "several times today" in answer.text


def test_another_clients_request_is_not_shown(browser: Browser, practice: Practice) -> None:
    carols = asked(cast.in_the_portal(Browser(), cast.carol(practice)), "carol@new.example")
    assert "carol@new.example" not in browser.get(f"{FORM}?sent={carols.ref}").text


def test_staff_see_who_changed_it(browser: Browser, office: Browser, ana: Client) -> None:
    phone = Browser()
    phone.get(link_of(asked(browser)))
    Tab(phone, CONFIRMING).press()
    page = said(office.get(f"/office/clients/{ana.ref}/edit/portal/").text)
    assert "Ana has not signed in with the new address yet" in page
    assert "Changed by the client in the portal" in page
    assert "Email changed to ana@new.example by the client, in the portal" in page


@pytest.mark.parametrize("number", [0, 3])
def test_the_number_of_queries_is_fixed(
    browser: Browser, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    for each in range(number):
        asked(browser, f"ana{each}@new.example")
    with django_assert_num_queries(1):
        browser.get(FORM)
