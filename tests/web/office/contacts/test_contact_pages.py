"""Pages of contacts: added, linked, edited, ended, and each with their own portal access."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from portico.domain.access.models import Pin, PortalAccess
from portico.domain.audit_actions import AuditAction
from portico.domain.clients import contacts
from portico.domain.clients.models import Client, Contact, Relationship
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.models import AuditEntry, OutgoingEmail
from tests import cast, shared_documents

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]

ROWS = {
    "addresses-TOTAL_FORMS": "1",
    "addresses-INITIAL_FORMS": "0",
    "addresses-0-kind": "home",
    "addresses-0-address": "bruno@mail.example",
    "addresses-0-email_ok": "on",
    "phones-TOTAL_FORMS": "1",
    "phones-INITIAL_FORMS": "0",
    "phones-0-kind": "mobile",
    "phones-0-number": "(212) 555-0199",
}
BRUNO = {
    "first_name": "Bruno",
    "last_name": "Berg",
    "kind": "guardian",
    "language": "en",
    "form_key": "k" * 43,
    "version": "1",
    **ROWS,
}


@pytest.fixture
def ana(practice: Practice) -> Client:
    return cast.ana(practice)


def page(person: Client) -> str:
    return f"/office/clients/{person.ref}/"


def tab(relationship: Relationship, path: str = "") -> str:
    return f"{page(relationship.client)}edit/portal/{path}?access={relationship.ref}"


def test_recorded_consent_is_shown_with_its_day(office: Browser, ana: Client) -> None:
    bruno = cast.guardian(ana)
    shown = " ".join(office.get(f"{page(ana)}contacts/{bruno.ref}/").text.split())
    assert "Bruno agreed to receive email at this address. Recorded Nov 23, 2026" in shown
    assert "Recorded with today’s date" not in shown


def test_a_contact_is_added_with_address_and_phone(office: Browser, ana: Client) -> None:
    response = office.post(f"{page(ana)}contacts/new/", BRUNO, follow=True)
    assert "Bruno Berg is now a contact of Ana. Portal access is off." in response.text
    relationship = Relationship.objects.get(client=ana)
    assert relationship.contact.email_addresses.get().email_ok
    assert relationship.contact.phone_numbers.get().number == "+12125550199"
    assert 'data-testid="contact"' in response.text


def test_the_same_form_twice_adds_one_contact(office: Browser, ana: Client) -> None:
    for _time in range(2):
        office.post(f"{page(ana)}contacts/new/", BRUNO)
    assert Contact.objects.count() == 1


def test_a_known_address_is_told_and_linked(office: Browser, practice: Practice, ana: Client) -> None:
    bruno = cast.bruno(practice)
    asked = office.post(f"{page(ana)}contacts/new/", BRUNO)
    assert asked.status_code == 422
    assert "bruno@mail.example is already on file" in asked.text
    assert "The client Bruno Berg. Link them" in asked.text
    assert not Contact.objects.exists()
    office.post(f"{page(ana)}contacts/new/", BRUNO | {"same_person": bruno.ref})
    assert Contact.objects.get().also_client == bruno
    assert bruno.email_addresses.open().count() == 1


def test_a_different_person_may_share_the_address(office: Browser, practice: Practice, ana: Client) -> None:
    cast.bruno(practice)
    office.post(f"{page(ana)}contacts/new/", BRUNO | {"same_person": "different"})
    assert Contact.objects.get().also_client is None


def test_a_siblings_parent_is_used_again(office: Browser, practice: Practice, ana: Client) -> None:
    first = cast.guardian(cast.client(practice, "Ben", "Berg"))
    office.post(f"{page(ana)}contacts/new/", BRUNO | {"same_person": first.contact.ref})
    assert Contact.objects.count() == 1
    assert Relationship.objects.get(client=ana).contact == first.contact


def test_an_answer_that_was_not_offered_is_refused(office: Browser, practice: Practice, ana: Client) -> None:
    cast.bruno(practice)
    carol = cast.carol(practice)
    assert office.post(f"{page(ana)}contacts/new/", BRUNO | {"same_person": carol.ref}).status_code == 422


def test_an_edit_is_saved_and_recorded(office: Browser, ana: Client) -> None:
    relationship = cast.guardian(ana)
    url = f"{page(ana)}contacts/{relationship.ref}/"
    assert "bruno@mail.example" in office.get(url).text
    ref = relationship.contact.email_addresses.get().ref
    office.post(url, BRUNO | {"kind": "payer", "addresses-0-id": ref, "addresses-INITIAL_FORMS": "1"})
    relationship.refresh_from_db()
    assert relationship.kind == "payer"
    entry = AuditEntry.objects.get(action=AuditAction.CONTACT_EDITED)
    assert entry.details["fields"] == "phones, kind"
    assert "Contact changed: Bruno Berg, phone, kind" in office.get(f"{page(ana)}activity/").text


def test_the_address_of_a_linked_client_is_not_asked_again(office: Browser, practice: Practice, ana: Client) -> None:
    bruno = cast.bruno(practice)
    relationship = cast.guardian(ana, address=None, also_client=bruno)
    response = office.post(f"{page(ana)}contacts/{relationship.ref}/", BRUNO)
    assert response.status_code == 302
    assert relationship.contact.email_addresses.get().address == "bruno@mail.example"


def test_two_edits_at_once_are_not_overwritten(office: Browser, ana: Client) -> None:
    relationship = cast.guardian(ana)
    address = f"{page(ana)}contacts/{relationship.ref}/"
    (row,) = relationship.contact.email_addresses.all()
    typed = BRUNO | {"addresses-0-id": row.ref, "phones-0-number": "(212) 555-0155"}
    assert office.post(address, typed | {"last_name": "Bergmann"}).status_code == 302
    response = office.post(address, typed | {"first_name": "Bruno Karl"})
    assert response.status_code == 409
    shown = " ".join(response.text.split())
    assert "Someone else saved changes while you were editing" in shown
    assert 'First name: your version</dt><dd class="break">Bruno Karl</dd>' in shown
    assert 'Last name: saved version</dt><dd class="break">Bergmann</dd>' in shown
    assert shown.count('data-testid="difference"') == 2
    # Saving what is shown now is a decision.
    version = Contact.objects.get().version
    assert office.post(address, typed | {"first_name": "Bruno Karl", "version": str(version)}).status_code == 302
    assert Contact.objects.get().name == "Bruno Karl Berg"


def test_a_contact_is_removed_and_kept_on_record(office: Browser, ana: Client) -> None:
    relationship = cast.guardian(ana)
    cast.with_contact_access(relationship)
    response = office.post(f"{page(ana)}contacts/{relationship.ref}/ending/", follow=True)
    assert "can no longer see Ana’s portal" in response.text
    assert 'data-testid="contact"' not in response.text
    assert not PortalAccess.objects.get(relationship=relationship).is_on
    assert "This contact was removed" in office.get(f"{page(ana)}contacts/{relationship.ref}/").text


def test_a_contact_of_another_client_is_not_found(office: Browser, practice: Practice, ana: Client) -> None:
    relationship = cast.guardian(cast.carol(practice))
    assert office.get(f"{page(ana)}contacts/{relationship.ref}/").status_code == 404
    assert office.get(f"{page(ana)}edit/portal/?access={relationship.ref}").status_code == 404


def test_the_tab_invites_the_contact(office: Browser, ana: Client) -> None:
    relationship = cast.guardian(ana)
    shown = office.get(tab(relationship)).text
    assert "Portal access of Bruno Berg, guardian of Ana" in shown
    assert "bruno@mail.example (Home)" in shown
    assert "ana@mail.example" not in shown
    address = relationship.contact.email_addresses.get().ref
    form = {"enabled": "on", "address": address, "access_billing_documents": "on", "signs_documents": "on"}
    form |= {"subject": "Welcome", "message": "Hello [first name]", "action": "send", "version": "1"}
    office.post(tab(relationship), form | {"form_key": "f" * 43})
    email = OutgoingEmail.objects.get(kind="invitation")
    assert (email.to_address, email.content["blocks"][0]) == ("bruno@mail.example", "Hello Bruno")
    access = PortalAccess.objects.get(relationship=relationship)
    assert (access.signs_documents, access.pay_by_card) == (True, False)
    assert not PortalAccess.objects.filter(own_client=ana).exists()


def test_why_names_the_contact(office: Browser, ana: Client) -> None:
    shown = office.get(tab(cast.guardian(ana, email_ok=False))).text
    assert "Why can’t Bruno sign in?" in shown
    assert "Bruno can’t sign in: access is off" in shown


def test_the_letter_is_for_the_contact(office: Browser, ana: Client) -> None:
    bruno = cast.guardian(ana)
    letter = tab(bruno, "letter/")
    assert f'href="{letter}"' in office.get(tab(bruno)).text
    office.get(letter)
    entry = AuditEntry.objects.filter(action=AuditAction.DOCUMENT_VIEWED).latest("id")
    assert (entry.details["kind"], entry.details["access"]) == ("letter", bruno.ref)


def test_a_pin_is_generated_for_the_contact(office: Browser, ana: Client) -> None:
    relationship = cast.guardian(ana)
    cast.with_contact_access(relationship)
    form = {"caller_checked": "on", "form_key": "p" * 43}
    shown = office.post(tab(relationship, "pin/"), form, follow=True).text
    assert "PIN for Bruno Berg (guardian)" in shown
    assert Pin.objects.get().account.mailbox_key == "bruno@mail.example"


def test_a_minor_needs_a_guardian(office: Browser, ana: Client) -> None:
    Client.objects.filter(pk=ana.pk).update(date_of_birth=date(2016, 5, 4))
    cast.with_access(ana)
    assert "Ana is under 18. Add a guardian first." in office.get(f"{page(ana)}edit/portal/").text


def test_staff_decide_before_the_client_comes_of_age(office: Browser, ana: Client) -> None:
    soon = clock.today("America/New_York") + timedelta(days=30)
    Client.objects.filter(pk=ana.pk).update(date_of_birth=soon.replace(year=soon.year - 18))
    relationship = cast.guardian(ana)
    assert 'data-testid="coming-of-age"' in office.get(page(ana)).text
    office.post(f"{page(ana)}contacts/{relationship.ref}/keeping/")
    assert 'data-testid="coming-of-age"' not in office.get(page(ana)).text
    assert AuditEntry.objects.filter(action=AuditAction.MAJORITY_DECIDED).count() == 1


def test_nobody_is_asked_31_days_before(office: Browser, ana: Client) -> None:
    later = clock.today("America/New_York") + timedelta(days=31)
    Client.objects.filter(pk=ana.pk).update(date_of_birth=later.replace(year=later.year - 18))
    cast.guardian(ana)
    assert 'data-testid="coming-of-age"' not in office.get(page(ana)).text


def test_parents_apart_show_where_things_are_shared(office: Browser, ana: Client) -> None:
    relationship = cast.guardian(ana)
    office.post(f"{page(ana)}parents-apart/", {"apart": "on"})
    for url in (tab(relationship), f"{page(ana)}edit/portal/", f"{page(ana)}contacts/{relationship.ref}/"):
        assert "Ana’s parents live apart" in office.get(url).text, url
    office.post(f"{page(ana)}parents-apart/")
    assert "Ana’s parents live apart" not in office.get(tab(relationship)).text


def test_parents_apart_show_where_something_is_sent_again(office: Browser, ana: Client) -> None:
    contacts.set_parents_apart(ana, apart=True, by=cast.DESK)
    cast.in_the_portal(Browser(), ana)
    access = PortalAccess.objects.get(own_client=ana)
    (request,) = shared_documents.shared(access, shared_documents.consent(ana.practice))
    shared_documents.signed(request, access)
    documents, invoice = f"{page(ana)}documents/", cast.bill(ana)
    for url in (documents, f"{documents}{request.ref}/", f"/office/invoices/{invoice.ref}/"):
        assert "Ana’s parents live apart" in office.get(url).text, url


def test_parents_apart_show_where_many_are_sent_something(office: Browser, ana: Client) -> None:
    contacts.set_parents_apart(ana, apart=True, by=cast.DESK)
    bruno = cast.bruno(ana.practice)
    version = shared_documents.consent(ana.practice)
    requests = [shared_documents.shared(cast.with_access(each), version)[0] for each in (ana, bruno)]
    for each in (ana, bruno):
        cast.bill(each, shared=False)
    people = f"client={ana.ref}&client={bruno.ref}"
    other = shared_documents.form(ana.practice)
    chosen = {"recipients": "client", "documents": [other.template.ref], "action": "review"}
    pages = [
        office.get("/office/documents/reminders/new/", {"document": [each.ref for each in requests]}),
        office.get(f"/office/invitations/new/?{people}"),
        office.get("/office/invoices/sharing/"),
        office.post(f"/office/documents/sharing/new/?{people}", chosen),
    ]
    for answer in pages:
        notice = answer.text.partition('data-testid="parents-apart"')[2].partition("</section>")[0]
        assert "The parents of 1 of these clients live apart" in notice, answer.request["PATH_INFO"]
        assert ana.name in notice
        assert bruno.name not in notice


def queries_of(office: Browser, person: Client) -> list[int]:
    """Returns the number of queries of the Overview, the client's own tab, and the tab of the newest contact."""
    numbers = []
    for url in (page(person), f"{page(person)}edit/portal/", tab(Relationship.objects.latest("id"))):
        with CaptureQueriesContext(connection) as captured:
            assert office.get(url).status_code == 200
        numbers.append(len(captured))
    return numbers


def test_the_number_of_queries_does_not_grow(office: Browser, ana: Client) -> None:
    cast.with_contact_access(cast.guardian(ana))
    few = queries_of(office, ana)
    for name in ("Maria", "Nora", "Olaf"):
        cast.with_contact_access(cast.guardian(ana, name, address=f"{name.lower()}@mail.example"))
    assert queries_of(office, ana) == few


def test_the_biller_sees_contacts_and_edits_none(practice: Practice, ana: Client) -> None:
    relationship = cast.guardian(ana)
    browser = cast.signed_in(Browser(), cast.ines(practice))
    shown = browser.get(page(ana)).text
    assert "Bruno Berg" in shown
    assert "Add contact" not in shown
    assert browser.get(f"{page(ana)}contacts/{relationship.ref}/").status_code == 403
