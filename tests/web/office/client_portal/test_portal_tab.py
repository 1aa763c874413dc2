"""The `Client Portal` tab: access, address, options and permissions."""

import re
from html import unescape

import pytest
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from portico.domain.access import access_lookups, client_changes
from portico.domain.access.models import PortalAccess
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import PortalState
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.models import AuditEntry, OutgoingEmail
from tests import cast
from tests.web.office.client_portal.tab_posts import address_of, form_of, hidden, page, post, send, squeezed


def test_save_access_turns_it_on_and_mails_nothing(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    answer = post(office, ana, form_of(office, ana, action="save"))
    assert answer.headers["Location"] == f"{address_of(ana)}#main"
    ana.refresh_from_db()
    assert ana.portal_state == PortalState.NEEDS_ATTENTION
    assert not OutgoingEmail.objects.exists()
    shown = page(office, ana)
    assert "Access was saved." in shown
    assert 'data-state="needs_attention"' in shown
    assert AuditEntry.objects.get(action=AuditAction.ACCESS_TURNED_ON).actor_name == "Fay"


def test_send_email_saves_and_sends(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    send(office, ana, subject="Come in", message="Hello [first name],\n\n[sign-in button]")
    email = OutgoingEmail.objects.get()
    assert (email.to_address, email.subject) == ("ana@mail.example", "Come in")
    assert email.content["blocks"] == ["Hello,", None]
    assert "The invitation is on its way to ana@mail.example." in page(office, ana)
    assert PortalAccess.objects.get(client=ana).is_on


def test_guide_can_be_attached(office: Browser, practice: Practice) -> None:
    ana, carol = cast.ana(practice), cast.carol(practice)
    send(office, ana)
    assert OutgoingEmail.objects.get().content["attached"] == []
    send(office, carol, attach_guide="on")
    email = OutgoingEmail.objects.latest("id")
    assert "getting-started-en.pdf" in office.get(f"/office/emails/{email.ref}/").text


def test_double_send_sends_one_email(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    data = form_of(office, ana, action="send")
    for _ in range(2):
        assert post(office, ana, data).headers["Location"] == f"{address_of(ana)}#main"
        assert "The invitation is on its way to ana@mail.example." in page(office, ana)
    assert OutgoingEmail.objects.count() == 1


def test_double_save_is_no_conflict(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    data = form_of(office, ana, action="save")
    assert [post(office, ana, data).status_code for _ in range(2)] == [302, 302]


def test_pressing_enter_saves_and_sends_nothing(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    shown = page(office, ana)
    first_button = re.search(r'<button class="button[^"]*" type="submit"[^>]*>', shown[shown.index("id_enabled") :])
    assert first_button is not None
    assert 'value="save"' in first_button[0]


def test_disabled_card_option_ignores_input(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    PortalAccess.objects.filter(client=ana).update(pay_by_card=True)
    post(office, ana, form_of(office, ana, action="save"))
    assert PortalAccess.objects.get(client=ana).pay_by_card
    carol = cast.carol(practice)
    post(office, carol, form_of(office, carol, action="save", pay_by_card="on"))
    assert not PortalAccess.objects.get(client=carol).pay_by_card


def test_disabled_card_option_says_why(office: Browser, practice: Practice) -> None:
    shown = page(office, cast.ana(practice))
    box = re.search(r'<input[^>]*name="pay_by_card"[^>]*>', shown)
    assert box is not None
    assert "disabled" in box[0]
    assert "Pay a balance with credit card using Stripe" in shown
    assert "Online Payments is not set up" in shown


def test_the_switch_is_named_as_promised(office: Browser, practice: Practice) -> None:
    shown = page(office, cast.ana(practice))
    assert re.search(r'<label for="id_enabled">Client Portal Access</label>', shown)
    assert re.search(r'<input[^>]*role="switch"[^>]*id="id_enabled"', shown)


def test_all_open_addresses_can_be_chosen_and_closed_ones_cannot(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    old = ana.email_addresses.get()
    old.closed_at = clock.now()
    old.save()
    new = ana.email_addresses.create(
        practice=practice, address="ana@new.example", mailbox_key="ana@new.example", kind="work"
    )
    shown = page(office, ana)
    assert "ana@new.example (Work), no Email ok" in shown
    assert "ana@mail.example" not in shown
    answer = post(office, ana, form_of(office, ana, action="save", address=old.ref))
    assert answer.status_code == 422
    assert "That address was removed" in answer.content.decode()
    assert post(office, ana, form_of(office, ana, action="save", address=new.ref)).status_code == 302


def test_it_is_a_tab_of_the_client(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    tabs = [
        ("", "Overview"),
        ("billing/", "Billing"),
        ("activity/", "Activity"),
        ("documents/", "Documents"),
        ("edit/portal/", "Client Portal"),
    ]
    for current, label in tabs:
        shown = office.get(f"/office/clients/{ana.ref}/{current}").text
        nav = shown.partition('<nav class="tabs"')[2].partition("</nav>")[0]
        links = re.findall(rf'href="/office/clients/{ana.ref}/([^"]*)"( aria-current="page")?>\s*([\w ]+)', nav)
        assert [(path, text) for path, _, text in links] == tabs
        assert [text for _, is_current, text in links if is_current] == [label]
        assert "needs attention" in nav


def test_events_are_folded(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    events = page(office, ana).partition('<details class="fold">')[2].partition("</details>")[0]
    assert "Recent events" in events
    assert "Invitation sent to ana@mail.example" in events


# Concurrent edits


def test_concurrent_edit_overwrites_nothing(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    mine = form_of(office, ana, action="save", message="What I typed")
    del mine["access_billing_documents"]
    post(office, ana, {**form_of(office, ana, action="save"), "enabled": ""})
    answer = post(office, ana, mine)
    shown = unescape(answer.content.decode())
    assert answer.status_code == 409
    saved = squeezed(re.sub("<[^>]+>", " ", shown.partition('id="changed-meanwhile"')[2].partition("</section>")[0]))
    assert "Client Portal Access Off" in saved
    assert "Access billing documents Yes" in saved
    assert "What I typed" in shown
    switch = re.search(r'<input[^>]*id="id_enabled"[^>]*>', shown)
    assert switch is not None
    assert "checked" in switch[0]
    assert not PortalAccess.objects.get(client=ana).is_on
    # Saving again succeeds.
    assert post(office, ana, {**mine, "version": hidden(shown, "version")}).status_code == 302
    assert PortalAccess.objects.get(client=ana).is_on


def test_input_stays_if_client_was_archived_meanwhile(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    data = form_of(office, ana, action="send", message="What I typed")
    client_changes.archive(ana, by=cast.DESK)
    answer = post(office, ana, data)
    assert answer.status_code == 409
    assert "What I typed" in answer.content.decode()
    assert not OutgoingEmail.objects.exists()


# Permissions


def test_a_biller_reads_and_changes_nothing(client: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    browser = cast.signed_in(client, cast.ines(practice))
    shown = page(browser, ana)
    assert "Save access" not in shown
    assert "Send Email" not in shown
    for path in ("", "draft/", "preview/"):
        answer = browser.post(f"{address_of(ana)}{path}", {"action": "send", "enabled": "on"})
        assert answer.status_code == 403
    assert not PortalAccess.objects.exists()
    assert AuditEntry.objects.filter(action=AuditAction.DENIED_ROLE, actor_name="Ines").count() == 3


@pytest.mark.parametrize("colleague", [cast.elm, cast.hal, cast.fay])
def test_all_other_roles_send_invitations(client: Browser, practice: Practice, colleague: object) -> None:
    ana = cast.ana(practice)
    browser = cast.signed_in(client, colleague(practice))  # type: ignore[operator]  # One of the cast.
    assert send(browser, ana).status_code == 302
    assert OutgoingEmail.objects.count() == 1


def test_other_practices_client_is_404(office: Browser) -> None:
    dora = cast.dora(cast.birch())
    for path in ("", "draft/", "preview/"):
        assert office.post(f"{address_of(dora)}{path}", {}).status_code == 404
    assert office.get(address_of(dora)).status_code == 404
    assert access_lookups.access_of(dora) is None


def test_visitors_are_redirected_to_sign_in(client: Browser, practice: Practice) -> None:
    answer = client.get(address_of(cast.ana(practice)))
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/office/sign-in/")


@pytest.mark.parametrize("path", ["draft/", "preview/"])
def test_fragments_need_a_post(office: Browser, practice: Practice, path: str) -> None:
    assert office.get(f"{address_of(cast.ana(practice))}{path}").status_code == 405


def test_each_view_is_recorded_once(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    page(office, ana)
    assert AuditEntry.objects.filter(action=AuditAction.CLIENT_PORTAL_VIEWED, client=ana).count() == 1


def test_query_count_is_constant(
    office: Browser, practice: Practice, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ana = cast.ana(practice)
    for _ in range(6):
        cast.invited(ana)
        with django_assert_num_queries(QUERIES):
            office.get(address_of(ana))


def test_query_count_of_turning_access_on(
    office: Browser, practice: Practice, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ana = cast.ana(practice)
    data = form_of(office, ana, action="save")
    with django_assert_num_queries(QUERIES_OF_FIRST_SAVE):
        assert post(office, ana, data).status_code == 302


# Session with colleague and practice; client with access, addresses and default text; 8 for the save itself; default
# texts, the draft, the documents that may be shared.
QUERIES_OF_FIRST_SAVE = 14
# Session with colleague and practice, client with access, addresses and default text, the entry in the audit log;
# mails with their events, entries; attempts with a PIN, sessions, the menu; documents with what was shared of them.
QUERIES = 9
