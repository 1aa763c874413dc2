"""Mail stops at clients: every client of the mailbox is marked, nothing is sent, and people lift them."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from time_machine import Traveller

from portico.domain.access import access_grants, mail_stops, portal_states
from portico.domain.access.access_grants import FirstAccess
from portico.domain.access.help_requests import staff_notices
from portico.domain.access.mail_stops import ComplaintUnsettled, OwnerNeeded
from portico.domain.access.models import PortalAccess, SignInMethod
from portico.domain.access.onboarding.invitations import CannotSendInvitation
from portico.domain.access.sign_in import completing_sign_in
from portico.domain.access.sign_in.completing_sign_in import Browser
from portico.domain.access.sign_in.requests import request_worker
from portico.domain.clients.models import Client
from portico.domain.maintenance.sender_check import check_mail
from portico.domain.practices.models import Practice
from portico.domain.practices.staff import password_reset
from portico.gateways.smtp.server_url import parse
from portico.gateways.smtp.transport import SmtpTransport
from portico.plumbing import clock
from portico.plumbing.mail import delivery
from portico.plumbing.mail.reports import delivery_reports, report_application
from portico.plumbing.mail.reports.delivery_reports import DSN, NewReport
from portico.plumbing.models import AuditEntry, MailStop, OutgoingEmail, ReportKind
from tests import cast
from tests.support.servers.smtp import SmtpServer

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def hand_over(smtp: SmtpServer, queue: str = "rest") -> None:
    delivery.deliver_next(queue, SmtpTransport(parse(smtp.url)))


def reported(email: OutgoingEmail, kind: ReportKind = ReportKind.FAILED, code: str = "5.1.1") -> None:
    """Applies a report about the mail."""
    new = NewReport(email.ref, DSN, f"{email.ref}{kind}{code}", kind, clock.now(), status_code=code, words="550 No")
    delivery_reports.store([new])
    while report_application.apply_next():
        pass


def stopped(person: Client, smtp: SmtpServer, kind: ReportKind = ReportKind.FAILED) -> MailStop:
    """Invites the person, whose mailbox is then stopped by a report."""
    invitation = cast.invited(person)
    hand_over(smtp)
    reported(invitation.email, kind)
    return MailStop.objects.live().get()


def state_of(person: Client) -> tuple[str, str]:
    person.refresh_from_db()
    return person.portal_state, person.portal_reason


def test_every_client_of_a_stopped_mailbox_needs_attention(practice: Practice, smtp: SmtpServer) -> None:
    bruno, bea, ana = cast.bruno(practice), cast.bea(practice), cast.ana(practice)
    for person in (bea, ana):
        cast.with_access(person)
    stop = stopped(bruno, smtp)
    assert state_of(bruno) == state_of(bea) == ("needs_attention", "mail_stopped")
    assert state_of(ana)[1] != "mail_stopped"
    assert PortalAccess.objects.get(client=bea).mail_stopped_reason == stop.words
    assert list(portal_states.mismatches()) == []


def test_a_stopped_guardian_counts_beside_the_client(practice: Practice, smtp: SmtpServer) -> None:
    ana = cast.ana(practice)
    bruno = cast.guardian(ana)
    cast.with_access(ana)
    email = cast.invited(ana, relationship=bruno).email
    hand_over(smtp)
    reported(email)
    marked = PortalAccess.objects.filter(mail_stopped_at__isnull=False)
    assert [access.relationship for access in marked] == [bruno]
    assert state_of(ana)[0] == "needs_attention"
    assert list(portal_states.mismatches()) == []


def test_each_further_bounce_costs_fourteen_statements(practice: Practice, smtp: SmtpServer) -> None:
    """As many as 5,000 may arrive after invitations to a whole practice."""

    def statements(*names: str) -> int:
        emails = [cast.invited(cast.client(practice, name, address=f"{name}@mail.example")).email for name in names]
        hand_over(smtp)
        now = clock.now()
        delivery_reports.store(
            [NewReport(each.ref, DSN, each.ref, ReportKind.FAILED, now, status_code="5.1.1") for each in emails]
        )
        with CaptureQueriesContext(connection) as asked:
            assert report_application.apply_next()
        assert MailStop.objects.filter(email__in=emails).count() == len(emails)
        return len([query for query in asked if "SAVEPOINT" not in query["sql"]])

    of_one = statements("dana")
    # The report's end; the mail, its account and clients, and its state; the event; a stop lifted since, a later mail
    # that was accepted, and a live stop; the new one with its audit entry; the accesses, their marks, the states.
    assert statements("eli", "finn", "gil", "hal", "ida", "jo") == of_one + 5 * 14


@pytest.mark.parametrize("asks", [False, True])
def test_nothing_is_sent_to_a_stopped_mailbox(practice: Practice, smtp: SmtpServer, *, asks: bool) -> None:
    ana = cast.ana(practice)
    invitation = cast.invited(ana)
    hand_over(smtp)
    if asks:
        cast.asked(practice, "Ana@Mail.example")
        request_worker.process_next()
    reported(invitation.email)
    if not asks:
        cast.asked(practice, "ana@mail.example")
        request_worker.process_next()
    hand_over(smtp, "entrance")
    assert len(smtp.mails) == 1
    mail = OutgoingEmail.objects.get(kind="sign_in")
    assert mail.state == "dropped"
    assert mail.reason == "No email is sent to this address. mail.example says there is no such mailbox."
    assert AuditEntry.objects.filter(action="email.dropped", client=ana).count() == 1
    assert state_of(ana) == ("needs_attention", "mail_stopped")


def test_a_mailbox_unknown_at_hand_over_is_mailed_once(practice: Practice, smtp: SmtpServer) -> None:
    """A mail server that verifies recipients answers at once, and sends no report."""
    bruno, bea = cast.bruno(practice), cast.bea(practice)
    for person in (bruno, bea):
        cast.with_access(person)
    smtp.refuse("recipient", "550 5.1.1 No such user")
    for _ in range(3):
        cast.asked(practice, "bruno@mail.example")
        request_worker.process_next()
        hand_over(smtp, "entrance")
    mails = OutgoingEmail.objects.order_by("id")
    assert [mail.state for mail in mails] == ["bounced", "dropped", "dropped"]
    stop = MailStop.objects.live().get()
    assert (stop.kind, stop.email, stop.words) == ("refused", mails[0], "The mailbox doesn’t exist.")
    assert AuditEntry.objects.filter(action="mailbox.stopped").count() == 1
    assert state_of(bruno) == state_of(bea) == ("needs_attention", "mail_stopped")
    assert list(portal_states.mismatches()) == []
    smtp.accept()
    cast.invited(bruno)
    hand_over(smtp)
    assert len(smtp.mails) == 1
    assert (state_of(bruno), MailStop.objects.live().exists()) == (("invited", ""), False)


@pytest.mark.parametrize("answer", ["550 No such user", "550 5.6.7 Not in ASCII", "552 5.2.2 Full", "550 5.7.1 Spam"])
def test_other_refusals_at_hand_over_stop_nothing(practice: Practice, smtp: SmtpServer, answer: str) -> None:
    cast.invited(cast.ana(practice))
    smtp.refuse("recipient", answer)
    hand_over(smtp)
    assert not MailStop.objects.exists()


def test_mail_to_staff_that_is_refused_stops_nothing(practice: Practice, smtp: SmtpServer) -> None:
    password_reset.request_reset(cast.fay(practice).email, ip="203.0.113.7")
    password_reset.process_next()
    smtp.refuse("recipient", "550 5.1.1 No such user")
    hand_over(smtp, "entrance")
    assert OutgoingEmail.objects.get().state == "bounced"
    assert not MailStop.objects.exists()


def test_a_batch_asks_for_stops_once(practice: Practice, smtp: SmtpServer) -> None:
    stopped(cast.ana(practice), smtp)
    for person in (cast.bruno(practice), cast.carol(practice)):
        cast.invited(person)
    hand_over(smtp)
    assert sorted(str(mail.message["To"].addresses[0].addr_spec) for mail in smtp.mails[1:]) == [
        "bruno@mail.example",
        "carol@mail.example",
    ]


def test_staff_are_mailed_whatever_the_stops(practice: Practice, smtp: SmtpServer) -> None:
    fay = cast.fay(practice)
    person = cast.client(practice, "Faye", address=fay.email)
    stopped(person, smtp)
    password_reset.request_reset(fay.email, ip="203.0.113.7")
    password_reset.process_next()
    hand_over(smtp, "entrance")
    assert len(smtp.mails) == 2


def test_a_notice_marked_as_spam_stops_no_later_one(practice: Practice, smtp: SmtpServer) -> None:
    elm = cast.elm(practice)
    cast.asked_for_help(practice, "ana@mail.example")
    staff_notices.announce()
    check_mail.send(practice, elm.email, form_key="1", by=elm.actor)
    hand_over(smtp)
    for mail in OutgoingEmail.objects.all():
        reported(mail, ReportKind.COMPLAINED)
    assert not MailStop.objects.exists()
    # A stop from before, of a client with the same address.
    stopped(cast.client(practice, "Naomi", address=elm.email), smtp)
    check_mail.send(practice, elm.email, form_key="2", by=elm.actor)
    hand_over(smtp)
    assert len(smtp.mails) == 4


def test_the_desk_lifts_a_stop_and_the_next_mail_goes_out(practice: Practice, smtp: SmtpServer) -> None:
    ana = cast.ana(practice)
    stopped(ana, smtp)
    fay = cast.fay(practice)
    assert mail_stops.lift(ana, asked_to=False, by=fay.actor) is not None
    assert mail_stops.lift(ana, asked_to=False, by=fay.actor) is None
    assert state_of(ana) == ("invited", "")
    entry = AuditEntry.objects.get(action="mailbox.stop_lifted")
    assert (entry.client, entry.actor_name, entry.details) == (ana, "Fay", {"kind": "refused"})
    cast.asked(practice, "ana@mail.example")
    request_worker.process_next()
    hand_over(smtp, "entrance")
    assert len(smtp.mails) == 2


def test_a_complaint_is_lifted_only_if_they_asked(practice: Practice, smtp: SmtpServer) -> None:
    ana = cast.ana(practice)
    stopped(ana, smtp, ReportKind.COMPLAINED)
    with pytest.raises(ComplaintUnsettled):
        mail_stops.lift(ana, asked_to=False, by=cast.DESK)
    assert MailStop.objects.live().exists()
    assert mail_stops.lift(ana, asked_to=True, by=cast.DESK) is not None
    assert state_of(ana) == ("invited", "")


def test_a_fourth_lift_in_a_week_needs_an_owner(practice: Practice, smtp: SmtpServer, stopped_clock: Traveller) -> None:
    ana, fay, elm = cast.ana(practice), cast.fay(practice), cast.elm(practice)
    for _ in range(3):
        stopped(ana, smtp)
        stopped_clock.shift(timedelta(hours=1))
        mail_stops.lift(ana, asked_to=False, by=fay.actor)
        stopped_clock.shift(timedelta(hours=1))
    stopped(ana, smtp)
    with pytest.raises(OwnerNeeded):
        mail_stops.lift(ana, asked_to=False, by=fay.actor)
    assert mail_stops.lift(ana, asked_to=False, by=elm.actor) is not None


def test_a_fourth_invitation_in_a_week_after_a_stop_needs_an_owner(
    practice: Practice, smtp: SmtpServer, stopped_clock: Traveller
) -> None:
    ana, fay, elm = cast.ana(practice), cast.fay(practice), cast.elm(practice)
    for _ in range(4):
        invitation = cast.invited(ana)  # Lifts the stop that was there before.
        stopped_clock.shift(timedelta(hours=1))
        hand_over(smtp)
        reported(invitation.email)
    with pytest.raises(CannotSendInvitation, match="Only an owner") as refusal:
        cast.invited(ana, by=fay.actor)
    assert refusal.value.fix == "lift_stop"
    assert MailStop.objects.live().exists()
    assert AuditEntry.objects.get(action="invitation.refused").details == {"why": "lift_stop"}
    cast.invited(ana, by=elm.actor)
    assert not MailStop.objects.live().exists()


def test_an_invitation_lifts_a_refusal(practice: Practice, smtp: SmtpServer) -> None:
    ana = cast.ana(practice)
    stopped(ana, smtp)
    cast.invited(ana)
    assert not MailStop.objects.live().exists()
    assert state_of(ana) == ("invited", "")
    assert AuditEntry.objects.filter(action="mailbox.stop_lifted", client=ana).exists()
    hand_over(smtp)
    assert len(smtp.mails) == 2


def test_an_invitation_after_a_complaint_is_refused_with_the_fix(practice: Practice, smtp: SmtpServer) -> None:
    ana = cast.ana(practice)
    stopped(ana, smtp, ReportKind.COMPLAINED)
    with pytest.raises(CannotSendInvitation, match="marked our email as spam") as refusal:
        cast.invited(ana)
    assert refusal.value.fix == "lift_stop"
    assert AuditEntry.objects.get(action="invitation.refused").details == {"why": "lift_stop"}
    assert state_of(ana) == ("needs_attention", "mail_stopped")


def test_an_accepted_mail_ends_the_need_for_attention(practice: Practice, smtp: SmtpServer) -> None:
    ana = cast.ana(practice)
    first = cast.invited(ana)
    second = cast.invited(ana)
    hand_over(smtp)
    reported(first.email)
    assert state_of(ana) == ("needs_attention", "mail_stopped")
    reported(second.email, ReportKind.RELAYED, "2.0.0")
    assert state_of(ana) == ("invited", "")


@pytest.mark.parametrize(("kind", "remains"), [(ReportKind.FAILED, False), (ReportKind.COMPLAINED, True)])
def test_a_sign_in_by_link_lifts_a_refusal_only(
    practice: Practice, smtp: SmtpServer, kind: ReportKind, *, remains: bool
) -> None:
    bruno, bea = cast.bruno(practice), cast.bea(practice)
    cast.with_access(bea)
    stopped(bruno, smtp, kind)
    account = PortalAccess.objects.get(client=bruno).account
    assert account is not None
    visitor = Browser("Firefox", "key")
    completing_sign_in.complete(practice, account, method=SignInMethod.LINK, proof_epoch=account.epoch, visitor=visitor)
    assert MailStop.objects.live().exists() == remains
    assert (state_of(bruno)[1] == "mail_stopped") == (state_of(bea)[1] == "mail_stopped") == remains
    assert list(portal_states.mismatches()) == []


def test_another_address_is_free_of_the_stop_and_the_old_one_is_not(practice: Practice, smtp: SmtpServer) -> None:
    bruno, bea = cast.bruno(practice), cast.bea(practice)
    stopped(bruno, smtp)
    cast.with_access(bea)
    assert state_of(bea) == ("needs_attention", "mail_stopped")
    carol = cast.carol(practice)
    cast.with_access(carol)
    assert state_of(carol)[1] == "not_invited"


def test_new_clients_with_a_stopped_address_are_marked(practice: Practice, smtp: SmtpServer) -> None:
    stopped(cast.bruno(practice), smtp)
    bea = cast.bea(practice)
    address = bea.email_addresses.get()
    access_grants.save_first(practice, [FirstAccess(bea, address, cast.entry_for(bea))], by=cast.DESK)
    assert state_of(bea) == ("needs_attention", "mail_stopped")


def test_a_rejection_of_us_leaves_the_client_alone(practice: Practice, smtp: SmtpServer) -> None:
    ana = cast.ana(practice)
    invitation = cast.invited(ana)
    hand_over(smtp)
    reported(invitation.email, code="5.7.26")
    assert state_of(ana) == ("invited", "")
    assert not MailStop.objects.exists()


def test_a_report_after_the_address_changed_leaves_the_client_alone(practice: Practice, smtp: SmtpServer) -> None:
    ana = cast.ana(practice)
    invitation = cast.invited(ana)
    hand_over(smtp)
    entry = replace(cast.entry_for(ana), address=None)
    access_grants.save_access(ana, entry, version=None, by=cast.DESK)
    reported(invitation.email)
    assert state_of(ana) == ("needs_attention", "no_address")
    assert PortalAccess.objects.get(client=ana).mail_stopped_at is None
