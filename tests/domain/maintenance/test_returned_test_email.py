"""A test email that comes back shows whether receiving servers trust our mail, and the key that signed it."""

from datetime import timedelta

import pytest
from pytest_django.fixtures import Settings
from time_machine import Traveller

from portico.domain.maintenance import schedule
from portico.domain.maintenance.models import CheckName, CheckReason, SenderCheck, Verdict
from portico.domain.maintenance.sender_check import check_mail, returned_test_email
from portico.domain.maintenance.sender_check.checking import CHECK_SENDER
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.mail.outbox import composer_of
from portico.plumbing.mail.reports import report_mailbox, report_tags
from portico.plumbing.mail.returned_mail import MethodResult
from portico.plumbing.models import DeliveryReport, OutgoingEmail, ReportMailbox
from sandbox.mailbox import report_writer
from sandbox.mailbox.report_writer import SentMail
from tests.support.at_once import at_once, errors

pytestmark = pytest.mark.django_db
DOMAIN, MX, REPORTS = "alder.example", "mx.elm.example", "bounces@alder.example"
SIGNATURE = f"DKIM-Signature: v=1; a=rsa-sha256; d={DOMAIN}; s=s1; bh=x; b=y"
PASSED = f"{MX}; dkim=pass header.i=@{DOMAIN} header.s=s1; spf=pass smtp.mailfrom=bounces@{DOMAIN}; dmarc=pass"
KEY = f"s1._domainkey.{DOMAIN}"


@pytest.fixture(autouse=True)
def sender(settings: Settings) -> None:
    settings.EMAIL_FROM, settings.EMAIL_RETURN_PATH = f"portal@{DOMAIN}", REPORTS


def send(practice: Practice, address: str = REPORTS) -> OutgoingEmail:
    return check_mail.send(practice, address, form_key=clock.now().isoformat(), by=Actor.system())


def returned(email: OutgoingEmail, *, results: str = PASSED, tag: str = "", signature: str = SIGNATURE) -> bytes:
    """Returns the email as the mailbox of the reports has it."""
    tag = tag or report_tags.tag_of(email.ref)
    fields = [
        f"Return-Path: <bounces+{tag}@{DOMAIN}>",
        f"Received: from mail.{DOMAIN} by {MX} with ESMTPS; today",
        f"Authentication-Results: {results}",
        signature,
        f"From: Alder Street <portal@{DOMAIN}>",
        f"To: {email.to_address}",
        "Auto-Submitted: auto-generated",
    ]
    return "\r\n".join([*fields, "", "This is a test."]).encode()


def result() -> SenderCheck:
    return SenderCheck.objects.get(name=CheckName.TEST_EMAIL)


def test_a_trusted_test_email_is_ok_and_shows_its_key(practice: Practice) -> None:
    report_mailbox.receive(returned(send(practice)))
    row = result()
    assert (row.verdict, row.reason, row.host) == (Verdict.OK, CheckReason.TEST_GOOD, MX)
    # Without the local part of our envelope sender, which has the tag.
    assert row.found.splitlines() == [f"dkim=pass {DOMAIN} s=s1", f"spf=pass {DOMAIN}", "dmarc=pass"]
    assert (row.dkim_keys, row.ok_at) == (KEY, row.checked_at)
    assert schedule.is_pending(CHECK_SENDER)
    assert ReportMailbox.objects.get().unmatched == 0
    assert not DeliveryReport.objects.exists()


def test_it_is_sent_with_a_tag_that_survives_a_provider(practice: Practice) -> None:
    email = send(practice)
    recipient = composer_of(email.kind).recipient(email)
    assert recipient == f"bounces+{report_tags.tag_of(email.ref)}@{DOMAIN}"
    raw = returned(email, tag="none").replace(b"To: bounces@", f"To: {recipient}, x@".encode())
    report_mailbox.receive(raw)
    assert result().verdict == Verdict.OK
    other = send(practice, "elm@gmail.example")
    assert composer_of(other.kind).recipient(other) == "elm@gmail.example"


def test_a_forwarded_test_email_is_judged_by_its_signature(practice: Practice) -> None:
    email = send(practice, "elm@gmail.example")
    # The forwarder writes its own envelope sender around ours (SRS), and SPF is about the forwarder.
    results = f"{MX}; dkim=pass header.d={DOMAIN} header.s=s1; spf=pass smtp.mailfrom=gmail.example"
    ours = f"<bounces+{report_tags.tag_of(email.ref)}@{DOMAIN}>".encode()
    theirs = ours.replace(b"<bounces", b"<SRS0=Hk4x=7Q=alder.example=bounces").replace(
        b"@alder.example", b"@gmail.example"
    )
    report_mailbox.receive(returned(email, results=results).replace(ours, theirs))
    assert (result().verdict, result().dkim_keys) == (Verdict.OK, KEY)


@pytest.mark.parametrize("tag", ["none", "abcdefghij234567-abcdefghij234567"])
def test_a_mail_without_our_tag_is_not_believed(practice: Practice, tag: str) -> None:
    report_mailbox.receive(returned(send(practice), tag=tag))
    assert not SenderCheck.objects.exists()
    assert ReportMailbox.objects.get().unmatched == 1


def test_a_mail_from_another_sender_is_not_believed(practice: Practice) -> None:
    raw = returned(send(practice)).replace(b"<portal@", b"<evil@")
    report_mailbox.receive(raw)
    assert not SenderCheck.objects.exists()


def test_results_of_another_server_are_named_and_not_believed(practice: Practice, settings: Settings) -> None:
    email = send(practice)
    report_mailbox.receive(returned(email, results=PASSED.replace(MX, "mx.google.com")))
    row = result()
    assert (row.verdict, row.reason, row.host, row.found) == (
        Verdict.UNKNOWN,
        CheckReason.TEST_UNTRUSTED,
        "mx.google.com",
        "",
    )
    settings.AUTHSERV_IDS = ("mx.google.com",)
    report_mailbox.receive(returned(email, results=PASSED.replace(MX, "mx.google.com")))
    assert result().verdict == Verdict.OK


def test_an_older_test_email_changes_nothing(practice: Practice) -> None:
    older = send(practice)
    OutgoingEmail.objects.update(written_at=clock.now() - timedelta(hours=1))
    older.refresh_from_db()
    newer = send(practice)
    for email, results in ((newer, PASSED), (older, f"{MX}; dmarc=fail"), (newer, PASSED)):
        report_mailbox.receive(returned(email, results=results))
    assert (result().verdict, result().checked_at) == (Verdict.OK, newer.written_at)
    assert SenderCheck.objects.count() == 1


def test_the_page_keeps_when_the_last_trusted_one_was_sent(practice: Practice, stopped_clock: Traveller) -> None:
    report_mailbox.receive(returned(send(practice), results=f"{MX}; dmarc=fail"))
    stopped_clock.shift(timedelta(hours=1))
    trusted = send(practice)
    report_mailbox.receive(returned(trusted))
    stopped_clock.shift(timedelta(hours=1))
    report_mailbox.receive(returned(send(practice), results=f"{MX}; dmarc=fail"))
    assert (result().verdict, result().ok_at) == (Verdict.BROKEN, trusted.written_at)


def test_an_unsigned_test_email_takes_its_key_back(practice: Practice) -> None:
    email = send(practice)
    report_mailbox.receive(returned(email))
    report_mailbox.receive(
        returned(email, signature="X-None: 1", results=f"{MX}; dkim=none; spf=pass smtp.mailfrom={DOMAIN}")
    )
    assert (result().verdict, result().reason, result().dkim_keys) == (Verdict.WARN, CheckReason.TEST_NOT_SIGNED, "")


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_copies_that_arrive_together_make_one_result(practice: Practice) -> None:
    raw = returned(send(practice))
    assert errors(at_once(*[lambda: report_mailbox.receive(raw)] * 4)) == []
    assert (result().verdict, result().dkim_keys) == (Verdict.OK, KEY)


def test_a_signature_of_another_domain_is_no_key_of_ours(practice: Practice) -> None:
    other = SIGNATURE.replace(DOMAIN, "provider.example")
    email = send(practice)
    report_mailbox.receive(
        returned(email, signature=other, results=f"{MX}; dkim=pass header.d=provider.example header.s=s1")
    )
    assert (result().verdict, result().reason, result().dkim_keys) == (
        Verdict.BROKEN,
        CheckReason.TEST_NOT_TRUSTED,
        "",
    )


def test_a_delivery_report_shows_the_key_but_no_verdict(practice: Practice) -> None:
    email = send(practice, "elm@gmail.example")
    tag = report_tags.tag_of(email.ref)
    header = "\r\n".join([SIGNATURE, f"Authentication-Results: {PASSED}", "Subject: x", "", ""]).encode()
    sent = SentMail(f"bounces+{tag}@{DOMAIN}", email.to_address, tag, wants_success=True, raw=header)
    (report,) = report_writer.reports_for(sent)
    report_mailbox.receive(report)
    assert DeliveryReport.objects.get().email == email
    row = result()
    assert (row.verdict, row.reason, row.dkim_keys, row.found, row.known_at) == (
        Verdict.UNKNOWN,
        CheckReason.TEST_NOT_BACK,
        KEY,
        "",
        None,
    )
    assert schedule.is_pending(CHECK_SENDER)


@pytest.mark.parametrize(
    ("statements", "verdict", "reason"),
    [
        ("dkim=pass header.d=alder.example; dmarc=fail", Verdict.BROKEN, CheckReason.TEST_FAILED_DMARC),
        ("dmarc=pass header.from=alder.example", Verdict.OK, CheckReason.TEST_GOOD),
        ("dmarc=pass header.from=alder.example; dkim=none", Verdict.WARN, CheckReason.TEST_NOT_SIGNED),
        ("dmarc=pass header.from=evil.example", Verdict.BROKEN, CheckReason.TEST_NOT_TRUSTED),
        ("dkim=pass header.d=mail.alder.example", Verdict.OK, CheckReason.TEST_GOOD),
        ("dkim=pass header.d=evilalder.example", Verdict.BROKEN, CheckReason.TEST_NOT_TRUSTED),
        ("dkim=pass header.d=example", Verdict.BROKEN, CheckReason.TEST_NOT_TRUSTED),
        ("spf=pass smtp.mailfrom=forwarder.example; dkim=fail", Verdict.BROKEN, CheckReason.TEST_NOT_TRUSTED),
        ("spf=temperror; dkim=temperror; dmarc=temperror", Verdict.UNKNOWN, CheckReason.TEST_NO_RESULTS),
        ("auth=pass smtp.auth=portal", Verdict.UNKNOWN, CheckReason.TEST_NO_RESULTS),
        ("none", Verdict.UNKNOWN, CheckReason.TEST_NO_RESULTS),
    ],
)
def test_what_the_server_states_is_judged(
    practice: Practice, statements: str, verdict: Verdict, reason: CheckReason
) -> None:
    report_mailbox.receive(returned(send(practice), results=f"{MX}; {statements}"))
    assert (result().verdict, result().reason) == (verdict, reason)


def test_no_field_at_all_is_not_known() -> None:
    assert returned_test_email.judge(DOMAIN, ()) == (Verdict.UNKNOWN, CheckReason.TEST_NO_RESULTS)
    assert returned_test_email.judge(DOMAIN, (MethodResult("iprev", "pass"),))[0] == Verdict.UNKNOWN
