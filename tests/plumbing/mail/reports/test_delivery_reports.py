"""Delivery reports are stored once each, and only if they are about a mail of ours."""

from datetime import timedelta

import pytest
from time_machine import Traveller

from portico.plumbing import clock, tokens
from portico.plumbing.mail.reports import delivery_reports, report_application
from portico.plumbing.mail.reports.delivery_reports import DSN, NewReport
from portico.plumbing.models import DeliveryReport, OutgoingEmail, ReportKind
from portico.plumbing.models.outgoing_emails import EmailState
from tests.plumbing.mail_messages import an_email

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("note")]


def a_report(ref: str, key: str = "a", words: str = "") -> NewReport:
    return NewReport(ref, DSN, key, ReportKind.FAILED, clock.now(), status_code="5.1.1", words=words)


def test_the_same_report_is_stored_once() -> None:
    email = an_email()
    assert delivery_reports.store([a_report(email.ref), a_report(email.ref)]) == []
    assert delivery_reports.store([a_report(email.ref), a_report(email.ref, "b")]) == []
    assert [row.event_key for row in DeliveryReport.objects.order_by("id")] == ["a", "b"]
    assert {row.practice_id for row in DeliveryReport.objects.all()} == {email.practice_id}


def test_a_report_about_an_unknown_mail_is_counted_only() -> None:
    unknown, known = a_report(tokens.new_ref(), "a"), a_report(an_email().ref, "b")
    assert delivery_reports.store([unknown]) == [unknown]
    assert not DeliveryReport.objects.exists()
    assert delivery_reports.store([unknown, known]) == [unknown]


def test_the_words_of_a_report_are_one_clean_line() -> None:
    delivery_reports.store([a_report(an_email().ref, words="550 5.1.1\r\n No\x00 such " + "user " * 100)])
    words = DeliveryReport.objects.get().words
    assert words.startswith("550 5.1.1 No such user")
    assert len(words) == 300


def test_applied_reports_are_deleted_after_90_days_and_not_stored_again(stopped_clock: Traveller) -> None:
    email, other = an_email("note:1"), an_email("note:2")
    OutgoingEmail.objects.filter(pk=email.pk).update(
        state=EmailState.HANDED_OVER, settled_at=clock.now(), handing_over_at=clock.now(), handed_over_at=clock.now()
    )
    reports = [a_report(email.ref), a_report(other.ref, "of a mail that waits")]
    assert delivery_reports.store(reports) == []
    assert report_application.apply_next()
    stopped_clock.shift(timedelta(days=89))
    assert delivery_reports.store(reports) == []
    assert delivery_reports.delete_old() == 0
    stopped_clock.shift(timedelta(days=2))
    assert delivery_reports.delete_old() == 1
    assert [report.email for report in DeliveryReport.objects.all()] == [other]
    assert delivery_reports.store(reports) == reports[:1]
    assert OutgoingEmail.objects.get(pk=email.pk).state == EmailState.BOUNCED


def test_one_mail_cannot_fill_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery_reports, "MAX_OF_ONE_EMAIL", 3)
    email, other = an_email("note:1"), an_email("note:2")
    assert delivery_reports.store([a_report(email.ref, str(number)) for number in range(2)]) == []
    more = [a_report(email.ref, str(number)) for number in range(2, 6)]
    assert delivery_reports.store(more) == more[1:]
    assert delivery_reports.store([a_report(other.ref, "other")]) == []
    assert [email.delivery_reports.count(), other.delivery_reports.count()] == [3, 1]
