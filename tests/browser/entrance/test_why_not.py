"""Staff find out on the Client Portal tab why a client can't sign in, and fix it there."""

import pytest
from django.db import transaction
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from portico.domain.access.models import Invitation, PortalAccess, SignInLink
from portico.domain.access.sign_in import link_redemption
from portico.domain.access.sign_in.requests import request_worker
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client, EmailAddress
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.mail.reports import delivery_reports, report_application
from portico.plumbing.mail.reports.delivery_reports import NewReport
from portico.plumbing.models import AuditEntry, OutgoingEmail, ReportKind
from portico.plumbing.models.outgoing_emails import EmailState
from tests import cast
from tests.browser.clients.test_clients import at_the_desk
from tests.support.browser.chromium import Browsing, axe

pytestmark = [
    pytest.mark.browser,
    pytest.mark.sqlite,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]
# What is visible without scrolling on a phone, less the browser's own bars.
FIRST_SCREEN = 700
FINGER = 44


@pytest.fixture
def practice(transactional_db: None) -> Practice:
    return cast.alder()


def tab(person: Client) -> str:
    return f"/office/clients/{person.ref}/edit/portal/"


def expect_stop(desk: Page, step: str, state: str) -> None:
    """Expects that the chain stops at this step only."""
    expect(desk.locator("[data-testid=diagnosis-step]:is([data-state=broken], [data-state=waiting])")).to_have_count(1)
    expect(desk.locator(f"[data-step={step}]")).to_have_attribute("data-state", state)


def expect_open_to(desk: Page, person: Client) -> None:
    desk.goto(tab(person))
    expect(desk.get_by_role("heading", name=f"{person.called} can sign in")).to_be_visible()
    expect(desk.locator("[data-testid=diagnosis-step]:not([data-state=ok])")).to_have_count(0)


def sent(person: Client) -> Invitation:
    """Marks the newest invitation as handed over to the mail server; returns it."""
    invitation = Invitation.objects.filter(client=person).latest("id")
    now = clock.now()
    OutgoingEmail.objects.filter(pk=invitation.email_id).update(
        state=EmailState.HANDED_OVER, handing_over_at=now, handed_over_at=now, settled_at=now
    )
    return invitation


def press_link(phone: Page, invitation: Invitation) -> None:
    phone.goto(f"/portal/alder-street/link/{cast.token_of(invitation)}/")
    phone.get_by_role("button", name="Sign in as").click()
    expect(phone.get_by_role("heading", name="Hello, Ana")).to_be_visible()


def report(invitation: Invitation, kind: ReportKind, **details: str) -> None:
    """Lets the worker apply a delivery report about the invitation's mail."""
    ref = OutgoingEmail.objects.get(pk=invitation.email_id).ref
    with transaction.atomic():
        delivery_reports.store([NewReport(ref, "dsn", f"{kind} {ref}", kind, clock.now(), **details)])
    while report_application.apply_next():
        pass


@pytest.mark.parametrize("width", [390, 1280])
def test_a_client_who_was_never_invited_is(
    browsing: Browsing, live_server: LiveServer, practice: Practice, width: int
) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    desk = at_the_desk(browsing, live_server, practice, width=width)
    desk.goto(tab(ana))
    expect_stop(desk, "invitation_sent", "waiting")
    button = desk.get_by_test_id("portal-banner").get_by_role("link", name="Send an invitation")
    box = button.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < FIRST_SCREEN
    assert axe(desk) == []
    button.click()
    desk.get_by_role("button", name="Send Email").click()
    expect_stop(desk, "invitation_sent", "waiting")
    invitation = sent(ana)
    desk.reload()
    expect_stop(desk, "link_opened", "waiting")
    press_link(browsing.window(live_server.url, width=390), invitation)
    expect_open_to(desk, ana)


def clients_who_cannot_sign_in(practice: Practice) -> dict[str, Client]:
    """Returns a client for each step at which the chain can stop before the first sign-in."""
    names = ("Ana", "Bea", "Carol", "Dora", "Emil", "Flora", "Gale", "Hugo", "Ivy")
    people = [cast.client(practice, name, address=f"{name.lower()}@mail.example") for name in names]
    off, no_address, no_consent, not_invited, on_its_way, bounced, complained, unopened, unpressed = people
    cast.with_access(no_address)
    PortalAccess.objects.filter(client=no_address).update(address=None)
    cast.with_access(no_consent)
    EmailAddress.objects.filter(client=no_consent).update(email_ok_at=None, email_ok_by="")
    cast.with_access(not_invited)
    for person in (on_its_way, bounced, complained, unopened, unpressed):
        cast.invited(person)
    report(sent(bounced), ReportKind.FAILED, status_code="5.1.1", remote_server="mail.example")
    report(sent(complained), ReportKind.COMPLAINED)
    sent(unopened)
    link_redemption.record_fetch(SignInLink.objects.get(email=sent(unpressed).email_id))
    return {
        "access off": off,
        "no address": no_address,
        "no consent": no_consent,
        "not invited": not_invited,
        "on its way": on_its_way,
        "bounced": bounced,
        "complaint": complained,
        "not opened": unopened,
        "not pressed": unpressed,
    }


def test_the_first_broken_step_and_its_button_are_on_the_first_screen_of_a_phone(
    browsing: Browsing, live_server: LiveServer, practice: Practice
) -> None:
    people = clients_who_cannot_sign_in(practice)
    desk = at_the_desk(browsing, live_server, practice, width=390)
    seen = {}
    for name, person in people.items():
        desk.goto(tab(person))
        step = desk.locator("[data-testid=diagnosis-step]:is([data-state=broken], [data-state=waiting])")
        expect(step).to_have_count(1)
        seen[name] = step.get_attribute("data-step")
        banner = desk.get_by_test_id("portal-banner")
        # What is wrong, and as much of the button that fixes it as a finger needs; for mail on its way there is none.
        words = banner.locator("p").first.bounding_box()
        assert words is not None
        assert words["y"] + words["height"] < FIRST_SCREEN, name
        for button in banner.locator(":is(a, button).button, summary").all()[:1]:
            box = button.bounding_box()
            assert box is not None
            assert box["y"] + FINGER < FIRST_SCREEN, name
    assert seen == {
        "access off": "access_on",
        "no address": "address_chosen",
        "no consent": "email_ok",
        "not invited": "invitation_sent",
        "on its way": "invitation_sent",
        "bounced": "not_bounced",
        "complaint": "not_bounced",
        "not opened": "link_opened",
        "not pressed": "pressed",
    }


@pytest.mark.parametrize("javascript", [True, False], ids=["with script", "without script"])
def test_consent_is_recorded_from_the_chain(
    browsing: Browsing, live_server: LiveServer, practice: Practice, *, javascript: bool
) -> None:
    ana = cast.client(practice, "Ana", address="ana@mail.example", email_ok=False)
    cast.with_access(ana)
    desk = at_the_desk(browsing, live_server, practice, javascript=javascript)
    desk.goto(tab(ana))
    expect_stop(desk, "email_ok", "broken")
    desk.locator("[data-step=email_ok]").get_by_role("link", name="Record consent").click()
    desk.get_by_label("Email ok").check()
    desk.get_by_role("button", name="Save Client").click()
    desk.goto(tab(ana))
    expect_stop(desk, "invitation_sent", "waiting")


def test_a_bounced_address_is_corrected_and_invited(
    browsing: Browsing, live_server: LiveServer, practice: Practice
) -> None:
    ana = cast.client(practice, "Ana", address="aan@mail.example", phone="+12125550134")
    cast.invited(ana)
    report(sent(ana), ReportKind.FAILED, status_code="5.1.1", remote_server="mail.example")
    desk = at_the_desk(browsing, live_server, practice, width=390)
    desk.goto(tab(ana))
    expect_stop(desk, "not_bounced", "broken")
    expect(desk.locator("[data-step=not_bounced]")).to_contain_text("mail.example says there is no such mailbox")
    expect(desk.get_by_test_id("what-to-tell")).to_contain_text("Please spell your email address for me.")
    expect(desk.get_by_test_id("what-to-tell")).to_contain_text("Deletréeme su dirección")
    assert axe(desk) == []
    desk.get_by_test_id("portal-banner").get_by_role("link", name="Correct the address in Client Info").click()
    desk.get_by_role("textbox", name="Email", exact=True).fill("ana@mail.example")
    desk.get_by_label("Email ok").check()
    desk.get_by_role("button", name="Save Client").click()
    desk.get_by_role("button", name="Send Email").click()
    invitation = sent(ana)
    report(invitation, ReportKind.RELAYED, remote_server="mail.example")
    desk.goto(tab(ana))
    expect(desk.locator("[data-step=accepted]")).to_contain_text("Accepted by mail.example")
    expect_stop(desk, "link_opened", "waiting")
    press_link(browsing.window(live_server.url, width=390), invitation)
    expect_open_to(desk, ana)


def test_a_scanner_is_not_taken_for_the_client(browsing: Browsing, live_server: LiveServer, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    invitation = sent(ana)
    link_redemption.record_fetch(SignInLink.objects.get(email=invitation.email_id))
    desk = at_the_desk(browsing, live_server, practice)
    desk.goto(tab(ana))
    expect(desk.locator("[data-step=link_opened]")).to_have_attribute("data-state", "ok")
    expect_stop(desk, "pressed", "waiting")
    desk.locator("[data-step=pressed]").get_by_role("link", name="Send it again").click()
    desk.get_by_role("button", name="Send Email").click()
    expect(desk.get_by_text("The invitation is on its way to ana@mail.example.")).to_be_visible()


def test_a_complaint_is_lifted_once_the_client_asks(
    browsing: Browsing, live_server: LiveServer, practice: Practice
) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    report(sent(ana), ReportKind.COMPLAINED)
    desk = at_the_desk(browsing, live_server, practice, width=390)
    desk.goto(tab(ana))
    expect_stop(desk, "not_bounced", "broken")
    expect(desk.locator("[data-step=not_bounced]")).to_contain_text("Marked as spam")
    stop = desk.get_by_test_id("mail-stop")
    stop.get_by_role("button", name="Lift the stop").click()
    # The browser asks for the check first.
    expect(stop).to_be_visible()
    stop.get_by_label("They asked us to").check()
    stop.get_by_role("button", name="Lift the stop").click()
    expect(stop).to_have_count(0)
    desk.goto(f"{tab(ana)}?resend#invitation")
    desk.get_by_role("button", name="Send Email").click()
    invitation = sent(ana)
    report(invitation, ReportKind.DELIVERED, remote_server="mail.example")
    press_link(browsing.window(live_server.url, width=390), invitation)
    expect_open_to(desk, ana)


def test_a_mistyped_address_is_shown_to_staff_only(
    browsing: Browsing, live_server: LiveServer, practice: Practice
) -> None:
    ana = cast.client(practice, "Ana", address="ana.silva@mail.example")
    cast.invited(ana)
    sent(ana)
    phone = browsing.window(live_server.url, width=390)
    phone.goto("/portal/alder-street/")
    phone.get_by_label("Enter your email").fill("ana.sliva@mail.example")
    phone.get_by_role("button", name="Continue").click()
    expect(phone.get_by_role("heading", name="Check your email")).to_be_visible()
    assert request_worker.process_next()
    phone.reload()
    expect(phone.get_by_text("silva")).to_have_count(0)
    desk = at_the_desk(browsing, live_server, practice)
    desk.goto(tab(ana))
    notice = desk.get_by_test_id("near-miss")
    expect(notice).to_contain_text("Someone requested a sign-in email with ana.sliva@mail.example")
    expect(notice).to_contain_text("Change it only if Ana tells you to")
    # A stranger who mistypes must not get the portal by a helpful click.
    expect(notice.locator("a, button, input")).to_have_count(0)
    assert not OutgoingEmail.objects.filter(to_address="ana.sliva@mail.example").exists()


def test_staff_see_the_portal_as_the_client_does(
    browsing: Browsing, live_server: LiveServer, practice: Practice
) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    bill = cast.bill(ana)
    desk = at_the_desk(browsing, live_server, practice)
    desk.goto(tab(ana))
    desk.get_by_role("link", name="View as client").click()
    desk.get_by_role("textbox", name="Reason").fill("Ana asks where the bill is")
    desk.get_by_role("button", name="View as client").click()
    expect(desk.get_by_test_id("client-view")).to_contain_text("You are viewing the portal as Ana")
    desk.get_by_role("link", name="Billing & Payments", exact=True).click()
    expect(desk.get_by_test_id("invoice-row")).to_have_attribute("data-ref", bill.ref)
    assert axe(desk) == []
    desk.get_by_role("button", name="End view").click()
    expect(desk.get_by_role("heading", name="Why can’t Ana sign in?")).to_be_visible()
    desk.goto(f"/office/clients/{ana.ref}/activity/")
    expect(desk.get_by_text("View as client started. Reason: Ana asks where the bill is")).to_be_visible()
    viewed = AuditEntry.objects.filter(action=AuditAction.PAGE_VIEWED_AS_CLIENT, client=ana).order_by("id")
    assert [entry.details["page"] for entry in viewed] == ["home", "billing"]
    assert not AuditEntry.objects.filter(action=AuditAction.INVOICE_SEEN).exists()


def test_a_client_without_email_signs_in_with_a_pin(
    browsing: Browsing, live_server: LiveServer, practice: Practice
) -> None:
    ana = cast.client(practice, "Ana", phone="+12125550134")
    cast.with_access(ana)
    desk = at_the_desk(browsing, live_server, practice)
    desk.goto(tab(ana))
    expect_stop(desk, "address_chosen", "broken")
    desk.get_by_label("I checked who is calling").check()
    desk.get_by_role("button", name="Generate PIN").click()
    pin = desk.get_by_test_id("pin").inner_text()
    desk.get_by_role("link", name="Done").click()
    expect_stop(desk, "pressed", "waiting")
    expect(desk.get_by_test_id("diagnosis-step")).to_have_count(5)
    phone = browsing.window(live_server.url, width=390)
    phone.goto("/portal/alder-street/pin/")
    phone.get_by_label("Enter your email").fill("+12125550134")
    phone.get_by_label("PIN", exact=True).fill(pin)
    phone.get_by_role("button", name="Sign in").click()
    expect(phone.get_by_role("heading", name="Hello, Ana")).to_be_visible()
    expect_open_to(desk, ana)
