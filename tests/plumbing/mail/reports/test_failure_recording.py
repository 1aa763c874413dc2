"""A server's answer and a delivery report of the same status have one effect on mail and mailbox."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from time_machine import Traveller

from portico.domain.practices.models import Practice
from portico.gateways.smtp.server_url import parse
from portico.gateways.smtp.transport import SmtpTransport
from portico.plumbing import clock
from portico.plumbing.mail import delivery, mail_stops
from portico.plumbing.mail.reports import delivery_reports, report_application
from portico.plumbing.mail.reports.delivery_reports import DSN, NewReport
from portico.plumbing.models import OutgoingEmail, ReportKind
from portico.plumbing.models.outgoing_emails import FailureCause
from tests.plumbing.mail_messages import Note, an_email
from tests.plumbing.sample_rows import a_practice
from tests.support.servers.smtp import SmtpServer

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

# Every row of the table. 5.7.x is no failure as an answer: the mail waits until the server trusts us.
CODES = (
    *("5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1", "5.2.2", "5.2.3", "5.3.0", "5.3.4"),
    *("5.4.4", "5.5.2", "5.6.0", "5.6.7", "5.0.0", ""),
)


type Failing = Callable[[Practice, SmtpServer, str, str], OutgoingEmail]


def rejected(practice: Practice, smtp: SmtpServer, code: str, key: str) -> OutgoingEmail:
    """A mail that was rejected while it was handed over."""
    email = an_email(key, practice=practice)
    smtp.refuse("recipient", f"550 {code} No".replace("  ", " "))
    assert delivery.deliver_next("rest", SmtpTransport(parse(smtp.url)))
    smtp.accept()
    email.refresh_from_db()
    return email


def bounced(practice: Practice, smtp: SmtpServer, code: str, key: str) -> OutgoingEmail:
    """A mail that was handed over, and rejected later."""
    email = an_email(key, practice=practice)
    assert delivery.deliver_next("rest", SmtpTransport(parse(smtp.url)))
    report = NewReport(email.ref, DSN, key, ReportKind.FAILED, clock.now(), status_code=code, words="No")
    delivery_reports.store([report])
    assert report_application.apply_next()
    email.refresh_from_db()
    return email


def is_stopped(email: OutgoingEmail) -> bool:
    return mail_stops.live_stop(email.practice_id, mail_stops.key_of(email)) is not None


@pytest.mark.parametrize("code", CODES)
def test_an_answer_and_a_report_of_the_same_status_have_one_effect(note: Note, smtp: SmtpServer, code: str) -> None:
    effects = []
    for fail in (rejected, bounced):
        note.told.clear()
        email = fail(a_practice(), smtp, code, f"note:{fail.__name__}")
        told = [state for state in note.told if state != "handed_over"]
        effects.append((email.state, email.failure_cause, is_stopped(email), told))
    assert effects[0] == effects[1]


@pytest.mark.parametrize(("first", "second"), [(rejected, rejected), (rejected, bounced), (bounced, rejected)])
def test_the_second_rejection_without_a_reason_stops_the_mailbox(
    note: Note, smtp: SmtpServer, first: Failing, second: Failing
) -> None:
    practice = a_practice()
    email = first(practice, smtp, "", "note:1")
    assert (email.state, email.failure_cause, is_stopped(email)) == ("failed", FailureCause.UNEXPLAINED, False)
    email = second(practice, smtp, "", "note:2")
    assert (email.state, is_stopped(email)) == ("bounced", True)


def test_rejections_without_a_reason_eight_days_apart_stop_nothing(
    note: Note, smtp: SmtpServer, stopped_clock: Traveller
) -> None:
    practice = a_practice()
    rejected(practice, smtp, "", "note:1")
    stopped_clock.shift(timedelta(days=8))
    assert not is_stopped(rejected(practice, smtp, "", "note:2"))


def test_rejected_content_without_a_code_stops_nothing(note: Note, smtp: SmtpServer) -> None:
    """The server has accepted the recipient by then."""
    practice = a_practice()
    smtp.refuse("content", "554 We do not like this")
    for number in range(3):
        email = an_email(f"note:{number}", practice=practice)
        assert delivery.deliver_next("rest", SmtpTransport(parse(smtp.url)))
        email.refresh_from_db()
        assert (email.state, email.failure_cause, is_stopped(email)) == ("failed", FailureCause.MESSAGE, False)


def test_a_mailbox_that_stayed_full_is_full(note: Note, smtp: SmtpServer, stopped_clock: Traveller) -> None:
    email = an_email()
    smtp.refuse("recipient", "452 4.2.2 Over quota")
    for _attempt in range(2):
        delivery.deliver_next("rest", SmtpTransport(parse(smtp.url)))
        stopped_clock.shift(timedelta(days=2))
    email.refresh_from_db()
    assert (email.state, email.failure_cause) == ("failed", FailureCause.FULL)
    assert email.reason == "Their mailbox was full for 2 days."
    assert note.told == ["failed"]


def test_a_temporary_reply_with_a_permanent_code_stops_nothing(
    note: Note, smtp: SmtpServer, stopped_clock: Traveller
) -> None:
    email = an_email()
    smtp.refuse("recipient", "450 5.1.1 Unknown for now")
    for _attempt in range(2):
        delivery.deliver_next("rest", SmtpTransport(parse(smtp.url)))
        stopped_clock.shift(timedelta(days=2))
    email.refresh_from_db()
    assert (email.state, email.failure_cause, is_stopped(email)) == ("failed", FailureCause.EXPIRED, False)


def test_the_third_full_mailbox_in_two_weeks_advises_a_pin(note: Note, smtp: SmtpServer) -> None:
    practice = a_practice()
    said = [rejected(practice, smtp, "5.2.2", f"note:{number}").reason for number in range(3)]
    assert [("PIN" in reason) for reason in said] == [False, False, True]
