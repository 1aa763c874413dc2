"""The rules for delivery reports: what each status code means, what it stops, and the words for staff."""

from datetime import timedelta

import pytest

from portico.plumbing.mail.reports import report_rules
from portico.plumbing.models import ReportKind
from portico.plumbing.models.outgoing_emails import EmailState, FailureCause

FAILED = ReportKind.FAILED


@pytest.mark.parametrize("code", ["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"])
def test_a_mailbox_or_domain_that_does_not_exist_is_stopped(code: str) -> None:
    rule = report_rules.rule_for(FAILED, code)
    assert (rule.cause, rule.state, rule.stops) == (FailureCause.NO_MAILBOX, EmailState.BOUNCED, True)


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("5.2.2", FailureCause.FULL),
        ("4.2.2", FailureCause.FULL),
        ("4.4.1", FailureCause.EXPIRED),
        ("4.4.7", FailureCause.EXPIRED),
        ("4.7.1", FailureCause.EXPIRED),
    ],
)
def test_a_full_mailbox_or_an_absent_server_stops_nothing(code: str, cause: FailureCause) -> None:
    rule = report_rules.rule_for(FAILED, code)
    assert (rule.cause, rule.state) == (cause, EmailState.FAILED)
    assert (rule.stops, rule.stops_when_repeated, rule.is_ours) == (False, False, False)


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("5.7.1", FailureCause.DISTRUST),
        ("5.7.26", FailureCause.DISTRUST),
        ("5.3.4", FailureCause.MESSAGE),
        ("5.5.2", FailureCause.MESSAGE),
        ("5.6.0", FailureCause.MESSAGE),
    ],
)
def test_a_rejection_of_us_or_of_this_mail_is_our_trouble(code: str, cause: FailureCause) -> None:
    rule = report_rules.rule_for(FAILED, code)
    assert (rule.cause, rule.state, rule.is_ours) == (cause, EmailState.FAILED, True)
    assert (rule.stops, rule.stops_when_repeated) == (False, False)


@pytest.mark.parametrize("code", ["", "5.0.0", "550", "nonsense", "2.0.0", "5.1", "5.1.1.1"])
def test_a_rejection_without_a_reason_stops_at_the_second(code: str) -> None:
    rule = report_rules.rule_for(FAILED, code)
    assert (rule.cause, rule.stops, rule.stops_when_repeated) == (FailureCause.UNEXPLAINED, False, True)


@pytest.mark.parametrize("code", ["5.1.0", "5.1.8", "5.2.3", "5.4.4", "5.3.0", "5.6.7"])
def test_codes_beyond_the_table_stop_nothing(code: str) -> None:
    rule = report_rules.rule_for(FAILED, code)
    assert rule.cause == FailureCause.OTHER
    assert (rule.stops, rule.stops_when_repeated, rule.is_ours) == (False, False, False)


def test_a_complaint_and_a_providers_list_stop_the_mailbox() -> None:
    complaint = report_rules.rule_for(ReportKind.COMPLAINED, "")
    listed = report_rules.rule_for(ReportKind.REJECTED, "5.7.1")
    assert (complaint.state, complaint.stops) == (EmailState.COMPLAINED, True)
    assert (listed.state, listed.stops, listed.cause) == (EmailState.BOUNCED, True, FailureCause.PROVIDER_LIST)


def words(kind: ReportKind, code: str, *, days: float = 0, earlier: int = 0) -> str:
    rule = report_rules.rule_for(kind, code)
    return report_rules.reason_for(rule, code=code, server="gmail.com", waited=timedelta(days=days), earlier=earlier)


@pytest.mark.parametrize(
    ("kind", "code", "days", "said"),
    [
        (FAILED, "5.1.1", 0, "gmail.com says there is no such mailbox."),
        (FAILED, "5.2.1", 0, "gmail.com says this mailbox is closed."),
        (FAILED, "5.1.2", 0, "The part of the address after the @ doesn’t take email. Check how it is spelled."),
        (FAILED, "5.2.2", 0, "Their mailbox is full."),
        (FAILED, "4.2.2", 5.2, "Their mailbox was full for 5 days."),
        (FAILED, "4.4.1", 1.5, "Their mail server did not accept the email for 1 day."),
        (FAILED, "4.4.1", -3, "Their mail server did not accept the email in time."),
        (FAILED, "5.7.26", 0, "Their mail server doesn’t trust our email. Nothing is wrong with the address."),
        (FAILED, "5.6.0", 0, "Their mail server rejected this email. Nothing is wrong with the address."),
        (FAILED, "5.6.7", 0, "A mail server on the way can’t send to an address with these letters before the @."),
        (FAILED, "", 0, "gmail.com rejected the email and gave no clear reason."),
        (ReportKind.COMPLAINED, "", 0, "Marked as spam. Ask by phone before you email again."),
    ],
)
def test_staff_read_what_happened(kind: ReportKind, code: str, days: float, said: str) -> None:
    assert words(kind, code, days=days) == said


def test_the_third_failure_of_a_full_mailbox_advises_a_pin_or_the_letter() -> None:
    assert "PIN" not in words(FAILED, "5.2.2", earlier=1)
    assert words(FAILED, "5.2.2", earlier=2).endswith("Generate a PIN or print the letter instead.")


def test_a_providers_list_says_where_to_remove_the_address() -> None:
    assert "Remove it there" in words(ReportKind.REJECTED, "")


@pytest.mark.parametrize("kind", [ReportKind.RELAYED, ReportKind.DELAYED, ReportKind.AUTO_REPLIED])
def test_other_reports_state_no_failure(kind: ReportKind) -> None:
    with pytest.raises(ValueError, match="no failure"):
        report_rules.rule_for(kind, "5.1.1")
