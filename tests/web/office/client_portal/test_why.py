"""`Why can’t … sign in?` on the `Client Portal` tab: the chain, its fix, what to tell the client, recent attempts."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client as Browser

from portico.domain.access import client_changes
from portico.domain.access.diagnosis.steps import Cause, StepName
from portico.domain.access.models import PortalAccess, PortalSession, SignInLink
from portico.domain.access.sign_in import link_redemption, sign_in_codes, sign_in_pins
from portico.domain.access.sign_in.completing_sign_in import Browser as Visitor
from portico.domain.access.sign_in.requests import request_worker
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.models.outgoing_emails import EmailState
from portico.plumbing.security.rate_limits import RateLimitExceeded
from portico.web.office.client_portal.diagnosis import phone_script
from tests import cast
from tests.web.office.client_portal.tab_posts import banner, page, squeezed

VISITOR = Visitor("Firefox", "a browser")


def section(shown: str, test_id: str) -> str:
    """Returns the text of the section with this test id; empty if there is none."""
    found = re.search(rf'<section[^>]*data-testid="{test_id}".*?</section>', shown, re.DOTALL)
    return squeezed(re.sub(r"<svg.*?</svg>|<[^>]+>", " ", found[0])) if found else ""


def states(shown: str) -> dict[str, str]:
    found = re.findall(r'data-testid="diagnosis-step"\s+data-step="(\w+)" data-state="(\w+)"', shown)
    return dict(found)


def step(shown: str, name: StepName) -> str:
    """Returns the HTML of one step."""
    found = re.search(rf'<li[^>]*data-step="{name}".*?</li>', shown, re.DOTALL)
    assert found is not None
    return found[0]


def handed_over(person: Client) -> None:
    now = clock.now()
    OutgoingEmail.objects.filter(client=person).update(
        state=EmailState.HANDED_OVER, handing_over_at=now, handed_over_at=now, settled_at=now
    )


def test_every_step_is_shown_with_its_state(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    handed_over(ana)
    shown = page(office, ana)
    assert states(shown) == {
        "access_on": "ok",
        "address_chosen": "ok",
        "email_ok": "ok",
        "invitation_sent": "ok",
        "accepted": "unknown",
        "not_bounced": "unknown",
        "link_opened": "waiting",
        "pressed": "ahead",
        "signed_in": "ahead",
        "session_kept": "ahead",
    }
    assert "Why can’t Ana sign in?" in shown
    assert "Waiting here: The link has not been opened yet" in squeezed(re.sub(r"<[^>]+>", "", shown))


def test_the_chain_leads_to_its_email(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    email = cast.invited(ana).email
    handed_over(ana)
    assert f'href="/office/emails/{email.ref}/">Open the email</a>' in step(page(office, ana), StepName.INVITATION_SENT)


def test_the_heading_turns_once_she_has_signed_in(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    link_redemption.redeem(practice, cast.token_of(cast.invited(ana)), visitor=VISITOR)
    shown = page(office, ana)
    assert set(states(shown).values()) == {"ok"}
    assert "Ana can sign in" in shown
    assert "Why can’t" not in shown
    assert section(shown, "what-to-tell") == ""


@pytest.mark.parametrize(
    ("name", "link"),
    [(StepName.EMAIL_OK, "Record consent"), (StepName.NOT_BOUNCED, "Correct the address in Client Info")],
)
def test_the_fix_stands_in_the_banner_and_in_the_step(
    office: Browser, practice: Practice, name: StepName, link: str
) -> None:
    ana = cast.client(practice, "Ana", address="ana@mail.example", email_ok=name is not StepName.EMAIL_OK)
    cast.with_access(ana)
    if name is StepName.NOT_BOUNCED:
        cast.invited(ana)
        PortalAccess.objects.update(mail_stopped_at=clock.now(), mail_stopped_reason="The mailbox doesn’t exist.")
        handed_over(ana)
    shown = page(office, ana)
    button = rf'<a class="button[^"]*" href="/office/clients/{ana.ref}/edit/info/#email">{link}</a>'
    assert re.search(button, step(shown, name))
    assert link in banner(shown)
    assert len(re.findall(button, shown)) == 2


def test_a_client_without_an_address_gets_one_added(office: Browser, practice: Practice) -> None:
    ana = cast.client(practice, "Ana", phone="+12125550134")
    cast.with_access(ana)
    shown = step(page(office, ana), StepName.ADDRESS_CHOSEN)
    assert f'href="/office/clients/{ana.ref}/edit/info/#email">Add an address</a>' in shown


def test_consent_withdrawn_after_signing_in_is_shown_on_top(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    link_redemption.redeem(practice, cast.token_of(cast.invited(ana)), visitor=VISITOR)
    ana.email_addresses.update(email_ok_at=None, email_ok_withdrawn_at=clock.now())
    shown = page(office, ana)
    assert 'data-testid="portal-banner"' not in shown
    problem = shown.partition('id="problem"')[2].partition("</section>")[0]
    assert "ana@mail.example has no Email ok" in problem
    assert "Record consent" in problem


def test_an_archived_client_is_restored_from_either_place(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    client_changes.archive(ana, by=cast.DESK)
    shown = page(office, ana)
    button = '<button class="button" type="submit" form="restoring-form">Restore Ana</button>'
    assert button in step(shown, StepName.ACCESS_ON)
    # No alarm: staff archived the client.
    assert 'data-tone="quiet"' in step(shown, StepName.ACCESS_ON)
    assert shown.count("Restore Ana</button>") == 2
    assert '<form id="restoring-form"' in shown


def test_a_biller_sees_the_chain_without_buttons(client: Browser, practice: Practice) -> None:
    ana = cast.client(practice, "Ana", address="ana@mail.example", email_ok=False)
    cast.with_access(ana)
    shown = page(cast.signed_in(client, cast.ines(practice)), ana)
    assert states(shown)["email_ok"] == "broken"
    assert "Record consent" not in shown


# What to tell her.


def test_what_to_tell_her_is_in_both_languages(office: Browser, practice: Practice) -> None:
    luz = cast.client(practice, "Luz", address="luz@mail.example", language="es", email_ok=False)
    cast.with_access(luz)
    told = section(page(office, luz), "what-to-tell")
    assert "What to tell Luz" in told
    # Her own language first.
    assert told.index("¿Podemos enviarle correos") < told.index("May we send emails")


def test_the_time_of_the_email_is_said_in_each_language(
    office: Browser, practice: Practice, stopped_clock: time_machine.Traveller
) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    handed_over(ana)
    told = section(page(office, ana), "what-to-tell")
    assert "the one from today, 12:20 PM, so please use that one." in told
    assert "use el último correo que le enviamos (hoy, 12:20 p. m.)." in told


def test_there_are_two_sentences_for_every_cause() -> None:
    assert phone_script.SENTENCES.keys() == set(Cause)


# Recent attempts.


def test_attempts_say_what_happened_and_what_to_do(
    office: Browser, practice: Practice, stopped_clock: time_machine.Traveller
) -> None:
    ana = cast.ana(practice)
    tokens = [cast.token_of(cast.invited(ana)) for _ in range(4)]
    link_redemption.redeem(practice, tokens[0], visitor=VISITOR)
    stopped_clock.shift(timedelta(minutes=4))
    link = cast.mailed(practice, "ana@mail.example")
    OutgoingEmail.objects.filter(pk=link.email_id).update(handed_over_at=clock.now())
    sign_in_codes.enter(practice, "222222", browser_key="a browser", mailbox_key="ana@mail.example", visitor=VISITOR)
    told = section(page(office, ana), "recent-attempts")
    assert "An old link was used; a newer one had replaced it. Ask them to use the 12:24 PM email." in told
    assert "The code was wrong, too old, or requested in another browser" in told
    assert "Ask them to use the button in the 12:24 PM email" in told
    assert "An email was requested on the portal’s sign-in page, and sent" in told
    assert "Ask them to look for" not in told
    # A success needs no advice, and neither does what failed before it.
    link_redemption.redeem(practice, cast.token_of(cast.invited(ana)), visitor=VISITOR)
    told = section(page(office, ana), "recent-attempts")
    assert "Signed in with the link from the email" in told
    assert "Ask them" not in told


def test_a_link_that_was_too_old_is_told_from_a_canceled_one(
    office: Browser, practice: Practice, stopped_clock: time_machine.Traveller
) -> None:
    ana = cast.ana(practice)
    token = cast.token_of(cast.invited(ana))
    ana.email_addresses.update(email_ok_at=None)
    link_redemption.redeem(practice, token, visitor=VISITOR)
    assert "after access or address had changed" in section(page(office, ana), "recent-attempts")
    ana.email_addresses.update(email_ok_at=clock.now())
    stopped_clock.shift(timedelta(days=2))
    cast.signed_in(office, cast.hal(practice))  # Fay's session is over by now.
    link_redemption.redeem(practice, token, visitor=VISITOR)
    told = section(page(office, ana), "recent-attempts")
    assert "A link was used that was too old. Ask them to request a new email" in told


def test_a_client_is_told_to_use_only_an_email_that_works(
    office: Browser, practice: Practice, stopped_clock: time_machine.Traveller
) -> None:
    ana = cast.ana(practice)
    token = cast.token_of(cast.invited(ana))
    handed_over(ana)
    link_redemption.redeem(practice, token, visitor=VISITOR)
    PortalSession.objects.update(ended_at=clock.now())
    stopped_clock.shift(timedelta(minutes=5))
    link_redemption.redeem(practice, token, visitor=VISITOR)
    shown = page(office, ana)
    assert "Ask them to request a new email" in section(shown, "recent-attempts")
    told = section(shown, "what-to-tell")
    assert "The last attempt to sign in did not work. I’m sending you a new email now." in told
    assert "open the newest email" not in told
    link = cast.mailed(practice, "ana@mail.example")
    OutgoingEmail.objects.filter(pk=link.email_id).update(handed_over_at=clock.now())
    link_redemption.redeem(practice, token, visitor=VISITOR)
    shown = page(office, ana)
    assert "Ask them to use the 12:25 PM email." in section(shown, "recent-attempts")
    assert "Please open the newest email from us" in section(shown, "what-to-tell")


def test_a_client_without_mail_is_not_told_to_use_an_email(office: Browser, practice: Practice) -> None:
    ana = cast.client(practice, "Ana", phone="+12125550134")
    cast.with_access(ana)
    sign_in_pins.generate(ana, form_key="k" * 43, by=cast.DESK)
    shown = sign_in_pins.digits(ana, "k" * 43, to=cast.DESK)
    assert shown is not None
    for digits in (shown[1], "00000000"):
        sign_in_pins.enter(practice, "+12125550134", digits, visitor=VISITOR, ip="192.0.2.1")
    PortalSession.objects.update(ended_at=clock.now())
    told = section(page(office, ana), "what-to-tell")
    assert "I’ll read out a new PIN." in told
    assert "email" not in told.lower()
    assert "generate a new one" in section(page(office, ana), "recent-attempts")


def test_attempts_at_a_shared_limit_do_not_blame_the_pin(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    for number in range(20):
        sign_in_pins.enter(practice, f"a{number}@mail.example", "00000000", visitor=VISITOR, ip="192.0.2.1")
    with pytest.raises(RateLimitExceeded):
        sign_in_pins.enter(practice, "ana@mail.example", "00000000", visitor=VISITOR, ip="192.0.2.1")
    told = section(page(office, ana), "recent-attempts")
    assert "too many were entered from one network. Ask them to use another network, or to wait an hour." in told


def test_attempts_are_shown_for_seven_days(
    office: Browser, practice: Practice, stopped_clock: time_machine.Traveller
) -> None:
    ana = cast.ana(practice)
    cast.with_access(ana)
    sign_in_pins.generate(ana, form_key="k" * 43, by=cast.DESK)
    sign_in_pins.enter(practice, "ana@mail.example", "00000000", visitor=VISITOR, ip="192.0.2.1")
    assert "Read the PIN out again" in section(page(office, ana), "recent-attempts")
    stopped_clock.shift(timedelta(days=8))
    cast.signed_in(office, cast.hal(practice))
    assert section(page(office, ana), "recent-attempts") == ""


def test_a_mistyped_address_is_shown_without_a_button(office: Browser, practice: Practice) -> None:
    jordan = cast.client(practice, "Jordan", "Avery", address="jordan.avery@gmail.com")
    cast.invited(jordan)
    cast.asked(practice, "jordan.avery@gmial.com")
    request_worker.process_next()
    shown = page(office, jordan)
    notice = shown.partition('data-testid="near-miss"')[2].partition("</div>")[0]
    assert "Someone requested a sign-in email with <b>jordan.avery@gmial.com</b>" in notice
    assert "read out the address on file" in notice
    assert "<a " not in notice
    assert "<button" not in notice
    # Before the steps: on the phone it is the likeliest reason.
    assert shown.index("near-miss") < shown.index('data-testid="diagnosis-step"')
    assert "gmial" not in page(office, cast.ana(practice))


def test_a_fetched_link_is_not_taken_for_a_person(office: Browser, practice: Practice) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    handed_over(ana)
    link_redemption.record_fetch(SignInLink.objects.get())
    shown = page(office, ana)
    assert (states(shown)["link_opened"], states(shown)["pressed"]) == ("ok", "waiting")
    assert "maybe by a mail scanner" in step(shown, StepName.LINK_OPENED)
