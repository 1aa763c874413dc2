"""`Generate PIN`, and ending links, PINs and sessions."""

import re
from dataclasses import replace
from datetime import date
from html import unescape

import pytest
from django.test import Client as Browser

from portico.domain.access import access_grants, client_changes
from portico.domain.access.models import Pin, PortalAccess, PortalSession
from portico.domain.access.sign_in import sign_in_pins
from portico.domain.audit_actions import AuditAction
from portico.domain.clients import client_numbers
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing.models import AuditEntry
from tests import cast

pytestmark = pytest.mark.django_db
CHECKED = {"caller_checked": "on"}


@pytest.fixture
def ana(practice: Practice) -> Client:
    ana = cast.ana(practice)
    cast.with_access(ana)
    return ana


def tab(person: Client) -> str:
    return f"/office/clients/{person.ref}/edit/portal/"


def said(browser: Browser, address: str) -> str:
    return " ".join(unescape(browser.get(address, follow=True).content.decode()).split())


def shown(page: str) -> str:
    found = re.search(r'<output data-testid="pin"[^>]*><span>(\d{4})</span> <span>(\d{4})</span>', page)
    return found[1] + found[2] if found else ""


def entries(action: AuditAction) -> int:
    return AuditEntry.objects.filter(action=action).count()


def test_pin_is_shown_once_and_not_cached(office: Browser, ana: Client) -> None:
    made = office.post(f"{tab(ana)}pin/", {"form_key": "k" * 43, **CHECKED})
    assert made.headers["Location"] == f"{tab(ana)}pin/"
    assert office.head(f"{tab(ana)}pin/").status_code == 200  # Shows nothing, so it uses nothing up.
    page = office.get(f"{tab(ana)}pin/")
    pin = shown(page.content.decode())
    assert len(pin) == 8
    assert "no-store" in page.headers["Cache-Control"]
    assert pin not in str(made.headers)
    assert pin not in str([cookie.value for cookie in office.cookies.values()])
    again = office.get(f"{tab(ana)}pin/", follow=True)
    assert "A PIN is shown only once." in again.content.decode()
    assert shown(again.content.decode()) == ""


def test_page_shows_what_to_say(office: Browser, ana: Client) -> None:
    office.post(f"{tab(ana)}pin/", {"form_key": "k" * 43, **CHECKED})
    page = said(office, f"{tab(ana)}pin/")
    for words in (
        "PIN for Ana Abreu",
        "/portal/alder-street/",
        "I have a PIN",
        "ana@mail.example",
        "1:20 PM",
        "60 minutes",
    ):
        assert words in page.replace("1 hour", "60 minutes")


def test_facts_to_ask_for_stand_before_the_button(office: Browser, ana: Client) -> None:
    Client.objects.update(date_of_birth=date(1984, 3, 2))
    page = said(office, tab(ana)).partition('id="pin"')[2]
    before = page[: page.index("Generate PIN")]
    for words in ("Mar 2, 1984", "(212) 555-0134", client_numbers.number_of(ana), "I checked who is calling"):
        assert words in before


def test_no_pin_before_the_caller_was_checked(office: Browser, ana: Client) -> None:
    answer = office.post(f"{tab(ana)}pin/", {"form_key": "k" * 43})
    assert answer.status_code == 422
    assert "Find out who is calling and check the box first." in unescape(answer.content.decode())
    assert not Pin.objects.exists()


def test_a_client_without_email_is_told_what_to_enter(office: Browser, practice: Practice) -> None:
    nia = cast.client(practice, "Nia", phone="+12125550199")
    cast.with_access(nia)
    office.post(f"{tab(nia)}pin/", CHECKED)
    page = said(office, f"{tab(nia)}pin/")
    assert f"your client number, <b>{client_numbers.number_of(nia)}</b>, and this PIN" in page
    assert "A PIN was generated." in said(office, f"/office/clients/{nia.ref}/")


def test_double_submission_creates_one_pin(office: Browser, ana: Client) -> None:
    pages = []
    for _ in range(2):
        office.post(f"{tab(ana)}pin/", {"form_key": "k" * 43, **CHECKED})
        pages.append(shown(said(office, f"{tab(ana)}pin/")))
    assert pages[0] == pages[1] != ""
    assert Pin.objects.count() == 1


def test_another_colleague_does_not_see_the_pin(office: Browser, ana: Client, practice: Practice) -> None:
    office.post(f"{tab(ana)}pin/", {"form_key": "k" * 43, **CHECKED})
    hals = cast.signed_in(Browser(), cast.hal(practice))
    hals.cookies.update({name: cookie for name, cookie in office.cookies.items() if name.endswith("-pin")})
    assert shown(said(hals, f"{tab(ana)}pin/")) == ""


def test_pin_needs_no_email_ok(office: Browser, practice: Practice) -> None:
    nia = cast.client(practice, "Nia", address="nia@mail.example", email_ok=False)
    cast.with_access(nia)
    office.post(f"{tab(nia)}pin/", CHECKED)
    assert shown(said(office, f"{tab(nia)}pin/"))


def test_refusal_beside_the_button_links_to_the_fix(office: Browser, ana: Client) -> None:
    access_grants.save_access(ana, replace(cast.entry_for(ana), enabled=False), version=None, by=cast.DESK)
    page = said(office, tab(ana))
    assert re.search(r'form="pin-form"[^>]*disabled', page)
    answer = office.post(f"{tab(ana)}pin/", {"form_key": "k" * 43, **CHECKED})
    assert answer.status_code == 409
    assert "Turn on Client Portal Access and save it first." in unescape(answer.content.decode())
    assert not Pin.objects.exists()


def test_an_archived_client_gets_no_pin(office: Browser, ana: Client) -> None:
    client_changes.archive(ana, by=cast.DESK)
    assert "Ana is archived. Restore Ana first." in said(office, tab(ana))
    assert office.post(f"{tab(ana)}pin/", CHECKED).status_code == 409


@pytest.mark.parametrize("identifier", ["ana@mail.example", "(212) 555-0134"])
def test_after_ten_wrong_attempts_staff_must_allow_more(office: Browser, ana: Client, identifier: str) -> None:
    visitor = Browser()
    for _ in range(10):
        visitor.post("/portal/alder-street/pin/", {"email": identifier, "pin": "00000000"})
    page = said(office, tab(ana))
    assert "Allow more tries" in page
    assert "Generate PIN" not in page
    assert office.post(f"{tab(ana)}pin/", CHECKED).status_code == 409
    office.post(f"{tab(ana)}pin/tries/")
    assert "Generate PIN" in said(office, tab(ana))
    assert office.post(f"{tab(ana)}pin/", CHECKED).status_code == 302


def test_tab_shows_the_live_pins_creator(office: Browser, ana: Client) -> None:
    office.post(f"{tab(ana)}pin/", CHECKED)
    assert "The last PIN, generated by Fay, works until 1:20 PM." in said(office, tab(ana))


def test_staff_see_and_end_sessions(office: Browser, practice: Practice, ana: Client) -> None:
    phone, desk = Browser(), Browser()
    cast.in_the_portal(phone, ana)
    cast.in_the_portal(desk, ana)
    page = said(office, tab(ana))
    assert page.count('data-testid="session-row"') == 2
    first = PortalSession.objects.earliest("id")
    for _ in range(2):
        assert office.post(f"{tab(ana)}sessions/{first.ref}/end/").status_code == 302
    assert entries(AuditAction.SESSION_ENDED) == 1
    assert phone.get("/portal/alder-street/home/").status_code == 302
    assert desk.get("/portal/alder-street/home/").status_code == 200


def test_session_of_another_client_is_404(office: Browser, practice: Practice, ana: Client) -> None:
    cast.in_the_portal(Browser(), cast.carol(practice))
    session = PortalSession.objects.get()
    assert office.post(f"{tab(ana)}sessions/{session.ref}/end/").status_code == 404
    session.refresh_from_db()
    assert session.ended_at is None


def test_pin_session_is_ended_only_from_its_client(office: Browser, practice: Practice) -> None:
    bruno, bea = cast.bruno(practice), cast.bea(practice)
    for person in (bruno, bea):
        cast.with_access(person)
    office.post(f"{tab(bea)}pin/", {"form_key": "k" * 43, **CHECKED})
    pin = shown(office.get(f"{tab(bea)}pin/").content.decode())
    Browser().post("/portal/alder-street/pin/", {"email": "bruno@mail.example", "pin": pin})
    session = PortalSession.objects.get()
    assert office.post(f"{tab(bruno)}sessions/{session.ref}/end/").status_code == 404
    assert office.post(f"{tab(bea)}sessions/{session.ref}/end/").status_code == 302
    session.refresh_from_db()
    assert session.ended_at is not None


def test_end_everything_ends_links_pins_and_sessions(office: Browser, ana: Client) -> None:
    phone = cast.in_the_portal(Browser(), ana)
    token = cast.token_of(cast.invited(ana))
    office.post(f"{tab(ana)}pin/", CHECKED)
    assert sign_in_pins.live_pin(PortalAccess.objects.get(own_client=ana)) is not None
    office.post(f"{tab(ana)}ending/")
    assert phone.get("/portal/alder-street/home/").status_code == 302
    assert Browser().get(f"/portal/alder-street/link/{token}/", follow=True).status_code == 410
    assert sign_in_pins.live_pin(PortalAccess.objects.get(own_client=ana)) is None
    assert 'data-testid="session-row"' not in said(office, tab(ana))
    assert entries(AuditAction.EVERYTHING_ENDED) == 1
    # Access stays on: a new invitation works.
    assert cast.in_the_portal(Browser(), ana).get("/portal/alder-street/home/").status_code == 200


def test_a_biller_sees_neither_button(client: Browser, practice: Practice, ana: Client) -> None:
    page = said(cast.signed_in(client, cast.ines(practice)), tab(ana))
    for words in ("Generate PIN", "out everywhere", "pin-form"):
        assert words not in page
