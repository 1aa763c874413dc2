"""The `Client Portal` tab: access, address, options and the invitation, as promised, for those who may."""

import re
from datetime import timedelta
from html import unescape

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from portico.domain.access import changing, granting, signing_in
from portico.domain.access.arriving import Visitor
from portico.domain.access.models import Invitation, PortalAccess, SignInLink
from portico.domain.clients.models import Client, PortalState
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.models import OutgoingEmail, TrailEntry
from portico.plumbing.models.outgoing import EmailState
from portico.plumbing.verbs import Verb
from tests import cast

HOSTILE = [
    "{{7*7}} {% now 'Y' %}",
    "<script>alert(1)</script><b>bold</b>",
    "a\u202eb\u200fc\u2028d\x85e\x07f\x1bg",
    "'; DROP TABLE clients_client; --",
    "[first name] [[first name]] [portal address",
]


def address_of(person: Client) -> str:
    return f"/office/clients/{person.ref}/edit/portal/"


def page(office: Browser, person: Client) -> str:
    answer = office.get(address_of(person))
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def hidden(shown: str, name: str) -> str:
    found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)"', shown)
    assert found is not None
    return found[1]


def form_of(office: Browser, person: Client, **typed: str) -> dict[str, str]:
    """What a browser would post: the page's own hidden fields, the person's address, and what was typed."""
    shown = page(office, person)
    row = person.email_addresses.open().order_by("id").first()
    return {
        "enabled": "on",
        "address": row.ref if row else "",
        "access_billing_documents": "on",
        "subject": "Welcome",
        "message": "Hello [first name]",
        "press": hidden(shown, "press"),
        "version": hidden(shown, "version"),
        **typed,
    }


def post(office: Browser, person: Client, data: dict[str, str]) -> HttpResponse:
    return office.post(address_of(person), data)  # type: ignore[return-value]  # Django's test answer.


def send(office: Browser, person: Client, **typed: str) -> HttpResponse:
    return post(office, person, form_of(office, person, action="send", **typed))


def banner(shown: str) -> str:
    found = re.search(r'<section class="notice" data-tone="(\w+)" id="banner".*?</section>', shown, re.DOTALL)
    return re.sub(r"<svg.*?</svg>|<[^>]+>", " ", found[0]) if found else ""


def squeezed(text: str) -> str:
    return " ".join(text.split())


# Saving and sending


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
    assert TrailEntry.objects.get(verb=Verb.ACCESS_TURNED_ON).actor_name == "Fay"


def test_send_email_saves_and_sends_in_one_press(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    send(office, ana, subject="Come in", message="Hello [first name],\n\n[sign-in button]")
    email = OutgoingEmail.objects.get()
    assert (email.to_address, email.subject) == ("ana@mail.example", "Come in")
    assert email.content["blocks"] == ["Hello Ana,", None]
    assert "The invitation is on its way to ana@mail.example." in page(office, ana)
    assert PortalAccess.objects.get(client=ana).is_on


def test_the_guide_is_attached_by_a_tick_and_the_emails_page_says_so(office: Browser, practice: Practice) -> None:
    ana, carol = cast.ana(practice), cast.carol(practice)
    send(office, ana)
    assert OutgoingEmail.objects.get().content["attached"] == []
    send(office, carol, attach_guide="on")
    email = OutgoingEmail.objects.latest("id")
    assert "getting-started-en.pdf" in office.get(f"/office/emails/{email.ref}/").text


def test_a_double_press_of_send_email_sends_one_mail_and_shows_the_first_ones_result(
    office: Browser, practice: Practice
) -> None:
    ana = cast.ana(practice)
    data = form_of(office, ana, action="send")
    for _ in range(2):
        assert post(office, ana, data).headers["Location"] == f"{address_of(ana)}#main"
        assert "The invitation is on its way to ana@mail.example." in page(office, ana)
    assert OutgoingEmail.objects.count() == 1


def test_a_double_press_of_save_access_is_no_conflict(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    data = form_of(office, ana, action="save")
    assert [post(office, ana, data).status_code for _ in range(2)] == [302, 302]


def test_pressing_enter_saves_and_sends_nothing(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    shown = page(office, ana)
    first_button = re.search(r'<button class="button[^"]*" type="submit"[^>]*>', shown[shown.index("id_enabled") :])
    assert first_button is not None
    assert 'value="save"' in first_button[0]


def test_the_stored_tick_for_cards_is_kept_whatever_is_posted(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    PortalAccess.objects.filter(client=ana).update(pay_by_card=True)
    post(office, ana, form_of(office, ana, action="save"))
    assert PortalAccess.objects.get(client=ana).pay_by_card
    carol = cast.carol(practice)
    post(office, carol, form_of(office, carol, action="save", pay_by_card="on"))
    assert not PortalAccess.objects.get(client=carol).pay_by_card


def test_the_card_option_is_there_disabled_and_says_why(office: Browser, practice: Practice) -> None:
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
    assert "no longer one of this client’s" in answer.content.decode()
    assert post(office, ana, form_of(office, ana, action="save", address=new.ref)).status_code == 302


# Refusals beside the button


def test_without_email_ok_the_button_says_so_before_and_after_pressing(office: Browser, practice: Practice) -> None:
    carla = cast.client(practice, "Carla", address="carla@mail.example", email_ok=False)
    cast.with_access(carla)
    before = page(office, carla)
    assert "carla@mail.example has no <b>Email ok</b>" in before
    answer = send(office, carla, message="Kept as typed")
    after = unescape(answer.content.decode())
    assert answer.status_code == 409
    note = after[after.index('id="send-note"') :]
    assert "Nothing was sent: carla@mail.example has no Email ok." in note
    assert f'href="/office/clients/{carla.ref}/edit/info/"' in note
    assert "Kept as typed" in after
    assert not OutgoingEmail.objects.exists()
    assert TrailEntry.objects.get(verb=Verb.INVITATION_REFUSED).client == carla


def test_after_a_refusal_the_same_page_can_be_saved_at_once(office: Browser, practice: Practice) -> None:
    carla = cast.client(practice, "Carla", address="carla@mail.example", email_ok=False)
    refused = send(office, carla).content.decode()
    again = form_of(office, carla, action="save", version=hidden(refused, "version"))
    assert post(office, carla, again).status_code == 302


def test_with_access_off_the_way_to_the_switch_is_beside_the_button(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    data = form_of(office, ana, action="send")
    del data["enabled"]
    answer = post(office, ana, data)
    note = answer.content.decode().partition('id="send-note"')[2]
    assert answer.status_code == 409
    assert "Turn on Client Portal Access first. Nothing was sent." in note
    assert 'href="#id_enabled"' in note


def test_without_any_address_the_way_to_client_info_is_beside_the_button(office: Browser, practice: Practice) -> None:
    nobody = cast.client(practice, "Nobody")
    answer = send(office, nobody)
    assert answer.status_code == 409
    assert f'href="/office/clients/{nobody.ref}/edit/info/"' in answer.content.decode().partition('id="send-note"')[2]


@pytest.mark.parametrize(
    ("field", "length"), [("subject", 151), ("subject", 50_000), ("message", 5_001), ("message", 50_000)]
)
@pytest.mark.parametrize("action", ["save", "send"])
def test_what_is_too_long_is_refused_and_stays_on_the_page(
    office: Browser, practice: Practice, field: str, length: int, action: str
) -> None:
    ana = cast.ana(practice)
    typed = "x" * length
    answer = post(office, ana, form_of(office, ana, **{"action": action, field: typed}))
    assert answer.status_code == 422
    assert typed in answer.content.decode()
    assert f"This has {length}." in answer.content.decode()
    assert not Invitation.objects.exists()


@pytest.mark.parametrize("field", ["subject", "message"])
def test_an_empty_text_is_not_sent_but_does_not_stop_a_save(office: Browser, practice: Practice, field: str) -> None:
    ana = cast.ana(practice)
    assert post(office, ana, form_of(office, ana, **{"action": "send", field: " "})).status_code == 422
    assert not Invitation.objects.exists()
    assert post(office, ana, form_of(office, ana, **{"action": "save", field: " "})).status_code == 302


@pytest.mark.parametrize("typed", HOSTILE)
def test_hostile_text_is_text(office: Browser, practice: Practice, typed: str) -> None:
    ana = cast.ana(practice)
    assert send(office, ana, subject=typed, message=typed).status_code == 302
    email = OutgoingEmail.objects.get()
    assert not re.search("[\x00-\x09\x0b-\x1f\x85\u2028\u202e\u200f]", email.subject + str(email.content["blocks"]))
    data = form_of(office, ana, subject=typed, message=typed)
    shown = office.post(f"{address_of(ana)}preview/", data).content.decode()
    assert "<script" not in shown
    assert "49" not in shown


@pytest.mark.parametrize("field", ["subject", "message", "address", "press", "version"])
def test_a_nul_is_refused_in_every_field_and_never_a_crash(office: Browser, practice: Practice, field: str) -> None:
    ana = cast.ana(practice)
    for action in ("save", "send"):
        answer = post(office, ana, form_of(office, ana, **{"action": action, field: "a\x00b"}))
        assert answer.status_code == 422
    assert not Invitation.objects.exists()


@pytest.mark.parametrize("version", ["", "abc", "-1", "9" * 400])
def test_a_form_without_a_good_version_saves_nothing(office: Browser, practice: Practice, version: str) -> None:
    ana = cast.ana(practice)
    assert post(office, ana, form_of(office, ana, action="save", version=version)).status_code in {409, 422}
    assert not PortalAccess.objects.filter(enabled_at__isnull=False).exists()


# Two at once


def test_the_second_of_two_colleagues_is_shown_both_and_overwrites_nothing(office: Browser, practice: Practice) -> None:
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
    # Having looked at both, saving again goes through.
    assert post(office, ana, {**mine, "version": hidden(shown, "version")}).status_code == 302
    assert PortalAccess.objects.get(client=ana).is_on


def test_archived_while_somebody_typed_keeps_what_was_typed(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    data = form_of(office, ana, action="send", message="What I typed")
    changing.archive(ana, by=cast.DESK)
    answer = post(office, ana, data)
    assert answer.status_code == 409
    assert "What I typed" in answer.content.decode()
    assert not OutgoingEmail.objects.exists()


# The editor


def test_before_the_first_invitation_the_editor_stands_open(office: Browser, practice: Practice) -> None:
    shown = page(office, cast.ana(practice))
    assert '<h2 id="letter-h">Invitation email</h2>' in shown
    assert "Resend email invitation" not in shown
    assert "Your client portal at [practice name]" in shown


def test_afterwards_it_is_behind_resend_email_invitation_also_after_signing_in(
    office: Browser, practice: Practice
) -> None:
    ana = cast.ana(practice)
    token = cast.token_of(cast.invited(ana))
    shown = page(office, ana)
    assert "<b>Resend email invitation</b>" in shown
    assert re.search(r'<details class="card unfold" id="invitation">', shown)
    signing_in.press(practice, token, visitor=Visitor("Firefox", "a browser"))
    shown = page(office, ana)
    assert "<b>Resend email invitation</b>" in shown
    assert "Always possible, also after signing in." in shown
    assert "Earlier emails to the same address keep working" in shown


def test_resending_sends_another_mail_and_the_first_keeps_working(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    token = cast.token_of(cast.invited(ana))
    send(office, ana)
    assert OutgoingEmail.objects.count() == 2
    assert signing_in.look(practice, token).state == signing_in.LinkState.LIVE


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
    assert "The button works for 24 hours, once." in page(office, ana)


def test_a_preview_of_what_cannot_be_sent_says_so(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    shown = office.post(f"{address_of(ana)}preview/", form_of(office, ana, message="x" * 5_001)).content.decode()
    assert "At most 5000 characters. This has 5001." in shown


def test_a_preview_changes_nothing(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    data, entries = form_of(office, ana), TrailEntry.objects.count()
    office.post(f"{address_of(ana)}preview/", data)
    assert not PortalAccess.objects.exists()
    assert TrailEntry.objects.count() == entries


def test_a_draft_is_kept_as_typed_and_opens_the_editor(office: Browser, practice: Practice) -> None:
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
def test_a_draft_that_cannot_be_stored_is_refused_quietly(office: Browser, practice: Practice, typed: str) -> None:
    ana = cast.ana(practice)
    assert office.post(f"{address_of(ana)}draft/", {"subject": "s", "message": typed}).status_code == 422


def test_save_access_keeps_a_typed_text_as_draft_without_script_too(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    post(office, ana, form_of(office, ana, action="save", message="Not lost"))
    assert "Not lost" in page(office, ana)


# The banner


def test_access_off_is_told_quietly(office: Browser, practice: Practice) -> None:
    shown = page(office, cast.ana(practice))
    assert "access is off" in banner(shown)
    assert '<section class="notice" data-tone="quiet" id="banner"' in shown


def test_on_and_never_invited_says_not_invited_yet(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    shown = page(office, ana)
    assert '<section class="notice" data-tone="wait" id="banner"' in shown
    assert "Ana hasn’t signed in yet" in banner(shown)
    assert "Not invited yet" in banner(shown)


def test_delivery_is_told_as_known(office: Browser, practice: Practice, stopped_clock: time_machine.Traveller) -> None:
    ana = cast.ana(practice)
    invitation = cast.invited(ana)
    assert "In line, a few seconds." in banner(page(office, ana))
    email = OutgoingEmail.objects.filter(pk=invitation.email_id)
    email.update(
        state=EmailState.HANDED_OVER, handing_over_at=clock.now(), handed_over_at=clock.now(), settled_at=clock.now()
    )
    told = banner(page(office, ana))
    assert "Handed to the mail server at 12:20 PM; delivery not known" in told
    assert "Not fetched yet" in told
    signing_in.note_fetched(SignInLink.objects.get())
    assert "Fetched (by a person or a scanner), not pressed" in banner(page(office, ana))
    stopped_clock.shift(timedelta(days=3))
    cast.signed_in(office, cast.hal(practice))  # Fay's session is over by now.
    told = squeezed(banner(page(office, ana)))
    assert "3 days ago, Nov 23" in told
    assert "Handed to the mail server on Nov 23 at 12:20 PM; delivery not known" in told
    assert "it no longer works" in told


def test_a_bounce_is_told_in_plain_words_with_the_way_to_mend_it(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    invitation = cast.invited(ana)
    OutgoingEmail.objects.filter(pk=invitation.email_id).update(
        state=EmailState.BOUNCED,
        reason="The mailbox doesn’t exist.",
        detail="5.1.1 no such user",
        settled_at=clock.now(),
    )
    told = banner(page(office, ana))
    assert "The mailbox doesn’t exist." in told
    assert "(5.1.1 no such user)" in told
    assert "Correct the address in Client Info" in told


def test_a_delay_is_told_with_the_next_try(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    invitation = cast.invited(ana)
    OutgoingEmail.objects.filter(pk=invitation.email_id).update(
        state=EmailState.DELAYED,
        delayed_at=clock.now(),
        reason="Our mail server cannot be reached.",
        not_before=clock.now() + timedelta(minutes=5),
    )
    told = squeezed(banner(page(office, ana)))
    assert "Our mail server cannot be reached. Trying again by itself, next at 12:25 PM." in told


def test_after_an_address_change_the_banner_comes_back(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    signing_in.press(practice, cast.token_of(cast.invited(ana)), visitor=Visitor("Firefox", "a browser"))
    shown = page(office, ana)
    assert banner(shown) == ""
    assert "Ana can sign in" in shown
    new = ana.email_addresses.create(
        practice=practice,
        address="ana@new.example",
        mailbox_key="ana@new.example",
        email_ok_at=clock.now(),
        email_ok_by="Fay",
    )
    post(office, ana, form_of(office, ana, action="save", address=new.ref))
    shown = page(office, ana)
    assert "Ana has not signed in with the new address yet" in banner(shown)
    assert '<h2 id="letter-h">Invitation email</h2>' in shown


def test_an_archived_client_is_shown_and_cannot_be_changed(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    changing.archive(ana, by=cast.DESK)
    shown = page(office, ana)
    assert "Ana is archived and can’t sign in" in banner(shown)
    assert "Save access" not in shown
    assert "Send Email" not in shown
    assert "Make Ana active again" in shown


def test_the_portals_address_is_there_to_copy(office: Browser, practice: Practice) -> None:
    shown = page(office, cast.ana(practice))
    assert 'data-copy="http://localhost:8000/portal/alder-street/"' in shown
    assert ">http://localhost:8000/portal/alder-street/</span>" in shown


# Who


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
    assert TrailEntry.objects.filter(verb=Verb.DENIED_ROLE, actor_name="Ines").count() == 3


@pytest.mark.parametrize("colleague", [cast.elm, cast.hal, cast.fay])
def test_everybody_else_sends_invitations(client: Browser, practice: Practice, colleague: object) -> None:
    ana = cast.ana(practice)
    browser = cast.signed_in(client, colleague(practice))  # type: ignore[operator]  # One of the cast.
    assert send(browser, ana).status_code == 302
    assert OutgoingEmail.objects.count() == 1


def test_a_client_of_another_practice_does_not_exist_here(office: Browser) -> None:
    dora = cast.dora(cast.birch())
    for path in ("", "draft/", "preview/"):
        assert office.post(f"{address_of(dora)}{path}", {}).status_code == 404
    assert office.get(address_of(dora)).status_code == 404
    assert granting.of(dora) is None


def test_nobody_is_asked_to_sign_in(client: Browser, practice: Practice) -> None:
    answer = client.get(address_of(cast.ana(practice)))
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/office/sign-in/")


@pytest.mark.parametrize("path", ["draft/", "preview/"])
def test_fragments_are_only_posted(office: Browser, practice: Practice, path: str) -> None:
    assert office.get(f"{address_of(cast.ana(practice))}{path}").status_code == 405


def test_opening_the_tab_is_one_entry_in_the_trail(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    page(office, ana)
    assert TrailEntry.objects.filter(verb=Verb.CLIENT_PORTAL_VIEWED, client=ana).count() == 1


def test_the_tab_takes_the_same_queries_however_much_has_happened(
    office: Browser, practice: Practice, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ana = cast.ana(practice)
    for _ in range(6):
        cast.invited(ana)
        with django_assert_num_queries(QUERIES):
            office.get(address_of(ana))


# Session, colleague, practice, client, access, addresses, default texts, invitations, their events, PINs, the entry
# in the trail, the menu, what goes on at the entrance; tries with a PIN, the last PIN, sessions; saved cards.
QUERIES = 18
