"""Delivery reports change a mail's state and history once, in whatever order they arrive."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from time_machine import Traveller

from portico.domain.practices.models import Practice
from portico.gateways.smtp.server_url import parse
from portico.gateways.smtp.transport import SmtpTransport
from portico.plumbing import clock
from portico.plumbing.mail import delivery, mail_stops, outbox
from portico.plumbing.mail.reports import delivery_reports, report_application
from portico.plumbing.mail.reports.delivery_reports import DSN, UNSTRUCTURED, NewReport
from portico.plumbing.models import AuditEntry, DeliveryReport, EmailEvent, MailStop, OutgoingEmail, ReportKind
from portico.plumbing.models.outgoing_emails import EmailState
from tests.cast import DESK
from tests.plumbing.mail_messages import Note, an_email, happened
from tests.plumbing.sample_rows import a_practice
from tests.support.at_once import at_once, errors
from tests.support.processes import simulated_kills
from tests.support.servers.smtp import SmtpServer

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

RELAYED, DELAYED, FAILED = ReportKind.RELAYED, ReportKind.DELAYED, ReportKind.FAILED
COMPLAINED = ReportKind.COMPLAINED


def sent(
    key: str = "note:1", *, practice: Practice | None = None, to_address: str = "ana@example.org"
) -> OutgoingEmail:
    """A mail that our mail server has taken."""
    email = an_email(key, practice=practice, to_address=to_address)
    email.state, email.settled_at, email.handed_over_at = EmailState.HANDED_OVER, clock.now(), clock.now()
    email.handing_over_at = email.handed_over_at
    email.save()
    return email


def report(
    email: OutgoingEmail,
    kind: ReportKind,
    code: str = "",
    *,
    key: str = "",
    server: str = "mx.example.org",
    source: str = DSN,
) -> None:
    new = NewReport(
        email.ref,
        source,
        key or f"{email.ref} {kind} {code}",
        kind,
        clock.now(),
        status_code=code,
        words=f"550 {code} No such user",
        remote_server=server,
    )
    delivery_reports.store([new])


def applied(email: OutgoingEmail) -> OutgoingEmail:
    while report_application.apply_next():
        pass
    email.refresh_from_db()
    return email


def is_stopped(email: OutgoingEmail) -> bool:
    return mail_stops.live_stop(email.practice_id, mail_stops.key_of(email)) is not None


def test_an_accepted_mail_names_the_server_that_accepted_it(note: Note) -> None:
    email = sent()
    report(email, RELAYED, "2.0.0")
    email = applied(email)
    assert (email.state, email.accepted_by, email.accepted_at) == ("delivered", "mx.example.org", clock.now())
    assert happened(email) == ["written", "accepted"]
    assert note.told == ["delivered"]


def test_a_report_without_a_server_names_the_domain_of_the_address(note: Note) -> None:
    email = sent()
    report(email, ReportKind.DELIVERED, server="")
    assert applied(email).accepted_by == "example.org"


def test_a_delayed_mail_is_never_sent_again_by_us(note: Note) -> None:
    email = sent()
    report(email, DELAYED, "4.4.1")
    email = applied(email)
    assert (email.state, email.is_waiting) == ("handed_over", False)
    assert email.reason == "mx.example.org hasn’t accepted it yet. The mail servers keep trying."
    assert happened(email) == ["written", "still_trying"]
    assert note.told == []


def test_a_failure_stops_the_mailbox_with_an_audit_entry(note: Note) -> None:
    email = sent()
    report(email, FAILED, "5.1.1")
    email = applied(email)
    assert (email.state, email.reason, email.failure_cause) == (
        "bounced",
        "mx.example.org says there is no such mailbox.",
        "no_mailbox",
    )
    assert email.detail == "550 5.1.1 No such user"
    assert happened(email) == ["written", "bounced"]
    stop = MailStop.objects.live().get()
    assert (stop.kind, stop.mailbox_key, stop.email) == ("refused", "ana@example.org", email)
    assert AuditEntry.objects.get().action == "mailbox.stopped"


@pytest.mark.parametrize(
    ("kind", "code", "state"),
    [
        (FAILED, "5.2.2", "failed"),
        (FAILED, "4.4.7", "failed"),
        (FAILED, "5.7.26", "failed"),
        (FAILED, "5.3.4", "failed"),
        (FAILED, "", "failed"),
        (FAILED, "5.4.4", "failed"),
    ],
)
def test_only_the_table_stops_a_mailbox(note: Note, kind: ReportKind, code: str, state: str) -> None:
    email = sent()
    report(email, kind, code)
    assert applied(email).state == state
    assert not is_stopped(email)


@pytest.mark.parametrize("code", ["5.7.26", "5.6.0"])
def test_our_own_trouble_is_not_told_to_the_domain(note: Note, code: str) -> None:
    email = sent()
    report(email, FAILED, code)
    applied(email)
    assert note.told == []


def test_a_second_rejection_without_a_reason_stops_within_a_week(note: Note, stopped_clock: Traveller) -> None:
    practice = a_practice()
    first = sent("note:1", practice=practice)
    report(first, FAILED)
    assert not is_stopped(applied(first))
    stopped_clock.shift(timedelta(days=6))
    second = sent("note:2", practice=practice)
    report(second, FAILED)
    assert applied(second).state == "bounced"
    assert is_stopped(second)


def test_bounces_recognized_by_their_text_never_stop(note: Note) -> None:
    """They may be mistaken; nor do they make a rejection without a reason the second one."""
    practice = a_practice()
    for number in range(3):
        email = sent(f"note:{number}", practice=practice)
        report(email, FAILED, source=UNSTRUCTURED)
        assert (applied(email).state, email.failure_cause, is_stopped(email)) == ("failed", "other", False)
    email = sent("note:3", practice=practice)
    report(email, FAILED)
    assert (applied(email).state, is_stopped(email)) == ("failed", False)


def test_rejections_without_a_reason_eight_days_apart_stop_nothing(note: Note, stopped_clock: Traveller) -> None:
    practice = a_practice()
    report(sent("note:1", practice=practice), FAILED)
    stopped_clock.shift(timedelta(days=8))
    second = sent("note:2", practice=practice)
    report(second, FAILED)
    assert not is_stopped(applied(second))


def test_the_third_full_mailbox_in_two_weeks_advises_a_pin(note: Note) -> None:
    practice = a_practice()
    mails = [sent(f"note:{number}", practice=practice) for number in range(3)]
    for email in mails:
        report(email, FAILED, "5.2.2")
    reasons = [applied(email).reason for email in mails]
    assert ["PIN" in reason for reason in reasons] == [False, False, True]


def test_the_same_report_twice_changes_nothing(note: Note) -> None:
    email = sent()
    report(email, FAILED, "5.1.1", key="one")
    report(email, FAILED, "5.1.1", key="one")
    report(email, FAILED, "5.1.1", key="another server's")
    applied(email)
    assert DeliveryReport.objects.count() == 2
    assert happened(email) == ["written", "bounced"]
    assert AuditEntry.objects.count() == MailStop.objects.count() == 1


FACTS = [(RELAYED, "2.0.0"), (DELAYED, "4.4.1"), (FAILED, "5.7.1"), (FAILED, "5.1.1"), (COMPLAINED, "")]


@pytest.mark.parametrize("facts", [FACTS[:2], FACTS[:4], FACTS[1:], FACTS[:3], [FACTS[1], FACTS[3]]])
def test_reports_end_alike_in_every_order(note: Note, facts: Sequence[tuple[ReportKind, str]]) -> None:
    practice, ends = a_practice(), set()
    for number, order in enumerate(permutations(facts)):
        email = sent(f"note:{number}", practice=practice, to_address=f"ana{number}@example.org")
        for kind, code in order:
            report(email, kind, code)
            applied(email)
        reason = email.reason.replace(email.to_address, "")
        kinds = frozenset(happened(email))
        ends.add((email.state, reason, email.failure_cause, email.accepted_by, is_stopped(email), kinds))
    assert len(ends) == 1


def test_a_failure_after_acceptance_wins(note: Note) -> None:
    email = sent()
    report(email, FAILED, "5.1.1")
    report(email, RELAYED, "2.0.0")
    email = applied(email)
    assert (email.state, is_stopped(email)) == ("bounced", True)


def test_an_automatic_reply_is_an_event_and_nothing_else(note: Note) -> None:
    email = sent()
    report(email, ReportKind.AUTO_REPLIED)
    email = applied(email)
    assert (email.state, email.reason, note.told) == ("handed_over", "", [])
    assert happened(email) == ["written", "auto_replied"]


def test_a_report_waits_for_the_outcome_of_its_attempt(note: Note, stopped_clock: Traveller) -> None:
    email = an_email()
    report(email, FAILED, "5.1.1")
    assert applied(email).state == "queued"
    email.state, email.settled_at, email.handed_over_at = EmailState.HANDED_OVER, clock.now(), clock.now()
    email.save()
    stopped_clock.shift(timedelta(seconds=30))
    assert applied(email).state == "bounced"


def test_a_report_about_a_mail_whose_reply_was_lost_prevents_a_second_copy(
    note: Note, smtp: SmtpServer, stopped_clock: Traveller
) -> None:
    email = an_email()
    smtp.lose_answer()
    server = SmtpTransport(parse(smtp.url))
    delivery.deliver_next("rest", server)
    email.refresh_from_db()
    assert (email.state, email.delayed_by, len(smtp.mails)) == ("delayed", "answer", 1)
    report(email, RELAYED, "2.0.0")
    assert applied(email).state == "delivered"
    stopped_clock.shift(timedelta(hours=1))
    assert not delivery.deliver_next("rest", server)
    assert len(smtp.mails) == 1


def test_a_report_about_an_earlier_attempt_changes_nothing(note: Note, stopped_clock: Traveller) -> None:
    email = sent()
    report(email, FAILED, "5.2.2")
    applied(email)
    report(email, FAILED, "5.1.1", key="late")
    stopped_clock.shift(timedelta(hours=1))
    outbox.retry(email, by=DESK)
    email.refresh_from_db()
    assert email.failure_cause == ""
    email.state, email.settled_at, email.handed_over_at = EmailState.HANDED_OVER, clock.now(), clock.now()
    email.save()
    assert applied(email).state == "handed_over"
    assert not is_stopped(email)


def test_a_later_accepted_mail_lifts_a_refusal_in_either_order(note: Note) -> None:
    practice = a_practice()
    for number, order in enumerate([(0, 1), (1, 0)]):
        address = f"ana{number}@example.org"
        mails = [sent(f"note:{number}:{each}", practice=practice, to_address=address) for each in range(2)]
        for each in order:
            report(mails[each], RELAYED if each else FAILED, "2.0.0" if each else "5.1.1")
            applied(mails[each])
        assert not is_stopped(mails[0])


def test_an_earlier_accepted_mail_lifts_nothing(note: Note) -> None:
    practice = a_practice()
    earlier, later = sent("note:1", practice=practice), sent("note:2", practice=practice)
    report(later, FAILED, "5.1.1")
    applied(later)
    report(earlier, RELAYED, "2.0.0")
    applied(earlier)
    assert is_stopped(later)


def test_only_people_lift_a_complaint(note: Note) -> None:
    practice = a_practice()
    first, second = sent("note:1", practice=practice), sent("note:2", practice=practice)
    report(first, COMPLAINED)
    assert applied(first).state == "complained"
    report(second, RELAYED, "2.0.0")
    applied(second)
    assert MailStop.objects.live().get().kind == "complained"


def test_a_complaint_replaces_a_refusal(note: Note) -> None:
    practice = a_practice()
    first, second = sent("note:1", practice=practice), sent("note:2", practice=practice)
    report(second, FAILED, "5.1.1")
    applied(second)
    report(first, COMPLAINED)
    applied(first)
    assert MailStop.objects.live().get().kind == "complained"


def test_a_report_from_before_the_lift_stops_nothing_again(note: Note, stopped_clock: Traveller) -> None:
    practice = a_practice()
    first, second = sent("note:1", practice=practice), sent("note:2", practice=practice)
    report(first, FAILED, "5.1.1")
    applied(first)
    stopped_clock.shift(timedelta(hours=1))
    mail_stops.lift(first.practice_id, "ana@example.org", by=DESK)
    note.told.clear()
    report(second, FAILED, "5.1.1")
    assert applied(second).state == "bounced"
    assert not is_stopped(first)
    assert note.told == []


def test_a_stop_of_one_practice_leaves_another_alone(note: Note) -> None:
    email, other = sent("note:1"), sent("note:2")
    assert email.practice_id != other.practice_id
    report(email, FAILED, "5.1.1")
    applied(email)
    assert not is_stopped(other)


@pytest.mark.parametrize("statements", range(14))
def test_a_killed_worker_loses_and_doubles_nothing(note: Note, stopped_clock: Traveller, statements: int) -> None:
    email = sent()
    report(email, FAILED, "5.1.1")
    with simulated_kills.killed_after(statements):
        report_application.apply_next()
    is_applied = DeliveryReport.objects.get().applied_at is not None
    email.refresh_from_db()
    assert is_applied == (email.state == "bounced") == is_stopped(email)
    assert EmailEvent.objects.filter(email=email, kind="bounced").count() == is_applied
    stopped_clock.shift(timedelta(minutes=2))
    assert applied(email).state == "bounced"
    assert happened(email) == ["written", "bounced"]
    assert AuditEntry.objects.count() == MailStop.objects.count() == 1


def test_each_further_accepted_mail_costs_five_statements(note: Note) -> None:
    practice = a_practice()

    def statements(*numbers: int) -> int:
        for number in numbers:
            report(sent(f"note:{number}", practice=practice), RELAYED)
        with CaptureQueriesContext(connection) as asked:
            assert report_application.apply_next()
        return len([query for query in asked if "SAVEPOINT" not in query["sql"]])

    of_one = statements(0)
    # The mail, the report's end, the mail's state, its event, and a stop that might be lifted.
    assert statements(*range(1, 7)) == of_one + 5 * 5


def test_an_error_in_one_report_does_not_stop_the_others(note: Note, monkeypatch: pytest.MonkeyPatch) -> None:
    practice = a_practice()
    first, second = sent("note:1", practice=practice), sent("note:2", practice=practice)
    report(first, RELAYED)
    report(second, RELAYED)
    refuse = note.state_changed

    def stumble(email: OutgoingEmail) -> None:
        if email == first:
            raise LookupError
        refuse(email)

    monkeypatch.setattr(note, "state_changed", stumble)
    assert applied(second).state == "delivered"
    first.refresh_from_db()
    assert first.state == "handed_over"


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_sixty_reports_at_once_are_applied_once(note: Note) -> None:
    email = sent()
    for number in range(60):
        kind, code = FACTS[number % len(FACTS)]
        report(email, kind, code, key=str(number))

    def work() -> None:
        while report_application.apply_next():
            pass

    assert errors(at_once(*[work] * 6)) == []
    email.refresh_from_db()
    assert email.state == "complained"
    assert not DeliveryReport.objects.waiting().exists()
    kinds = happened(email)
    assert kinds.count("accepted") == kinds.count("complained") == kinds.count("still_trying") == 1
    assert MailStop.objects.get().kind == "complained"
