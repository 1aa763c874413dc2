"""Mails are read as delivery reports if they have a valid tag, whatever else strangers wrote into them."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.plumbing.mail.reports import mime_reader, report_parsing, report_tags
from portico.plumbing.mail.reports.delivery_reports import NewReport

# Independent of the database.
pytestmark = pytest.mark.sqlite

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
REF = "abcdefghij234567"
TAG = report_tags.tag_of(REF)
OURS = f"bounces+{TAG}@portico.example"
FORGED = f"bounces+{REF}-{'a' * 16}@portico.example"

POSTFIX = """\
Return-Path: <>
Delivered-To: {to}
Date: Mon, 30 Nov 2026 11:59:00 +0000 (UTC)
From: MAILER-DAEMON@mx.example.org (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: {to}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="9B095B5ADSN=_01D4/mx.example.org"

This is a MIME-encapsulated message.

--9B095B5ADSN=_01D4/mx.example.org
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.example.org.

--9B095B5ADSN=_01D4/mx.example.org
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org
Original-Envelope-Id: {envelope_id}
X-Postfix-Queue-ID: 9B095B5A
Arrival-Date: Mon, 30 Nov 2026 11:58:59 +0000 (UTC)

Final-Recipient: rfc822; ana@gmail.example
Original-Recipient: rfc822;ana@gmail.example
Action: {action}
Status: {status}
Remote-MTA: dns; GMail-SMTP-in.l.google.example
Diagnostic-Code: {diagnostic}

--9B095B5ADSN=_01D4/mx.example.org
Content-Description: Undelivered Message Headers
Content-Type: text/rfc822-headers

Return-Path: <{returned}>
From: Alder Street <portal@portico.example>
Message-ID: <1@portico.example>

--9B095B5ADSN=_01D4/mx.example.org--
"""
COMPLAINT = """\
From: <feedback@yahoo.example>
To: {to}
Date: Mon, 30 Nov 2026 11:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary=b

--b
Content-Type: text/plain

This is an email abuse report.

--b
Content-Type: message/feedback-report

Feedback-Type: {type}
User-Agent: Yahoo!-Mail-Feedback/2.0
Version: 0.1
Original-Mail-From: <{mail_from}>
Reporting-MTA: dns; mx.yahoo.example

--b
Content-Type: message/rfc822

Subject: Hello

Hello.
--b--
"""
QMAIL = """\
Return-Path: <>
From: MAILER-DAEMON@mx.example.org
To: {to}
Subject: failure notice

Hi. This is the qmail-send program at mx.example.org.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<ana@example.org>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

Return-Path: <portal@portico.example>
"""
AWAY = """\
From: Ana <ana@example.org>
To: {to}
Subject: Out of office
{mark}

I am away.
"""


def parse(raw: str | bytes) -> list[NewReport]:
    return report_parsing.parse(raw if isinstance(raw, bytes) else raw.encode(), received_at=AT)


def postfix(
    *, to: str = OURS, envelope_id: str = TAG, action: str = "failed", status: str = "5.1.1",
    diagnostic: str = "smtp; 550 5.1.1 No such\n    user", returned: str = "x@portico.example",
) -> str:  # fmt: skip
    return POSTFIX.format(
        to=to, envelope_id=envelope_id, action=action, status=status, diagnostic=diagnostic, returned=returned
    )


def facts(raw: str) -> list[tuple[str, str]]:
    return [(report.kind.value, report.status_code) for report in parse(raw)]


def test_a_bounce_states_code_words_and_server() -> None:
    (report,) = parse(postfix())
    assert (report.ref, report.source, report.kind, report.status_code) == (REF, "dsn", "failed", "5.1.1")
    assert (report.words, report.remote_server) == ("550 5.1.1 No such user", "gmail-smtp-in.l.google.example")
    assert report.happened_at == datetime(2026, 11, 30, 11, 59, tzinfo=UTC)


def test_line_ends_make_no_difference() -> None:
    assert parse(postfix()) == parse(postfix().replace("\n", "\r\n"))


@pytest.mark.parametrize(
    ("action", "status", "kind"),
    [
        ("relayed", "2.0.0", "relayed"),
        ("Delivered", "2.1.5 (ok)", "delivered"),
        ("expanded", "2.0.0", "relayed"),
        ("delayed (still trying)", "4.4.1", "delayed"),
        ("failed", "4.2.2", "failed"),
    ],
)
def test_every_action_is_understood(action: str, status: str, kind: str) -> None:
    assert facts(postfix(action=action, status=status, diagnostic="smtp; 250 ok")) == [(kind, status[:5])]


@pytest.mark.parametrize(
    ("status", "diagnostic", "code"),
    [
        ("5.0.0", "smtp; 550-5.1.1 The account does not exist", "5.1.1"),
        ("5.0.0", "smtp; 550 rejected by 10.5.1.1", "5.0.0"),
        ("5.0.0", "smtp; 450 4.2.1 Later", "5.0.0"),
        ("5.7.26", "smtp; 550 5.1.1 No such user", "5.7.26"),
        ("", "smtp; 550 5.4.4 Unknown host", "5.4.4"),
        ("", "X-Unix; 68", ""),
    ],
)
def test_the_more_precise_code_counts(status: str, diagnostic: str, code: str) -> None:
    assert facts(postfix(status=status, diagnostic=diagnostic)) == [("failed", code)]


def test_each_recipient_block_is_a_report_of_its_own() -> None:
    block = "\nFinal-Recipient: rfc822; carol@example.org\nAction: relayed\nStatus: 2.0.0\n"
    mail = postfix().replace(
        "\n--9B095B5ADSN=_01D4/mx.example.org\nContent-Description: Undel",
        block + "\n--9B095B5ADSN=_01D4/mx.example.org\nContent-Description: Undel",
    )
    first, second = parse(mail)
    assert (first.kind, second.kind) == ("failed", "relayed")
    assert first.event_key != second.event_key


@pytest.mark.parametrize(
    ("to", "envelope_id"),
    [(OURS.upper(), "none"), ("desk@portico.example", TAG.upper()), (OURS, ""), ("", TAG)],
)
def test_a_tag_in_envelope_id_or_recipient_matches(to: str, envelope_id: str) -> None:
    assert [report.ref for report in parse(postfix(to=to, envelope_id=envelope_id))] == [REF]


@pytest.mark.parametrize("field", ["X-Original-To", "Original-Recipient", "Envelope-To", "Delivered-To"])
def test_servers_note_the_recipient_in_several_fields(field: str) -> None:
    mail = postfix(to="desk@portico.example", envelope_id="")
    assert len(parse(f"{field}: rfc822;{OURS}\n{mail}")) == 1


def test_without_a_valid_tag_there_is_no_report() -> None:
    mails = [
        postfix(to=FORGED, envelope_id=FORGED),
        postfix(to="desk@portico.example", envelope_id=""),
        # Elsewhere in the mail a tag counts for nothing.
        postfix(to="desk@portico.example", envelope_id="", returned=OURS),
        f"Subject: {TAG}\nMessage-ID: <{TAG}@portico.example>\n" + postfix(to="", envelope_id=""),
        COMPLAINT.format(to="desk@portico.example", type="abuse", mail_from=FORGED),
        QMAIL.format(to=FORGED),
        AWAY.format(to=FORGED, mark="Auto-Submitted: auto-replied"),
    ]
    assert [parse(mail) for mail in mails] == [[]] * len(mails)


@pytest.mark.parametrize("feedback_type", ["abuse", "fraud", "opt-out"])
def test_a_complaint_is_matched_by_its_envelope_sender(feedback_type: str) -> None:
    (report,) = parse(COMPLAINT.format(to="abuse@portico.example", type=feedback_type, mail_from=OURS))
    assert (report.ref, report.kind, report.remote_server) == (REF, "complained", "mx.yahoo.example")


@pytest.mark.parametrize("feedback_type", ["not-spam", "auth-failure", ""])
def test_other_feedback_is_no_complaint(feedback_type: str) -> None:
    assert parse(COMPLAINT.format(to=OURS, type=feedback_type, mail_from=OURS)) == []


def test_a_bounce_in_another_form_has_no_status_code() -> None:
    (report,) = parse(QMAIL.format(to=OURS))
    assert (report.source, report.kind, report.status_code) == ("unstructured", "failed", "")


EXIM = """\
From: Mail Delivery System <Mailer-Daemon@mx.example.org>
To: {to}
Subject: {subject}
Auto-Submitted: auto-replied

This message was created automatically by mail delivery software.
{text}

  ana@example.org
    host mx.example.net [192.0.2.20]: {said}
"""
FAILED = """\
A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:"""
WAITING = """\
A message that you sent has not yet been delivered to one or more of its
recipients after more than 24 hours on the queue on mx.example.org.

The address to which the message has not yet been delivered is:"""


@pytest.mark.parametrize(
    ("subject", "text", "said", "kind"),
    [
        ("Mail delivery failed: returning message to sender", FAILED, "550 No such user", "failed"),
        ("Warning: message 1P1ceB-000FL1-4q delayed 24 hours", WAITING, "450 Later", "delayed"),
    ],
)
def test_a_warning_is_no_bounce(subject: str, text: str, said: str, kind: str) -> None:
    assert facts(EXIM.format(to=OURS, subject=subject, text=text, said=said)) == [(kind, "")]


def test_what_only_quotes_a_bounce_is_none() -> None:
    assert parse(QMAIL.format(to=OURS).replace("Return-Path: <>\nFrom: MAILER-DAEMON@mx", "From: ana@mx")) == []


@pytest.mark.parametrize(
    "mark",
    [
        "Auto-Submitted: auto-replied (vacation)",
        "X-Autoreply: yes",
        "Precedence: bulk",
        "X-Auto-Response-Suppress: All",
    ],
)
def test_an_out_of_office_reply_is_no_bounce(mark: str) -> None:
    assert facts(AWAY.format(to=OURS, mark=mark)) == [("auto_replied", "")]


@pytest.mark.parametrize("mark", ["Auto-Submitted: no", "X-Other: 1"])
def test_a_persons_reply_is_no_report(mark: str) -> None:
    assert parse(AWAY.format(to=OURS, mark=mark)) == []


def test_a_read_receipt_is_no_report() -> None:
    receipt = postfix().replace("delivery-status", "disposition-notification")
    assert parse(receipt) == []


@pytest.mark.parametrize(
    "date", ["tomorrow", "Mon, 30 Nov 2099 11:59:00 +0000", "Mon, 30 Nov 1999 11:59:00 +0000", "x" * 9000]
)
def test_a_wrong_date_is_replaced_by_the_arrival(date: str) -> None:
    (report,) = parse(postfix().replace("Mon, 30 Nov 2026 11:59:00 +0000 (UTC)", date))
    assert report.happened_at == AT


def test_a_report_inside_other_parts_is_found() -> None:
    outer = f"To: {OURS}\nContent-Type: multipart/mixed; boundary=9B\n\n--9B\nContent-Type: text/plain\n\nHi\n--9B\n"
    assert facts(outer + postfix() + "\n--9B--\n") == [("failed", "5.1.1")]


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_an_encoded_status_is_decoded(encoding: str) -> None:
    status = {
        "base64": "QWN0aW9uOiBmYWlsZWQKU3RhdHVzOiA1LjIuMQo=",
        "quoted-printable": "Action: fai=\nled\nStatus: 5=2E2.1\n",
    }
    mail = (
        f"To: {OURS}\nContent-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n"
        f"Content-Transfer-Encoding: {encoding}\n\n{status[encoding]}\n--b--\n"
    )
    assert facts(mail) == [("failed", "5.2.1")]


HEAD = f"Return-Path: <>\nFrom: MAILER-DAEMON@x.example\nTo: {OURS}\nAuto-Submitted: auto-replied\n"
REPORT = f"{HEAD}Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n"
HOSTILE = {
    "nested": HEAD + "".join(f"Content-Type: multipart/x; boundary={n}\n\n--{n}\n" for n in range(3000)) + "\n" * 10**6,
    "parts": HEAD + "Content-Type: multipart/x; boundary=b\n\n" + "--b\n\n\n" * 40_000,
    "one boundary at all depths": HEAD + "Content-Type: multipart/x; boundary=b\n\n--b\n" * 6000,
    "header lines": HEAD + "a:b\n" * 200_000,
    "folded": HEAD + "Subject: a\n" + " b\n" * 200_000,
    "one long line": HEAD + "Subject: " + "a" * 10_000_000,
    "long body line": HEAD + "\n" + "a " * 5_000_000,
    "lines": HEAD + "\n" + "550 5.1.1 user@x.example\n" * 400_000,
    "empty lines": HEAD + "\n" * 10_000_000,
    "spaces": HEAD + "\n" + " " * 10_000_000,
    "parameters": HEAD + "Content-Type: multipart/x" + ';a="\\"' * 100_000 + "\n\n",
    "quotes": HEAD + "Content-Type: multipart/x; boundary=\"" + "\\" * 250_000 + "\n\n",
    "blocks": REPORT + "Action: failed\n\n" * 20_000,
    "fields": REPORT + "Action: failed\n" * 20_000,
    "blank lines": REPORT + "Action: failed\n" + " \t" * 100_000 + "\n",
    "diagnostics": REPORT + "Action: failed\nDiagnostic-Code: " + "5.1.1." * 40_000,
    "dots": REPORT + "Action: failed\nDiagnostic-Code: x " + "5.1.1...." * 20_000,
    "domains": REPORT + "Action: failed\nRemote-MTA: dns; " + "a." * 100_000 + "!",
    "tags": HEAD + f"To: {FORGED}, " * 4000 + "\n\n",
    "nulls": HEAD + "\x00" * 1_000_000,
    "charset": HEAD + "Content-Type: text/plain; charset=\"a\x00b\"\n\nHello",
    "encoded words": HEAD + "Subject: =?x?b?" + "=?" * 100_000 + "\n\n",
    "returns": HEAD + "\r" * 1_000_000,
}  # fmt: skip
# Lines of Python. A usual report takes about 700.
MOST_LINES = 60_000


@pytest.mark.parametrize("name", HOSTILE)
def test_the_work_for_a_hostile_mail_is_bounded(name: str) -> None:
    mail = HOSTILE[name].encode()
    with count_lines() as lines:
        reports = parse(mail)
    assert len(reports) <= report_parsing.MAX_BLOCKS + 1
    assert lines() < MOST_LINES, lines()


def test_the_work_is_measured() -> None:
    with count_lines() as lines:
        parse(postfix())
    assert 100 < lines() < 5000, lines()


@contextmanager
def count_lines() -> Iterator[Callable[[], int]]:
    """Counts the executed lines of Python: work that does not depend on how busy the machine is."""
    count = 0

    def add(*_: object) -> None:
        nonlocal count
        count += 1

    monitoring = sys.monitoring
    tool = 4
    monitoring.use_tool_id(tool, "work")
    monitoring.register_callback(tool, monitoring.events.LINE, add)
    monitoring.set_events(tool, monitoring.events.LINE)
    try:
        yield lambda: count
    finally:
        monitoring.set_events(tool, 0)
        monitoring.free_tool_id(tool)


@given(
    st.binary(max_size=2000),
    st.sampled_from([HEAD, REPORT, COMPLAINT.format(to=OURS, type="abuse", mail_from=OURS), ""]),
)
def test_no_bytes_raise(noise: bytes, start: str) -> None:
    for raw in (start.encode() + noise, noise + start.encode(), noise):
        for report in parse(raw):
            assert report.ref == REF
            assert report.happened_at.tzinfo is UTC


@given(st.text(alphabet='-b\n:; =multiparx/"\\', max_size=300))
def test_no_structure_raises(structure: str) -> None:
    part = mime_reader.read(structure.encode())
    assert sum(1 for _ in part.leaves()) <= mime_reader.MAX_PARTS
