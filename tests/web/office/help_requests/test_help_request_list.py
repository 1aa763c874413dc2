"""The office's list of help requests: whom they concern, how to call, what is broken, and `Done`."""

import re
from dataclasses import replace

import pytest
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from portico.domain.access import access_grants, contact_changes
from portico.domain.access.help_requests import help_requests
from portico.domain.access.help_requests.help_requests import HelpRequestInput
from portico.domain.access.models import HelpRequest, PortalAccess
from portico.domain.access.sign_in.requests import request_worker
from portico.domain.audit_actions import AuditAction
from portico.domain.clients import contacts, registration
from portico.domain.clients.client_input import AddressInput, ClientDetails, ClientInput
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.models import AuditEntry, RateLimitCount
from tests import cast

pytestmark = pytest.mark.django_db
LIST = "/office/help-requests/"
# The session with its staff member, open and done requests, the clients and contacts by address, those who were
# probably meant, their numbers, the audit entry, and the counts of the menu.
QUERIES = 9


def ask(
    practice: Practice, *, address: str = "", contact: str = "(212) 555-0199", message: str = "It fails", key: str = "k"
) -> HelpRequest:
    entry = HelpRequestInput("Somebody", contact, message, "en", address)
    help_requests.create_at_entrance(practice, entry, form_key=key, ip="203.0.113.7")
    return HelpRequest.objects.latest("id")


def turned_off(person: Client) -> None:
    access_grants.save_access(person, replace(cast.entry_for(person), enabled=False), version=None, by=cast.DESK)


def test_it_shows_the_client_and_what_is_broken(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    turned_off(ana)
    row = ask(practice, address="Ana@Mail.example", message="<b>No email</b>")
    page = office.get(LIST).text
    for words in ("Somebody", "&lt;b&gt;No email&lt;/b&gt;", "Ana Abreu", "Client Portal Access is off."):
        assert words in page
    assert f'href="/office/clients/{ana.ref}/edit/portal/"' in page
    assert f'data-ref="{row.ref}"' in page
    assert AuditEntry.objects.filter(action=AuditAction.HELP_REQUESTS_VIEWED).count() == 1


def test_a_typed_number_that_is_not_on_file_has_no_call_button(office: Browser, practice: Practice) -> None:
    cast.with_access(cast.ana(practice))
    ask(practice, address="ana@mail.example", contact="(212) 555-0199")
    page = office.get(LIST).text
    assert "Not a number on file" in page
    assert re.findall(r'href="tel:([^"]+)"', page) == ["+12125550134"]


@pytest.mark.parametrize(("address", "contact"), [("ana@mail.example", "+1 212 555 0134"), ("", "212-555-0134")])
def test_a_number_can_be_called(office: Browser, practice: Practice, address: str, contact: str) -> None:
    cast.with_access(cast.ana(practice))
    ask(practice, address=address, contact=contact)
    assert re.findall(r'href="tel:([^"]+)"', office.get(LIST).text) == ["+12125550134"]


def test_one_address_for_both_is_shown_once(office: Browser, practice: Practice) -> None:
    ask(practice, address="ana@mail.example", contact="Ana@mail.example")
    page = office.get(LIST).text
    assert "Email they tried, and where to reach them" in page
    assert "Phone or email they entered" not in page


def test_only_exactly_the_typed_address_matches(office: Browser, practice: Practice) -> None:
    for person in (cast.ana(practice), cast.bruno(practice), cast.bea(practice)):
        cast.with_access(person)
    ask(practice, address="anna@mail.example", key="a near miss")
    page = office.get(LIST).text
    assert "No client or contact has this address." in page
    assert 'data-testid="help-client"' not in page
    ask(practice, address="bruno@mail.example", key="a family")
    page = office.get(LIST).text
    assert page.count('data-testid="help-client"') == 2
    assert "Bea Berg" in page


def test_who_was_probably_meant_is_named_with_the_address_on_file(office: Browser, practice: Practice) -> None:
    ana = cast.client(practice, "Ana", address="ana.silva@mail.example", phone="+12125550134")
    cast.with_access(ana)
    cast.asked(practice, "ana.sliva@mail.example")
    assert request_worker.process_next()
    row = ask(practice, address="Ana.Sliva@mail.example", contact="(212) 555-0199")
    for address in (LIST, f"{LIST}{row.ref}/"):
        page = office.get(address).text.replace("<wbr>", "")
        assert "This may be a typo: the address on file for Ana is ana.silva@mail.example." in " ".join(page.split())
        assert "They tried another address of theirs" not in page
        # A number that a stranger may have typed is no number to call.
        assert "Not a number on file" in page
        assert re.findall(r'href="tel:([^"]+)"', page) == ["+12125550134"]
    assert f'data-client="{ana.ref}"' in page
    # Once Ana has signed in, it was someone else.
    PortalAccess.objects.update(last_signed_in_at=clock.now())
    assert "No client or contact has this address." in office.get(LIST).text


def test_a_contact_who_was_probably_meant_is_named(office: Browser, practice: Practice) -> None:
    bruno = cast.guardian(cast.ana(practice))
    cast.with_contact_access(bruno)
    cast.asked(practice, "brunno@mail.example")
    assert request_worker.process_next()
    ask(practice, address="brunno@mail.example")
    page = office.get(LIST).text.replace("<wbr>", "")
    assert "the address on file for Bruno is bruno@mail.example." in " ".join(page.split())
    assert "Contact of Ana Abreu" in page


def test_another_address_of_the_client_is_named_as_the_cause(office: Browser, practice: Practice) -> None:
    mailboxes = (("ana@mail.example", "home"), ("ana@work.example", "work"))
    addresses = tuple(AddressInput(address, kind, email_ok=True) for address, kind in mailboxes)
    entry = ClientInput(ClientDetails(first_name="Ana"), addresses=addresses)
    cast.with_access(registration.create(practice, entry, by=cast.DESK))
    ask(practice, address="ana@work.example", key="another")
    page = office.get(LIST).text.replace("<wbr>", "")
    assert "They tried another address of theirs. Only ana@mail.example opens the portal." in page
    ask(practice, address="ana@mail.example", key="the chosen one")
    assert "Can sign in by email. Nothing on our side prevents it." in office.get(LIST).text


def test_a_mailbox_that_rejects_our_mail_is_named_as_the_cause(office: Browser, practice: Practice) -> None:
    cast.with_access(cast.ana(practice))
    PortalAccess.objects.update(mail_stopped_at=clock.now())
    ask(practice, address="ana@mail.example")
    assert "We stopped emailing ana@mail.example." in office.get(LIST).text


def test_a_request_from_the_portal_names_its_client(office: Browser, practice: Practice) -> None:
    bruno, bea = cast.bruno(practice), cast.bea(practice)
    access = cast.with_access(bea)
    cast.with_access(bruno)
    assert access.account is not None
    entry = HelpRequestInput("Bruno", "bruno@mail.example", "A receipt", "es")
    help_requests.create_in_portal(access, entry, account=access.account, form_key="k", by=cast.DESK)
    page = office.get(LIST).text
    assert page.count('data-testid="help-client"') == 1
    for words in ("Bea Berg", "Sent from the portal", "In Spanish", "Was signed in to the portal."):
        assert words in page


def test_a_request_of_a_contact_from_the_portal_is_about_the_contact(office: Browser, practice: Practice) -> None:
    bruno = cast.guardian(cast.ana(practice), phone="+12125550188")
    access = cast.with_contact_access(bruno)
    assert access.account is not None
    entry = HelpRequestInput("Bruno", "+1 212 555 0188", "A receipt", "en")
    help_requests.create_in_portal(access, entry, account=access.account, form_key="k", by=cast.DESK)
    page = office.get(LIST).text
    assert re.findall(r'href="tel:([^"]+)"', page) == ["+12125550188"]
    assert "On file." in page
    for words in ("Bruno Berg (guardian)", "Contact of Ana Abreu", "Was signed in to the portal."):
        assert words in page
    assert f'edit/portal/?access={bruno.ref}"' in page
    entry_of_request = AuditEntry.objects.get(action=AuditAction.HELP_REQUESTED)
    assert entry_of_request.details == {"access": bruno.ref, "holder": "Bruno Berg (guardian)"}


def test_the_address_of_a_contact_matches_each_client_of_theirs(office: Browser, practice: Practice) -> None:
    ana, ben = cast.ana(practice), cast.client(practice, "Ben", "Berg")
    bruno = cast.guardian(ana, phone="+12125550188")
    cast.with_contact_access(bruno)
    contacts.link(ben, bruno.contact, "guardian", by=cast.DESK)
    ask(practice, address="bruno@mail.example", contact="(212) 555-0188")
    page = office.get(LIST).text
    assert page.count('data-testid="help-client"') == 2
    assert "On file." in page
    for words in (
        "Contact of Ana Abreu",
        "Contact of Ben Berg",
        "Can sign in by email.",
        "Client Portal Access is off.",
    ):
        assert words in page


def test_a_former_contact_does_not_match(office: Browser, practice: Practice) -> None:
    bruno = cast.guardian(cast.ana(practice))
    cast.with_contact_access(bruno)
    contact_changes.end(bruno, by=cast.DESK)
    ask(practice, address="bruno@mail.example")
    assert "No client or contact has this address." in office.get(LIST).text


def test_done_with_a_note_moves_it_down(office: Browser, practice: Practice) -> None:
    row = ask(practice)
    assert "to review" in office.get(LIST).text
    answer = office.post(f"{LIST}{row.ref}/done/", {"note": "Called, gave a PIN"}, follow=True)
    assert "The request from Somebody is done." in answer.text
    assert 'data-state="open"' not in answer.text
    assert "Called, gave a PIN" in answer.text
    assert "to review" not in office.get(LIST).text


def test_a_note_with_a_card_number_stays_out(office: Browser, practice: Practice) -> None:
    row = ask(practice)
    answer = office.post(f"{LIST}{row.ref}/done/", {"note": "Card 4242 4242 4242 4242"})
    assert answer.status_code == 422
    assert "This looks like a card number." in answer.text
    assert HelpRequest.objects.open().get() == row


def test_a_biller_reads_and_cannot_close(client: Browser, practice: Practice) -> None:
    row = ask(practice)
    biller = cast.signed_in(client, cast.ines(practice))
    page = biller.get(LIST)
    assert page.status_code == 200
    assert "Somebody" in page.text
    assert f"{row.ref}/done/" not in page.text
    assert biller.post(f"{LIST}{row.ref}/done/", {"note": ""}).status_code == 403
    assert HelpRequest.objects.open().exists()


def test_another_practices_requests_are_not_there(office: Browser, practice: Practice) -> None:
    birch = cast.birch()
    # A client of this practice has the same mailbox.
    cast.with_access(cast.client(practice, "Dora", "Diaz", address="dora@mail.example"))
    dora = cast.dora(birch)
    row = ask(birch, address="dora@mail.example")
    assert "Somebody" not in office.get(LIST).text
    assert office.post(f"{LIST}{row.ref}/done/", {"note": ""}).status_code == 404
    own = ask(practice, address="dora@mail.example")
    page = office.get(LIST).text
    assert dora.ref not in page
    assert own.ref in page


def test_the_page_turns_over_done_requests(office: Browser, practice: Practice) -> None:
    for number in range(27):
        ask(practice, key=str(number))
        RateLimitCount.objects.all().delete()
    for row in HelpRequest.objects.all():
        help_requests.close(row, note="", by=cast.DESK)
    page = office.get(LIST).text
    assert page.count('data-state="done"') == 25
    (after,) = re.findall(r"\?after=(\w+)", page)
    assert office.get(f"{LIST}?after={after}").text.count('data-state="done"') == 2


def test_the_page_turns_over_open_requests(office: Browser, practice: Practice) -> None:
    for number in range(27):
        ask(practice, key=str(number))
        RateLimitCount.objects.all().delete()
    done = HelpRequest.objects.earliest("id")
    help_requests.close(done, note="Called\nAgain", by=cast.DESK)
    first = office.get(LIST).text
    assert first.count('data-state="open"') == 25
    (after,) = re.findall(r"\?open_after=(\w+)", first)
    second = office.get(f"{LIST}?open_after={after}").text
    assert second.count('data-state="open"') == 1
    assert done.ref in first
    assert done.ref not in second
    assert "Back to first page" in second


@pytest.mark.parametrize("number", [0, 4])
def test_the_number_of_queries_is_fixed(
    office: Browser, practice: Practice, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    for each in range(number):
        cast.guardian(ana, f"Parent {each}", address=f"parent{each}@mail.example")
        ask(practice, address=f"parent{each}@mail.example", key=f"parent {each}")
        ask(practice, address="ana@mail.example", key=str(each))
    for row in HelpRequest.objects.all()[: number // 2]:
        help_requests.close(row, note="", by=cast.DESK)
    with django_assert_num_queries(QUERIES):
        office.get(LIST)
