"""`Lift the stop` on the Client Portal tab and on the page of the email."""

import re

import pytest
from django.test import Client as Browser

from portico.domain.access import contact_changes
from portico.domain.clients import contacts
from portico.domain.clients.models import Client, RelationshipKind
from portico.domain.practices.models import Practice
from portico.plumbing.models import MailStop, ReportKind
from tests import cast

pytestmark = pytest.mark.django_db


def tab_of(person: Client) -> str:
    return f"/office/clients/{person.ref}/edit/portal/"


def test_the_tab_says_why_nothing_is_sent_and_offers_the_button(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    assert "mail-stop" not in office.get(tab_of(ana)).text
    cast.stopped(ana)
    page = office.get(tab_of(ana)).text
    for words in ("mail-stop", "says there is no such mailbox", "Lift the stop", "doesn’t correct a wrong address"):
        assert words in page
    assert "They asked us to" not in page
    answer = office.post(f"{tab_of(ana)}stop/lifting/", follow=True)
    assert "Email to Ana is allowed again." in answer.text
    assert "mail-stop" not in answer.text
    again = office.post(f"{tab_of(ana)}stop/lifting/", follow=True)
    assert "already allowed" in again.text


def test_a_complaint_needs_the_tick(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.stopped(ana, ReportKind.COMPLAINED)
    page = office.get(tab_of(ana)).text
    assert "They asked us to" in page
    # The button at the top, and the link to it in the chain.
    assert page.count("Lift the stop") == 2
    assert "Ask the client by phone first" in office.post(f"{tab_of(ana)}stop/lifting/", follow=True).text
    assert MailStop.objects.live().exists()
    office.post(f"{tab_of(ana)}stop/lifting/", {"asked_to": "on"})
    assert not MailStop.objects.live().exists()


def test_a_refused_invitation_leads_to_the_stop(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.stopped(ana, ReportKind.COMPLAINED)
    ana.refresh_from_db()
    fields = {"enabled": "on", "address": ana.email_addresses.get().ref, "subject": "Hello", "message": "Hello."}
    answer = office.post(tab_of(ana), {**fields, "action": "send", "version": ana.portal_access.version})
    assert answer.status_code == 409
    assert 'href="#lift-stop"' in answer.text
    assert "Ana marked our email as spam" in answer.text


def test_a_biller_sees_the_stop_without_the_button(client: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.stopped(ana)
    page = cast.signed_in(client, cast.ines(practice)).get(tab_of(ana)).text
    assert "mail-stop" in page
    assert "Lift the stop" not in page


def test_the_failed_email_offers_the_button_too(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    email = cast.stopped(ana)
    page = office.get(f"/office/emails/{email.ref}/").text
    assert 'data-testid="mail-stop"' in page
    assert 'id="lift-stop-form"' in page


def test_the_failed_email_to_a_contact_offers_the_stop_of_the_contact(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    of_ana = cast.stopped(ana)
    email = cast.stopped(ana, relationship=cast.guardian(ana))
    page = office.get(f"/office/emails/{email.ref}/").text
    assert "No email is sent to bruno@" in page.replace("<wbr>", "")
    (action,) = re.findall(r'id="lift-stop-form" action="([^"]+)"', page)
    answer = office.post(action, follow=True)
    assert "Email to Bruno is allowed again." in answer.text
    assert MailStop.objects.live().get().email == of_ana
    assert "mail-stop" not in office.get(f"/office/emails/{email.ref}/").text


def test_an_email_to_a_former_contact_offers_the_stop_of_the_one_linked_again(
    office: Browser, practice: Practice
) -> None:
    ana = cast.ana(practice)
    former = cast.guardian(ana)
    cast.with_contact_access(former)
    contact_changes.end(former, by=cast.DESK)
    bruno = contacts.link(ana, former.contact, RelationshipKind.GUARDIAN, by=cast.DESK)
    email = cast.stopped(ana, relationship=bruno)
    assert f'stop/lifting/?access={bruno.ref}"' in office.get(f"/office/emails/{email.ref}/").text
