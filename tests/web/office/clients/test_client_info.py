"""`Client Info`: saving details, addresses and phone numbers, and concurrent edits."""

import re

import pytest
from django.test import Client as Browser

from portico.domain.access import access_grants, client_changes
from portico.domain.access.access_grants import AccessInput
from portico.domain.access.models import PortalAccess
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client, EmailAddress
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.models import AuditEntry, OutgoingEmail
from tests import cast
from tests.web.office.form_data import address, client_info, phone, said

pytestmark = pytest.mark.django_db
ANAS, NEW = "ana@mail.example", "ana@new.example"


def page_of(client: Client) -> str:
    return f"/office/clients/{client.ref}/edit/info/"


def ref_of(client: Client) -> str:
    return client.email_addresses.open().get().ref


def open_addresses(client: Client) -> list[tuple[str, bool]]:
    return [(row.address, row.email_ok) for row in client.email_addresses.open().order_by("id")]


def test_the_page_shows_what_is_saved(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    page = said(office, page_of(ana))

    assert 'value="ana@mail.example"' in page
    assert 'value="(212) 555-0134"' in page
    assert "Ana agreed to receive email at this address. Recorded Nov 23, 2026 by The desk." in page
    assert "Unchecking signs Ana out and cancels unsent emails." in page


def test_saving_as_it_stands_changes_nothing(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    entries = AuditEntry.objects.count()

    office.post(page_of(ana), client_info(ana, address(ANAS, was=ref_of(ana)), phones=(phone("(212) 555-0134"),)))

    assert Client.objects.get().version == ana.version
    assert AuditEntry.objects.count() == entries
    assert open_addresses(ana) == [(ANAS, True)]


def test_a_new_address_needs_consent_of_its_own(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    typed = client_info(ana, address(NEW, was=ref_of(ana), ok=True)) | {"addresses-0-ok_for": ANAS}

    page = office.post(page_of(ana), typed, follow=True).text

    assert open_addresses(ana) == [(NEW, False)]
    assert "Email ok was cleared for the new address. Check it when Ana agrees to receive email there." in page


def test_consent_given_for_the_new_address_is_saved(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    typed = client_info(ana, address(NEW, was=ref_of(ana), ok=True)) | {"addresses-0-ok_for": NEW}
    assert "Email ok was cleared" not in office.post(page_of(ana), typed, follow=True).text
    assert open_addresses(ana) == [(NEW, True)]


def test_a_suggested_correction_clears_email_ok(office: Browser, practice: Practice) -> None:
    ana = cast.client(practice, "Ana", address="ana@gmial.com")
    typed = client_info(ana, address("ana@gmial.com", was=ref_of(ana), ok=True)) | {
        "addresses-0-ok_for": "ana@gmial.com"
    }
    page = office.post(page_of(ana), typed | {"use": "addresses-0"}).text
    assert 'value="ana@gmail.com"' in page
    assert not re.search(r"addresses-0-email_ok[^>]* checked", page)


def test_names_and_numbers_are_saved_and_found_again(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    typed = client_info(
        ana,
        address(ANAS, was=ref_of(ana)),
        phones=(phone("(212) 555-0134"), phone("+34 912 34 56 78")),
        preferred_name="Zoë",
        status="inactive",
    )

    answer = office.post(page_of(ana), typed, follow=True)

    ana.refresh_from_db()
    assert "Client Info was saved." in answer.content.decode()
    assert (ana.name, ana.status, ana.version) == ("Zoë Abreu", "inactive", 2)
    assert "Zoë Abreu" in said(office, "/office/clients/?q=zoe")
    assert "Zoë Abreu" in said(office, "/office/clients/?q=34912")
    entry = AuditEntry.objects.get(action=AuditAction.CLIENT_EDITED)
    assert (entry.actor_name, entry.details) == ("Fay", {"fields": "preferred_name, status, phones"})


def test_foreign_phone_number_is_unchanged(office: Browser, practice: Practice) -> None:
    ana = cast.client(practice, "Ana", phone="+34912345678")

    assert 'value="+34 912 34 56 78"' in said(office, page_of(ana))


def test_another_address_can_be_added_without_script(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    row = address(ANAS, was=ref_of(ana))

    page = office.post(page_of(ana), client_info(ana, row, add="addresses", first_name="Anna")).content.decode()
    assert page.count('aria-label="Email ') == 2
    assert 'value="Anna"' in page
    assert Client.objects.get().first_name == "Ana"

    office.post(page_of(ana), client_info(ana, row, address("ana@work.example", ok=False, kind="work")))
    assert open_addresses(ana) == [(ANAS, True), ("ana@work.example", False)]


def test_removing_an_address_waits_for_save(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    rows = address(ANAS, was=ref_of(ana)), address("second@mail.example")

    page = office.post(page_of(ana), client_info(ana, *rows, remove="addresses-0")).content.decode()

    assert 'value="ana@mail.example"' not in page
    assert 'value="second@mail.example"' in page
    assert open_addresses(ana) == [(ANAS, True)]


def test_removing_a_phone_waits_for_save(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    sent = client_info(ana, address(ANAS, was=ref_of(ana)), phones=(phone("2125550134"),), remove="phones-0")

    assert 'value="2125550134"' not in office.post(page_of(ana), sent).content.decode()
    assert ana.phone_numbers.count() == 1


@pytest.mark.parametrize("pressed", ["addresses-7", "addresses--1", "addresses-x", "addresses-٣", "notes-0", "x" * 99])
def test_unknown_button_value_just_saves(office: Browser, practice: Practice, pressed: str) -> None:
    ana = cast.ana(practice)
    typed = client_info(ana, address(ANAS, was=ref_of(ana)), remove=pressed, phones=(phone("2125550134"),))

    assert office.post(page_of(ana), typed).status_code == 302
    assert open_addresses(ana) == [(ANAS, True)]


def test_emptied_row_is_an_error_and_not_removed(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)

    answer = office.post(page_of(ana), client_info(ana, address("", was=ref_of(ana))))

    assert answer.status_code == 422
    assert "Enter an email address, or remove this row." in answer.content.decode()
    assert open_addresses(ana) == [(ANAS, True)]


def test_new_sign_in_address_leads_to_an_invitation(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)

    answer = office.post(page_of(ana), client_info(ana, address(NEW, was=ref_of(ana))), follow=True)

    access = PortalAccess.objects.select_related("address").get()
    assert answer.redirect_chain == [(f"/office/clients/{ana.ref}/edit/portal/", 302)]
    assert "Invite the new address below; nothing has been sent yet." in answer.content.decode()
    assert access.address is not None
    assert (access.address.address, access.invited_at) == (NEW, None)
    assert EmailAddress.objects.get(address=ANAS).closed_at is not None
    assert OutgoingEmail.objects.count() == 1


def test_notice_of_new_address_mentions_access_off(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    off = AccessInput(enabled=False, address=ref_of(ana), access_billing_documents=True, pay_by_card=False)
    access_grants.save_access(ana, off, version=None, by=cast.DESK)

    page = office.post(page_of(ana), client_info(ana, address(NEW, was=ref_of(ana))), follow=True).content.decode()
    assert "Ana can’t sign in while access is off" in page
    assert "now signs in" not in page

    ana.refresh_from_db()
    page = office.post(page_of(ana), client_info(ana), follow=True).content.decode()
    assert "Client Info was saved." in page
    assert "Access is on" not in page


def test_removing_the_sign_in_address_shows_a_warning(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    rows = address(ANAS, was=ref_of(ana)), address(NEW)

    warned = office.post(page_of(ana), client_info(ana, *rows, remove="addresses-0")).content.decode()
    assert "If you remove it, Ana can’t sign in" in warned
    assert "If you remove it, Ana can’t sign in" not in said(office, page_of(ana))

    saved = office.post(page_of(ana), client_info(ana, address(NEW)), follow=True).content.decode()
    ana.refresh_from_db()
    assert "Access is on, but Ana can’t sign in" in saved
    assert (ana.portal_state, ana.portal_reason) == ("needs_attention", "no_address")


def test_consent_is_recorded_and_can_be_withdrawn(office: Browser, practice: Practice) -> None:
    ana = cast.client(practice, "Ana", address=ANAS, email_ok=False)
    was = ref_of(ana)

    office.post(page_of(ana), client_info(ana, address(ANAS, was=was)))
    row = EmailAddress.objects.get()
    assert (row.email_ok, row.email_ok_by) == (True, "Fay")

    ana.refresh_from_db()
    office.post(page_of(ana), client_info(ana, address(ANAS, was=was, ok=False)))
    row.refresh_from_db()
    assert row.email_ok is False
    assert row.email_ok_withdrawn_at is not None
    assert list(AuditEntry.objects.order_by("id").values_list("action", flat=True))[-2:] == [
        "consent.recorded",
        "consent.withdrawn",
    ]


def test_likely_typo_is_pointed_out_and_not_changed(office: Browser, practice: Practice) -> None:
    ana = cast.client(practice, "Ana")

    page = office.post(page_of(ana), client_info(ana, address("ana@gmial.com")), follow=True).content.decode()

    assert "Is ana@gmial.com spelled right? Did you mean ana@gmail.com?" in page
    assert re.search(r'name="use" value="addresses-0"[^>]*>ana@gmail.com</button>', page)
    assert open_addresses(ana) == [("ana@gmial.com", True)]


def test_suggestion_fills_the_field_without_saving(office: Browser, practice: Practice) -> None:
    ana = cast.client(practice, "Ana", address="ana@gmial.com")

    sent = client_info(ana, address("ana@gmial.com", was=ref_of(ana)), use="addresses-0")
    page = office.post(page_of(ana), sent).content.decode()

    assert 'value="ana@gmail.com"' in page
    assert open_addresses(ana) == [("ana@gmial.com", True)]


def test_concurrent_edit_shows_both_versions(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    row, numbers = address(ANAS, was=ref_of(ana)), (phone("2125550134"),)
    office.post(page_of(ana), client_info(ana, row, address("theirs@mail.example"), phones=numbers, first_name="Anne"))

    answer = office.post(page_of(ana), client_info(ana, row, phones=numbers, first_name="Anita"))

    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Someone else saved changes while you were editing" in page
    assert re.search(r"First name: your version</dt><dd class=\"break\">Anita<", page)
    assert re.search(r"First name: saved version</dt><dd class=\"break\">Anne<", page)
    assert 'value="theirs@mail.example"' in page
    assert Client.objects.get().first_name == "Anne"


def test_saving_again_after_a_conflict_overwrites(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    row, numbers = address(ANAS, was=ref_of(ana)), (phone("2125550134"),)
    office.post(page_of(ana), client_info(ana, row, phones=numbers, first_name="Anne"))
    page = office.post(page_of(ana), client_info(ana, row, phones=numbers, first_name="Anita")).content.decode()
    version = re.search(r'name="version" value="(\d+)"', page)
    assert version is not None

    office.post(page_of(ana), client_info(ana, row, phones=numbers, first_name="Anita", version=version[1]))

    assert Client.objects.get().first_name == "Anita"


@pytest.mark.parametrize("version", ["", "one", "-1", "9" * 30])
def test_invalid_version_saves_nothing(office: Browser, practice: Practice, version: str) -> None:
    ana = cast.ana(practice)

    answer = office.post(page_of(ana), client_info(ana, first_name="Eve", version=version))

    assert answer.status_code in {409, 422}
    assert Client.objects.get().first_name == "Ana"


def test_duplicate_address_is_refused(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)

    answer = office.post(page_of(ana), client_info(ana, address(ANAS, was=ref_of(ana)), address("ANA@mail.example")))

    assert answer.status_code == 409
    assert "ANA@mail.example is listed twice. Remove one." in answer.content.decode()
    assert open_addresses(ana) == [(ANAS, True)]


def test_archived_client_is_read_only(office: Browser, practice: Practice) -> None:
    ana = client_changes.archive(cast.ana(practice), by=cast.DESK)

    assert '<fieldset class="stack loose" disabled>' in said(office, page_of(ana))
    assert "selected>Archived</option>" in said(office, page_of(ana))
    answer = office.post(page_of(ana), client_info(ana, first_name="Eve", status="active"))
    assert answer.status_code == 409
    assert "Restore the client first." in answer.content.decode()
    assert Client.objects.get().first_name == "Ana"


def test_posted_status_cannot_archive(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)

    assert office.post(page_of(ana), client_info(ana, status="archived")).status_code == 422
    assert Client.objects.get().status == "active"


def test_former_clinician_stays_until_changed(office: Browser, practice: Practice) -> None:
    hal, ana = cast.hal(practice), cast.ana(practice)
    Client.objects.update(clinician=hal)
    hal.deactivated_at = ana.created_at
    hal.save()

    assert f'<option value="{hal.ref}" selected>Hal</option>' in said(office, page_of(ana))
    assert "Hal" not in said(office, page_of(cast.carol(practice)))


def test_page_is_closed_to_others(office: Browser, client: Browser, practice: Practice) -> None:
    dora = cast.dora(cast.birch())

    assert office.get(page_of(dora)).status_code == 404
    assert office.post(page_of(dora), client_info(dora, first_name="Eve")).status_code == 404


def test_biller_has_read_access_only(client: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    browser = cast.signed_in(client, cast.ines(practice))

    shown = said(browser, page_of(ana))

    for words in ("ana@mail.example", "Email ok", "Recorded ", " by ", 'aria-current="page">Client Info'):
        assert words in shown, words
    for words in ("Save Client", "<input", "Cancel"):
        assert words not in shown.partition("<main")[2], words
    assert browser.post(page_of(ana), client_info(ana, first_name="Eve")).status_code == 403
    assert Client.objects.get().first_name == "Ana"
    entry = AuditEntry.objects.get(action=AuditAction.DENIED_ROLE)
    assert (entry.actor_name, entry.about) == ("Ines", "edit")


def test_biller_sees_withdrawn_consent(client: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    row = ana.email_addresses.get()
    row.withdraw_consent(at=clock.now())
    row.save()

    shown = said(cast.signed_in(client, cast.ines(practice)), page_of(ana))

    assert "Withdrawn " in shown
    assert "No Email ok" in shown


def test_other_practices_client_is_404_and_recorded(office: Browser, practice: Practice) -> None:
    dora = cast.dora(cast.birch())

    foreign = office.get(page_of(dora)).content.decode()
    unknown = office.get("/office/clients/abcdefghijklmnop/edit/info/").content.decode()

    def without_reference(page: str) -> str:
        return re.sub(r"[A-Z0-9]{5}-[A-Z0-9]{5}", "", page)

    assert without_reference(foreign) == without_reference(unknown)
    denied = AuditEntry.objects.filter(action=AuditAction.DENIED_PRACTICE)
    assert [(entry.practice, entry.actor_name) for entry in denied] == [(practice, "Fay")]


def test_each_view_is_recorded_once(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    office.get(page_of(ana))

    entry = AuditEntry.objects.get(action=AuditAction.CLIENT_INFO_VIEWED)
    assert (entry.client_id, entry.actor_name) == (ana.pk, "Fay")


def test_query_count_is_constant(office: Browser, practice: Practice, django_assert_num_queries: object) -> None:
    assert callable(django_assert_num_queries)
    ana = cast.ana(practice)
    office.post(page_of(ana), client_info(ana, *[address(f"a{place}@mail.example") for place in range(15)]))
    carol = cast.carol(practice)
    for person in (ana, carol):
        cast.with_access(person)
    office.get(page_of(ana))  # Consumes the notice.
    for person in (ana, carol):
        with django_assert_num_queries(10):
            office.get(page_of(person))


def test_an_address_that_signs_in_for_a_contact_is_refused_and_the_input_kept(
    office: Browser, practice: Practice
) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    cast.with_contact_access(cast.guardian(ana))
    typed = client_info(ana, address("bruno@mail.example", was=ref_of(ana), ok=True))
    typed |= {"last_name": "Adler", "addresses-0-ok_for": "bruno@mail.example"}
    answer = office.post(page_of(ana), typed)
    assert answer.status_code == 409
    assert "bruno@mail.example already opens Ana’s portal for Bruno Berg (guardian)" in answer.text
    assert 'value="bruno@mail.example"' in answer.text
    assert 'value="Adler"' in answer.text
    assert open_addresses(ana) == [(ANAS, True)]
