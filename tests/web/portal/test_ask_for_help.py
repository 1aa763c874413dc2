"""`Ask for help` in the portal: a request of the client who is signed in."""

from datetime import timedelta
from html import unescape

import pytest
from time_machine import Traveller

from portico.domain.access.models import HelpRequest
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing.models import AuditEntry
from tests import cast
from tests.support.portal_client import Browser

pytestmark = pytest.mark.django_db
ASK = "/portal/alder-street/request/"
FORM = {"form_key": "a key", "name": "Ana", "contact": "ana@mail.example", "message": "I can’t find my receipt."}


@pytest.fixture
def ana(practice: Practice) -> Client:
    return cast.ana(practice)


def test_every_page_leads_to_the_form(client: Browser, ana: Client) -> None:
    cast.in_the_portal(client, ana)
    assert f'href="{ASK}"' in client.get("/portal/alder-street/home/").text
    page = client.get(ASK).text
    assert "In an emergency, call" in page
    assert 'value="ana@mail.example"' in page
    assert 'value="Ana Abreu"' in page
    # The page does not lead to itself.
    assert f'<a class="go" href="{ASK}' not in page
    assert "Call the front desk" in page


def test_the_name_is_not_guessed_for_a_mailbox_of_two_clients(client: Browser, ana: Client) -> None:
    cast.with_access(cast.client(ana.practice, "Ben", "Abreu", address="ana@mail.example"))
    cast.in_the_portal(client, ana)
    assert 'value="Ana' not in client.get(ASK).text


def test_a_request_is_the_clients(client: Browser, ana: Client) -> None:
    cast.in_the_portal(client, ana)
    for _ in range(2):
        answer = client.post(ASK, FORM)
        assert answer.status_code == 302
    assert "Your request was sent" in client.get(answer["Location"]).text
    row = HelpRequest.objects.get()
    assert (row.client, row.message, row.address) == (ana, "I can’t find my receipt.", "")
    entry = AuditEntry.objects.get(action=AuditAction.HELP_REQUESTED)
    assert (entry.client_id, entry.about) == (ana.pk, row.ref)


def test_an_address_cannot_be_added_to_the_form(client: Browser, ana: Client) -> None:
    carol = cast.carol(ana.practice)
    cast.in_the_portal(client, ana)
    client.post(ASK, FORM | {"address": "carol@mail.example", "client": carol.ref})
    row = HelpRequest.objects.get()
    assert (row.client, row.address, row.mailbox_key) == (ana, "", "")


def test_the_eleventh_request_in_an_hour_is_refused(client: Browser, ana: Client) -> None:
    cast.in_the_portal(client, ana)
    answers = [client.post(ASK, FORM | {"form_key": str(number)}) for number in range(11)]
    assert [answer.status_code for answer in answers] == [302] * 10 + [429]
    assert FORM["message"] in unescape(answers[-1].text)
    assert "Send it again in 1 hour" in unescape(answers[-1].text)


def test_what_was_written_is_kept_after_a_timeout(client: Browser, ana: Client, stopped_clock: Traveller) -> None:
    cast.in_the_portal(client, ana)
    client.get(ASK)
    stopped_clock.shift(timedelta(minutes=31))
    door = client.post(ASK, FORM)["Location"]
    assert HelpRequest.objects.count() == 0
    kept = door.partition("next=")[2].replace("%2F", "/").replace("%3F", "?").replace("%3D", "=")
    cast.in_the_portal(client, ana)
    page = client.get(kept).text
    assert "nothing has been sent yet" in page
    assert "I can’t find my receipt." in page
