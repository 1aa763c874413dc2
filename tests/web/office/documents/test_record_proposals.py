"""`Update client record`: answers that differ are proposed, and only what Fay checks is written."""

from datetime import date
from typing import Any

import pytest
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from portico.domain.access.models import PortalAccess
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client, ClientKind
from portico.domain.documents.completion import portal_requests, signing
from portico.domain.documents.forms.answer_items import Answer
from portico.domain.documents.forms.building import form_items, item_changes
from portico.domain.documents.forms.building.item_changes import ItemInput
from portico.domain.documents.forms.questionnaire import ItemType
from portico.domain.documents.forms.record_fields import SYSTEM, RecordField
from portico.domain.documents.models import DocumentRequest
from portico.domain.practices.models import Practice
from portico.plumbing.models import AuditEntry
from tests import cast, shared_documents

pytestmark = pytest.mark.django_db
# Session with the staff member and the practice, the client, the document, its files, the audit entry, and the counts
# of the menu; then the addresses and phone numbers, the later forms, and what
# was written before.
QUERIES = 10
ANSWERS: dict[str, list[Answer]] = {
    "preferred-name": [{"valueString": "Annie"}],
    "last-name": [{"valueString": "Abreu"}],
    "birth-date": [{"valueDate": "1990-04-23"}],
    "phone": [{"valueString": "(212) 555-0199"}],
    "email": [{"valueString": "Annie@Mail.example"}],
}


def linked(field: str, **changed: Any) -> dict[str, Any]:  # Any: JSON.
    kind = "date" if field == "birth-date" else "string"
    return shared_documents.item(field, kind, f"Your {field}?", code=[{"system": SYSTEM, "code": field}], **changed)


@pytest.fixture
def ana(practice: Practice) -> Client:
    client = cast.ana(practice)
    cast.in_the_portal(Browser(), client)
    return client


def submitted(
    ana: Client, answers: dict[str, list[Answer]] = ANSWERS, *, access: PortalAccess | None = None
) -> DocumentRequest:
    access = access or PortalAccess.objects.get(own_client=ana)
    version = shared_documents.form(ana.practice, *(linked(each) for each in answers))
    (request,) = shared_documents.shared(access, version)
    number = shared_documents.saved(request, answers)
    found = portal_requests.find(access, request.ref)
    assert found is not None
    signer = shared_documents.signer(access)
    signing.submit(found, language="en", draft_number=number, signature=None, signer=signer, by=cast.DESK)
    return request


def address(client: Client, request: DocumentRequest) -> str:
    return f"/office/clients/{client.ref}/documents/{request.ref}/"


def update(office: Browser, client: Client, request: DocumentRequest, *fields: str) -> str:
    client.refresh_from_db()
    posted = {"fields": list(fields), "version": str(client.version)}
    return office.post(f"{address(client, request)}client-record/", posted, follow=True).text


def test_fay_sees_old_and_new(office: Browser, ana: Client) -> None:
    page = office.get(address(ana, submitted(ana))).text
    assert "Preferred name: Annie" in page
    assert "Date of birth: Apr 23, 1990" in page
    assert "Phone: add (212) 555-0199" in page
    assert "On record: (212) 555-0134" in page
    assert "Added without Email ok." in page
    # It is on record already.
    assert 'data-field="last-name"' not in page


def test_only_what_she_checks_is_written(office: Browser, ana: Client) -> None:
    request = submitted(ana)
    assert "The client record was updated: Preferred name and Phone." in update(
        office, ana, request, "preferred-name", "phone"
    )
    ana.refresh_from_db()
    assert (ana.preferred_name, ana.date_of_birth) == ("Annie", None)
    assert sorted(ana.phone_numbers.values_list("number", flat=True)) == ["+12125550134", "+12125550199"]
    assert ana.email_addresses.open().count() == 1
    entry = AuditEntry.objects.get(action=AuditAction.RECORD_UPDATED)
    assert (entry.about, entry.details["fields"]) == (request.ref, "preferred-name, phone")
    assert AuditEntry.objects.filter(action=AuditAction.CLIENT_EDITED, client=ana).count() == 1
    assert 'data-field="phone"' not in office.get(address(ana, request)).text


def test_an_email_address_is_added_without_consent(office: Browser, ana: Client) -> None:
    update(office, ana, submitted(ana), "email", "birth-date")
    added = ana.email_addresses.open().get(mailbox_key="annie@mail.example")
    assert not added.email_ok
    # The address that signs in stays.
    assert PortalAccess.objects.get(own_client=ana).address != added
    ana.refresh_from_db()
    assert ana.date_of_birth == date(1990, 4, 23)


def test_sent_twice_it_is_written_once(office: Browser, ana: Client) -> None:
    request = submitted(ana)
    posted = {"fields": ["preferred-name"], "version": str(ana.version)}
    for said in ("The client record was updated", "Nothing was changed"):
        assert said in office.post(f"{address(ana, request)}client-record/", posted, follow=True).text
    assert AuditEntry.objects.filter(action=AuditAction.RECORD_UPDATED).count() == 1


def test_a_record_that_changed_meanwhile_is_compared_again(office: Browser, ana: Client) -> None:
    request = submitted(ana)
    update(office, ana, request, "phone")
    posted = {"fields": ["preferred-name"], "version": "1"}
    page = office.post(f"{address(ana, request)}client-record/", posted, follow=True).text
    assert "Someone else saved changes" in page
    ana.refresh_from_db()
    assert ana.preferred_name == ""


def test_an_old_answer_does_not_replace_a_newer_one(office: Browser, ana: Client) -> None:
    old = submitted(ana, {"preferred-name": [{"valueString": "Annie"}], "phone": [{"valueString": "(212) 555-0177"}]})
    new = submitted(ana, {"preferred-name": [{"valueString": "Anna"}]})
    assert 'data-field="preferred-name"' in office.get(address(ana, new)).text
    page = office.get(address(ana, old)).text
    assert 'data-field="preferred-name"' not in page
    assert 'data-field="phone"' in page
    assert "Nothing was changed" in update(office, ana, old, "preferred-name")


def test_what_was_written_and_corrected_since_is_not_proposed_again(office: Browser, ana: Client) -> None:
    request = submitted(ana)
    update(office, ana, request, "preferred-name")
    Client.objects.filter(pk=ana.pk).update(preferred_name="Anna")
    page = office.get(address(ana, request)).text
    assert 'data-field="preferred-name"' not in page
    assert 'data-field="phone"' in page


def test_a_guardians_answers_may_be_about_the_guardian(office: Browser, ana: Client) -> None:
    assert "Answered by Ana Abreu on Nov 23, 2026." in office.get(address(ana, submitted(ana))).text
    guardian = cast.guardian(ana)
    cast.contact_in_the_portal(Browser(), guardian)
    page = office.get(address(ana, submitted(ana, access=PortalAccess.objects.get(relationship=guardian)))).text
    assert "Answered by Bruno Berg (guardian) on Nov 23, 2026." in page
    assert "Check that each answer is about Ana." in page


def test_a_guardians_own_phone_and_email_are_not_taken(office: Browser, ana: Client) -> None:
    guardian = cast.guardian(ana, phone="+12125550111")
    cast.contact_in_the_portal(Browser(), guardian)
    own: dict[str, list[Answer]] = {
        "phone": [{"valueString": "212-555-0111"}],
        "email": [{"valueString": "Bruno@mail.example"}],
        "preferred-name": [{"valueString": "Annie"}],
    }
    request = submitted(ana, own, access=PortalAccess.objects.get(relationship=guardian))
    assert office.get(address(ana, request)).text.count("Bruno Berg has this in Contacts: it is their own.") == 2
    page = update(office, ana, request, "phone", "email", "preferred-name")
    assert "The client record was updated: Preferred name." in page
    assert not ana.phone_numbers.filter(number="+12125550111").exists()
    assert ana.email_addresses.open().count() == 1


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        ({"phone": [{"valueString": "ask my mother"}]}, "not a complete phone number"),
        ({"email": [{"valueString": "ana at mail"}]}, "not a complete email address"),
        ({"birth-date": [{"valueDate": "2090-01-01"}]}, "not a valid date of birth"),
        ({"preferred-name": [{"valueString": "A" * 101}]}, "longer than 100 characters"),
    ],
)
def test_what_cannot_be_taken_says_why(
    office: Browser, ana: Client, answers: dict[str, list[Answer]], problem: str
) -> None:
    request = submitted(ana, answers)
    assert problem in office.get(address(ana, request)).text
    assert "Nothing was changed" in update(office, ana, request, *answers)


def test_a_couple_has_two_names_and_gets_no_proposal(office: Browser, ana: Client) -> None:
    request = submitted(ana)
    Client.objects.filter(pk=ana.pk).update(kind=ClientKind.COUPLE)
    assert "Update client record" not in office.get(address(ana, request)).text


def test_ines_does_not_write_answers_to_the_record(client: Browser, ana: Client) -> None:
    biller = cast.signed_in(client, cast.ines(ana.practice))
    assert biller.post(f"{address(ana, submitted(ana))}client-record/", {"fields": ["phone"]}).status_code == 403


def test_the_link_of_a_question_is_kept_in_both_languages() -> None:
    form = {each: {"resourceType": "Questionnaire", "status": "active", "item": []} for each in ("en", "es")}
    entered = ItemInput(ItemType.STRING, {"en": "Phone"}, {}, record_field=RecordField.PHONE)
    form, name = item_changes.add(form, entered)
    codes = [form_items.find(form, name, language=each)["code"] for each in form]
    assert codes == [[{"system": SYSTEM, "code": "phone"}]] * 2
    form = item_changes.change(form, name, ItemInput(ItemType.STRING, {"en": "Phone"}, {}), group="")
    assert "code" not in form_items.find(form, name)


@pytest.mark.parametrize("number", [1, 5])
def test_the_number_of_queries_is_fixed(
    office: Browser, ana: Client, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    request = submitted(ana, dict(list(ANSWERS.items())[:number]))
    with django_assert_num_queries(QUERIES):
        office.get(address(ana, request))
