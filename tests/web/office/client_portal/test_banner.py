"""The banner of the `Client Portal` tab."""

from datetime import timedelta

import time_machine
from django.test import Client as Browser

from portico.domain.access import client_changes
from portico.domain.access.models import SignInLink
from portico.domain.access.sign_in import link_redemption, sign_in_codes, sign_in_links, sign_in_pins
from portico.domain.access.sign_in.completing_sign_in import Browser as Visitor
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.models.outgoing_emails import EmailState
from tests import cast
from tests.web.office.client_portal.tab_posts import banner, form_of, page, post, squeezed


def test_access_off(office: Browser, practice: Practice) -> None:
    shown = page(office, cast.ana(practice))
    assert "access is off" in banner(shown)
    assert '<section class="notice" data-tone="quiet" id="banner"' in shown


def test_access_on_but_not_invited(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    shown = page(office, ana)
    assert '<section class="notice" data-tone="wait" id="banner"' in shown
    assert "Ana hasn’t signed in yet" in banner(shown)
    assert "Not invited yet" in banner(shown)


def test_delivery_state_is_shown(office: Browser, practice: Practice, stopped_clock: time_machine.Traveller) -> None:
    ana = cast.ana(practice)
    invitation = cast.invited(ana)
    assert "Sending…" in banner(page(office, ana))
    email = OutgoingEmail.objects.filter(pk=invitation.email_id)
    email.update(
        state=EmailState.HANDED_OVER, handing_over_at=clock.now(), handed_over_at=clock.now(), settled_at=clock.now()
    )
    told = banner(page(office, ana))
    assert "Sent at 12:20 PM (we can’t tell if it arrived)" in told
    assert "Link Not opened yet" in squeezed(told)
    link_redemption.record_fetch(SignInLink.objects.get())
    assert "Opened (maybe by a mail scanner), not used" in banner(page(office, ana))
    stopped_clock.shift(timedelta(days=3))
    cast.signed_in(office, cast.hal(practice))  # Fay's session is over by now.
    told = squeezed(banner(page(office, ana)))
    assert "3 days ago, Nov 23" in told
    assert "Sent on Nov 23 at 12:20 PM (we can’t tell if it arrived)" in told
    assert "no longer works" in told


def test_bounce_is_explained_with_its_fix(office: Browser, practice: Practice) -> None:
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
    assert "Link" not in told
    assert "Correct the address in Client Info" in told


def test_a_pin_that_works_is_not_pushed_to_be_replaced(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    sign_in_pins.generate(ana, form_key="k" * 43, by=cast.DESK)
    shown = page(office, ana)
    assert "The PIN works until 1:20 PM." in banner(shown)
    assert shown.count('<a class="button" href="#pin">Generate a new PIN</a>') == 2


def test_delay_shows_the_next_attempt(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    invitation = cast.invited(ana)
    OutgoingEmail.objects.filter(pk=invitation.email_id).update(
        state=EmailState.DELAYED,
        delayed_at=clock.now(),
        reason="Our mail server cannot be reached.",
        not_before=clock.now() + timedelta(minutes=5),
    )
    told = squeezed(banner(page(office, ana)))
    assert "Our mail server cannot be reached. Retrying automatically at 12:25 PM." in told


def test_after_an_address_change_the_banner_comes_back(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    link_redemption.redeem(practice, cast.token_of(cast.invited(ana)), visitor=Visitor("Firefox", "a browser"))
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
    client_changes.archive(ana, by=cast.DESK)
    shown = page(office, ana)
    assert "Ana is archived and can’t sign in" in banner(shown)
    assert "Save access" not in shown
    assert "Send Email" not in shown
    assert "Restore Ana" in shown


def test_portal_url_can_be_copied(office: Browser, practice: Practice) -> None:
    shown = page(office, cast.ana(practice))
    assert 'data-copy="http://localhost:8000/portal/alder-street/"' in shown
    assert ">http://localhost:8000/portal/alder-street/</span>" in shown


def test_done_only_if_the_last_attempt_succeeded(
    office: Browser, practice: Practice, stopped_clock: time_machine.Traveller
) -> None:
    ana, visitor = cast.ana(practice), Visitor("Firefox", "a browser")
    link_redemption.redeem(practice, cast.token_of(cast.invited(ana)), visitor=visitor)
    assert "All done" in page(office, ana)

    stopped_clock.shift(timedelta(minutes=5))
    link = cast.mailed(practice, "ana@mail.example")
    sign_in_codes.enter(practice, "222222", browser_key="a browser", mailbox_key="ana@mail.example", visitor=visitor)
    shown = page(office, ana)
    assert "All done" not in shown
    assert "The last sign-in attempt failed" in shown
    assert "An incorrect or expired sign-in code was entered" in shown
    assert "Last attempt failed</dt><dd>Today, 12:25 PM" in shown

    sign_in_codes.enter(
        practice, sign_in_links.code_of(link), browser_key="a browser", mailbox_key="ana@mail.example", visitor=visitor
    )
    assert "All done" in page(office, ana)


def test_attempts_that_failed_before_the_first_success_are_events(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    cast.mailed(practice, "ana@mail.example")
    sign_in_codes.enter(
        practice,
        "222222",
        browser_key="a browser",
        mailbox_key="ana@mail.example",
        visitor=Visitor("Firefox", "a browser"),
    )

    shown = page(office, ana)

    assert "Recent events" in shown
    assert "An incorrect or expired sign-in code was entered" in shown
