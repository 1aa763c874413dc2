"""The invitation is sent only while it is still allowed, and its link is only in the mail."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.apps import apps
from django.db import connection
from time_machine import Traveller

from portico.domain.access import access_grants, client_changes
from portico.domain.access.models import Invitation, SignInLink
from portico.domain.access.onboarding import invitation_text, invitations
from portico.domain.access.sign_in import link_redemption, sign_in_links
from portico.domain.access.sign_in.completing_sign_in import Browser
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.client_input import AddressInput, ClientDetails, ClientInput
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.gateways.smtp.server_url import parse
from portico.gateways.smtp.transport import SmtpTransport
from portico.plumbing import clock
from portico.plumbing.mail import delivery, outbox
from portico.plumbing.mail.reports import delivery_reports, report_application
from portico.plumbing.mail.reports.delivery_reports import DSN, NewReport
from portico.plumbing.models import AuditEntry, OutgoingEmail, ReportKind
from tests import cast
from tests.support.servers.smtp import Mail, SmtpServer


def hand_over(smtp: SmtpServer) -> None:
    assert delivery.deliver_next("rest", SmtpTransport(parse(smtp.url)))


def mail_of(invitation: Invitation) -> OutgoingEmail:
    return OutgoingEmail.objects.get(pk=invitation.email_id)


def token_of(invitation: Invitation) -> str:
    link = SignInLink.objects.select_related("email", "practice").get(email_id=invitation.email_id)
    return sign_in_links.url_of(link).rstrip("/").rpartition("/")[2]


def state_of(person: Client) -> tuple[str, str]:
    person.refresh_from_db()
    return person.portal_state, person.portal_reason


def save_info(person: Client, *addresses: AddressInput) -> None:
    person.refresh_from_db()
    entry = ClientInput(ClientDetails(person.first_name, person.last_name), addresses=addresses)
    client_changes.save_client_info(person, entry, version=person.version, by=cast.DESK)


def present(person: Client, *, address: str | None = None, email_ok: bool = True) -> AddressInput:
    row = person.email_addresses.open().get()
    return AddressInput(address or row.address, row.kind, email_ok, ref=row.ref)


def switch(person: Client, *, on: bool) -> None:
    entry = cast.entry_for(person)
    access_grants.save_access(person, replace(entry, enabled=on), version=None, by=cast.DESK)


def test_it_carries_one_link_in_text_and_html_and_the_practices_name(practice: Practice, smtp: SmtpServer) -> None:
    invitation = cast.invited(cast.ana(practice))
    hand_over(smtp)
    (mail,) = smtp.mails
    link = f"http://localhost:8000/portal/alder-street/link/{token_of(invitation)}/"
    assert f"Sign In:\n{link}\n" in mail.text()
    assert f'href="{link}"' in mail.text("html")
    assert mail.text("html").count(link) == 1
    assert mail.message["From"].addresses[0].display_name == "Alder Street Therapy"
    assert mail.message["Reply-To"] == "Alder Street Therapy <desk@alder.example>"
    assert mail.message["Subject"] == "Your client portal at Alder Street Therapy"
    assert mail.recipient == "ana@mail.example"
    for words in (
        "Your client portal is ready",
        "Hello,",
        "(212) 555-0177",
        "agreed to emails from us",
        "24 hours",
    ):
        assert words in mail.text().replace("\N{NO-BREAK SPACE}", " ")
    # An invitation was not requested in a browser, so no code would work.
    assert SignInLink.objects.get().code_hash == ""
    assert "code" not in mail.text()
    assert not re.search("unsubscribe|<img", f"{mail.text()}{mail.text('html')}", re.IGNORECASE)


def test_an_address_that_staff_typed_does_not_become_a_link(practice: Practice, smtp: SmtpServer) -> None:
    typed = (
        "See www.evil.example, https://evil.example/a?b=c or <a href='https://evil.example'>here</a>. [portal address]"
    )
    ana = cast.ana(practice)
    text = invitation_text.InvitationText("Hello", typed)
    invitations.send(ana, cast.entry_for(ana), text, form_key="p" * 43, version=None, by=cast.DESK)
    hand_over(smtp)
    (mail,) = smtp.mails
    html = mail.text("html")
    assert "https://evil.example/a?b=c" in html
    assert not re.search(r"<a\b[^>]*evil", html)
    assert "http://localhost:8000/portal/alder-street/" in mail.text()
    linked = set(re.findall(r'href="([^"]+)"', html))
    assert {address.partition("/link/")[0] for address in linked if address.startswith("http")} <= {
        "http://localhost:8000/portal/alder-street",
        "http://localhost:8000/portal/alder-street/",
    }


def test_its_link_opens_the_portal(practice: Practice, smtp: SmtpServer) -> None:
    invitation = cast.invited(cast.ana(practice))
    assert link_redemption.find(practice, token_of(invitation)).state == "expired"
    hand_over(smtp)
    assert link_redemption.find(practice, token_of(invitation)).state == "live"


def test_it_uses_the_clients_language(practice: Practice, smtp: SmtpServer) -> None:
    cast.invited(cast.client(practice, "Lucía", address="lucia@mail.example", language="es"))
    hand_over(smtp)
    assert 'lang="es"' in smtp.mails[0].text("html")


def test_typed_text_is_not_markup(practice: Practice, smtp: SmtpServer) -> None:
    ana = cast.client(practice, "<b>Ana</b> {{7*7}}", address="ana@mail.example")
    Client.objects.update(date_of_birth=date(1990, 5, 1))
    invitation = cast.invited(Client.objects.get(pk=ana.pk))
    hand_over(smtp)
    assert "Hello &lt;b&gt;Ana&lt;/b&gt; {{7*7}}," in smtp.mails[0].text("html")
    assert mail_of(invitation).state == "handed_over"


def test_both_attempts_carry_the_same_link_and_message_id(
    practice: Practice, smtp: SmtpServer, stopped_clock: Traveller
) -> None:
    cast.invited(cast.ana(practice))
    smtp.lose_answer()
    hand_over(smtp)
    stopped_clock.shift(timedelta(minutes=1))
    hand_over(smtp)
    first, second = smtp.mails
    assert first.message["Message-ID"] == second.message["Message-ID"]
    assert re.findall(r"/link/\S+/", first.text()) == re.findall(r"/link/\S+/", second.text())


def test_the_token_is_nowhere_in_the_database(practice: Practice, smtp: SmtpServer) -> None:
    invitation = cast.invited(cast.ana(practice))
    hand_over(smtp)
    token = token_of(invitation)
    assert token in smtp.mails[0].text()
    assert outbox.LINK_PLACEHOLDER in mail_of(invitation).body_text
    assert token not in everything_stored()


def everything_stored() -> str:
    found = []
    with connection.cursor() as cursor:
        for model in apps.get_models():
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(model._meta.db_table)}")
            found += [
                bytes(each) if isinstance(each, memoryview) else each for row in cursor.fetchall() for each in row
            ]
    return repr(found)


def archive(person: Client) -> None:
    client_changes.archive(person, by=cast.DESK)


def turn_off(person: Client) -> None:
    switch(person, on=False)


def turn_off_and_on(person: Client) -> None:
    switch(person, on=False)
    switch(person, on=True)


def change_address(person: Client) -> None:
    save_info(person, present(person, address="other@mail.example"))


def remove_address(person: Client) -> None:
    save_info(person)


def withdraw(person: Client) -> None:
    save_info(person, present(person, email_ok=False))


def withdraw_and_record(person: Client) -> None:
    withdraw(person)
    save_info(person, present(person))


@pytest.mark.parametrize(
    ("change", "reason", "after"),
    [
        (archive, "The client was archived.", ("no_access", "")),
        (turn_off, "Client Portal Access was turned off.", ("no_access", "")),
        (change_address, "The client’s email address was changed.", ("needs_attention", "not_invited")),
        (remove_address, "The client’s email address was changed.", ("needs_attention", "no_address")),
        (withdraw, "Email ok was withdrawn for this address.", ("needs_attention", "no_email_ok")),
        (turn_off_and_on, "Access or Email ok was changed", ("needs_attention", "mail_stopped")),
        (withdraw_and_record, "Access or Email ok was changed", ("needs_attention", "mail_stopped")),
    ],
)
def test_what_changed_before_hand_over_drops_it_with_the_reason(
    practice: Practice, smtp: SmtpServer, change: Callable[[Client], None], reason: str, after: tuple[str, str]
) -> None:
    ana = cast.ana(practice)
    invitation = cast.invited(ana)
    change(ana)
    hand_over(smtp)
    mail = mail_of(invitation)
    assert (mail.state, smtp.mails) == ("dropped", [])
    assert mail.reason.startswith(reason)
    assert state_of(ana) == after
    entry = AuditEntry.objects.get(action=AuditAction.EMAIL_DROPPED)
    assert (entry.client_id, entry.details["reason"]) == (ana.pk, mail.reason)


def test_a_voided_link_is_not_mailed(practice: Practice, smtp: SmtpServer) -> None:
    family = [cast.client(practice, name, address="family@mail.example") for name in ("Ann", "Ben", "Cem", "Dia")]
    invitations = [cast.invited(person) for person in family]
    hand_over(smtp)
    assert [mail_of(each).state for each in invitations] == ["dropped", *["handed_over"] * 3]
    assert mail_of(invitations[0]).reason == "Newer links to the same address replaced it."
    assert state_of(family[0]) == ("invited", "")


def test_a_sign_in_by_another_link_drops_queued_mails(practice: Practice, smtp: SmtpServer) -> None:
    bruno, bea = cast.bruno(practice), cast.bea(practice)
    first = cast.invited(bruno)
    cast.with_access(bea)
    hand_over(smtp)
    second = cast.invited(bea)
    link_redemption.redeem(practice, token_of(first), visitor=Browser("", "a browser"))
    hand_over(smtp)
    assert mail_of(second).reason == "The client has since signed in with another link."
    assert state_of(bruno) == ("signed_in", "")


def test_a_retry_after_the_link_was_used_is_not_sent(
    practice: Practice, smtp: SmtpServer, stopped_clock: Traveller
) -> None:
    invitation = cast.invited(cast.ana(practice))
    smtp.lose_answer()
    hand_over(smtp)
    link_redemption.redeem(practice, token_of(invitation), visitor=Browser("", "a browser"))
    stopped_clock.shift(timedelta(minutes=1))
    hand_over(smtp)
    assert (len(smtp.mails), mail_of(invitation).reason) == (1, "Its link has already been used.")


def test_a_retry_whose_link_has_expired_is_not_sent(
    practice: Practice, smtp: SmtpServer, stopped_clock: Traveller
) -> None:
    invitation = cast.invited(cast.ana(practice))
    smtp.lose_answer()
    hand_over(smtp)
    stopped_clock.shift(timedelta(hours=24))
    hand_over(smtp)
    assert (len(smtp.mails), mail_of(invitation).reason) == (1, "Its link has expired. Send a new invitation.")


def test_a_mail_queued_for_days_is_sent_with_a_live_link(
    practice: Practice, smtp: SmtpServer, stopped_clock: Traveller
) -> None:
    invitation = cast.invited(cast.ana(practice))
    smtp.refuse("connect", "421 4.3.2 Not now", times=1)
    hand_over(smtp)
    stopped_clock.shift(timedelta(days=3))
    hand_over(smtp)
    assert link_redemption.find(practice, token_of(invitation)).state == "live"


def test_a_refused_mail_needs_attention_until_it_is_retried(practice: Practice, smtp: SmtpServer) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    smtp.refuse("recipient", "550 5.1.1 No such user")
    hand_over(smtp)
    assert state_of(ana) == ("needs_attention", "mail_stopped")
    assert ana.portal_access.mail_stopped_reason == "The mailbox doesn’t exist."
    smtp.accept()
    cast.invited(ana)
    assert state_of(ana) == ("invited", "")


def test_a_failed_mail_that_is_retried_needs_no_attention(practice: Practice, smtp: SmtpServer) -> None:
    ana = cast.ana(practice)
    invitation = cast.invited(ana)
    smtp.refuse("recipient", "552 5.2.2 Full")
    hand_over(smtp)
    assert state_of(ana) == ("needs_attention", "mail_stopped")
    outbox.retry(mail_of(invitation), by=cast.DESK)
    assert state_of(ana) == ("invited", "")


def test_a_retry_after_a_reported_failure_sends_a_link_that_works(
    practice: Practice, smtp: SmtpServer, stopped_clock: Traveller
) -> None:
    """The server took the mail, tried for longer than the link lives, and then reported that the mailbox is full."""
    invitation = cast.invited(cast.ana(practice))
    hand_over(smtp)
    stopped_clock.shift(timedelta(days=3))
    report = NewReport(mail_of(invitation).ref, DSN, "full", ReportKind.FAILED, clock.now(), status_code="4.2.2")
    delivery_reports.store([report])
    assert report_application.apply_next()
    outbox.retry(mail_of(invitation), by=cast.DESK)
    hand_over(smtp)
    assert (mail_of(invitation).state, len(smtp.mails)) == ("handed_over", 2)
    assert link_redemption.find(practice, token_of(invitation)).state == "live"


def test_a_mail_that_was_itself_rejected_says_nothing_about_the_client(practice: Practice, smtp: SmtpServer) -> None:
    ana = cast.ana(practice)
    invitation = cast.invited(ana)
    smtp.refuse("content", "554 5.6.0 Bad")
    hand_over(smtp)
    assert mail_of(invitation).state == "failed"
    assert state_of(ana) == ("invited", "")


def test_an_older_invitations_outcome_is_ignored(practice: Practice, smtp: SmtpServer) -> None:
    ana = cast.ana(practice)
    cast.invited(ana)
    cast.invited(ana)
    smtp.refuse("recipient", "552 5.2.2 Full", times=1)
    hand_over(smtp)
    assert state_of(ana) == ("invited", "")


def attached_to(mail: Mail) -> list[tuple[str | None, bytes]]:
    return [(part.get_filename(), part.get_content()) for part in mail.message.iter_attachments()]


def send(person: Client, *, with_guide: bool) -> Invitation:
    text = invitation_text.default_text(person.language)
    entry = cast.entry_for(person)
    return invitations.send(
        person, entry, text, form_key="p", version=None, by=cast.DESK, with_guide=with_guide
    ).invitation


def test_the_guide_is_attached_if_chosen(practice: Practice, smtp: SmtpServer) -> None:
    person = cast.client(practice, "Ana", address="ana@mail.example", language="es")
    invitation = send(person, with_guide=True)
    hand_over(smtp)
    [(name, content)] = attached_to(smtp.mails[0])
    assert (name, content[:5]) == ("getting-started-es.pdf", b"%PDF-")
    assert mail_of(invitation).content["attached"] == ["getting-started-es.pdf"]


def test_nothing_is_attached_unless_chosen(practice: Practice, smtp: SmtpServer) -> None:
    send(cast.ana(practice), with_guide=False)
    hand_over(smtp)
    assert attached_to(smtp.mails[0]) == []


def test_a_new_address_reads_that_it_signs_in_now(practice: Practice, smtp: SmtpServer) -> None:
    ana = cast.ana(practice)
    link_redemption.redeem(practice, cast.token_of(cast.invited(ana)), visitor=Browser("Safari on iPhone", "a browser"))
    save_info(ana, present(ana, address="ana@new.example"))
    OutgoingEmail.objects.all().update(state="handed_over", settled_at=clock.now())
    cast.invited(ana)
    hand_over(smtp)
    assert "You now sign in with this address" in smtp.mails[-1].text()
