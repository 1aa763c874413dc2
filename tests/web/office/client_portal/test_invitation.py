"""The invitation on the `Client Portal` tab: editor, preview and draft."""

import re
from datetime import date
from html import unescape

import pytest
from django.test import Client as Browser

from portico.domain.access.models import PortalAccess
from portico.domain.access.sign_in import link_redemption
from portico.domain.access.sign_in.completing_sign_in import Browser as Visitor
from portico.domain.clients.models import Client
from portico.domain.documents.models import DocumentRequest, DocumentTemplate
from portico.domain.practices.models import Practice
from portico.plumbing.models import AuditEntry, OutgoingEmail
from tests import cast, shared_documents
from tests.web.office.client_portal.tab_posts import address_of, banner, form_of, page, post, send


def test_editor_is_open_before_the_first_invitation(office: Browser, practice: Practice) -> None:
    shown = page(office, cast.ana(practice))
    assert '<section class="card" id="invitation" aria-labelledby="letter-h">' in shown
    assert '<h2 id="letter-h">Invitation email</h2>' in shown
    assert "Resend email invitation" not in shown
    assert "Your client portal at [practice name]" in shown


def test_editor_is_closed_after_the_first_invitation(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    token = cast.token_of(cast.invited(ana))
    shown = page(office, ana)
    assert "<b>Resend email invitation</b>" in shown
    assert '<details class="card unfold" id="invitation">' in shown
    assert "Resend email invitation" in banner(shown)
    link_redemption.redeem(practice, token, visitor=Visitor("Firefox", "a browser"))
    shown = page(office, ana)
    assert "<b>Resend email invitation</b>" in shown
    assert "You can resend it at any time, even after the client has signed in." in shown
    assert "Up to 3 earlier emails keep working." in shown
    assert shown.index("Resend email invitation") < shown.index('id="access-h"')


def test_the_overview_opens_the_editor(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    link = f"{address_of(ana)}?resend#invitation"
    assert link in office.get(f"/office/clients/{ana.ref}/").text
    shown = office.get(link).text
    editor = shown.partition('<details class="card unfold" id="invitation" open>')[2]
    # The button comes first: the text is sent as it is without scrolling past it.
    assert editor.index("Send Email") < editor.index('name="message"')


def test_enter_in_the_editor_sends_nothing(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    shown = page(office, ana)
    form = shown[shown.index('name="version"') :]
    first_button = re.search(r'<button [^>]*type="submit"[^>]*>', form)
    assert first_button is not None
    assert 'name="action" value="save"' in first_button[0]


def test_resending_sends_another_mail_and_the_first_keeps_working(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    token = cast.token_of(cast.invited(ana))
    send(office, ana)
    assert OutgoingEmail.objects.count() == 2
    assert link_redemption.find(practice, token).state == link_redemption.LinkState.LIVE


def test_the_preview_is_what_the_client_gets(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    data = form_of(office, ana, subject="For [first name]", message="From [practice name]")
    shown = unescape(office.post(f"{address_of(ana)}preview/", data).content.decode())
    assert "For Ana" in shown
    assert "From Alder Street Therapy" in shown
    # No button was typed: it goes to the end, and the preview shows it.
    assert shown.index("From Alder") < shown.index('<span class="button primary">Sign In</span>')
    assert "To ana@mail.example." in shown
    assert 'hx-swap-oob="true"' in shown


def test_the_preview_speaks_the_clients_language(office: Browser, practice: Practice) -> None:
    luz = cast.client(practice, "Luz", address="luz@mail.example", language="es")
    assert '<div class="paper" lang="es">' in page(office, luz)
    ana = cast.ana(practice)
    assert "Works once, within 24 hours." in page(office, ana)


def test_the_preview_greets_by_name_only_a_client_known_to_be_an_adult(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    assert "<p>Hello,</p>" in page(office, ana).replace(' class="break"', "")
    Client.objects.update(date_of_birth=date(1990, 5, 1))
    assert "<p>Hello Ana,</p>" in page(office, ana).replace(' class="break"', "")


def test_preview_says_if_it_cannot_be_sent(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    data = form_of(office, ana, subject="x" * 151, message="x" * 5_001)
    shown = office.post(f"{address_of(ana)}preview/", data).content.decode()
    assert "Enter at most 150 characters. You entered 151." in shown
    assert "Enter at most 5000 characters. You entered 5001." in shown


def test_a_preview_changes_nothing(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    data, entries = form_of(office, ana), AuditEntry.objects.count()
    office.post(f"{address_of(ana)}preview/", data)
    assert not PortalAccess.objects.exists()
    assert AuditEntry.objects.count() == entries


def test_draft_is_saved_and_opens_the_editor(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    answer = office.post(
        f"{address_of(ana)}draft/",
        {"subject": "Half a", "message": "thought"},
        headers={"X-Portico-Background": "draft"},
    )
    assert answer.status_code == 204
    shown = page(office, ana)
    assert 'value="Half a"' in shown
    assert '<details class="card unfold" id="invitation" open>' in shown


@pytest.mark.parametrize("typed", ["a\x00b", "x" * 50_000])
def test_unstorable_draft_is_refused(office: Browser, practice: Practice, typed: str) -> None:
    ana = cast.ana(practice)
    assert office.post(f"{address_of(ana)}draft/", {"subject": "s", "message": typed}).status_code == 422


def test_save_access_saves_the_draft_without_script(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    post(office, ana, form_of(office, ana, action="save", message="Not lost"))
    assert "Not lost" in page(office, ana)


def checked_documents(shown: str) -> list[str]:
    boxes = re.findall(r'<input type="checkbox" name="documents" value="(\w+)"([^>]*)>', shown)
    return [ref for ref, attributes in boxes if "checked" in attributes]


def test_the_welcome_packet_is_checked_and_shared(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    shared_documents.consent(practice, in_welcome_packet=True)
    shared_documents.form(practice)
    packet = list(DocumentTemplate.objects.filter(in_welcome_packet=True).values_list("ref", flat=True))
    assert checked_documents(page(office, ana)) == packet
    data = form_of(office, ana, action="send") | {"documents": packet}
    office.post(address_of(ana), data)
    assert [each.version.template.ref for each in DocumentRequest.objects.all()] == packet
    shown = page(office, ana)
    assert checked_documents(shown) == []
    assert "not completed yet" in shown


def test_the_preview_says_how_many_documents(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    shared_documents.consent(practice)
    ref = DocumentTemplate.objects.get().ref
    data = form_of(office, ana) | {"documents": [ref]}
    assert "You have 1 document to complete." in office.post(f"{address_of(ana)}preview/", data).text
    assert "to complete." not in office.post(f"{address_of(ana)}preview/", form_of(office, ana)).text


def test_another_practices_document_is_refused(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    shared_documents.consent(cast.birch())
    ref = DocumentTemplate.objects.get().ref
    answer = office.post(address_of(ana), form_of(office, ana, action="send") | {"documents": [ref]})
    assert answer.status_code == 422
    assert "The list of documents has changed. Check it again." in answer.text
    assert not OutgoingEmail.objects.exists()
