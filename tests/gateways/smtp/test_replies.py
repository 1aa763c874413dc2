"""Classification of SMTP replies: a problem of ours, of the mailbox or of the mail."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.gateways.smtp.replies import ReplyKind, Stage, classify, plain_text


@pytest.mark.parametrize(
    ("stage", "number", "text", "kind"),
    [
        (Stage.CONNECT, 554, "5.3.2 No service", ReplyKind.OURS),
        (Stage.CONNECT, 421, "4.3.2 Busy", ReplyKind.OURS),
        (Stage.TLS, 454, "4.7.0 TLS not available", ReplyKind.OURS),
        (Stage.LOGIN, 535, "5.7.8 Bad password", ReplyKind.OURS),
        (Stage.SENDER, 550, "5.1.1 Not this sender", ReplyKind.OURS),
        (Stage.SENDER, 451, "4.3.0 Later", ReplyKind.OURS),
        (Stage.RECIPIENT, 550, "5.7.1 Relaying denied", ReplyKind.OURS),
        (Stage.CONTENT, 554, "5.7.26 Not authenticated", ReplyKind.OURS),
        (Stage.RECIPIENT, 530, "Log in first", ReplyKind.OURS),
        (Stage.RECIPIENT, 553, "5.1.8 Your domain does not exist", ReplyKind.OURS),
        (Stage.RECIPIENT, 421, "Closing", ReplyKind.OURS),
        (Stage.CONTENT, 250, "Yes to what?", ReplyKind.OURS),
        (Stage.RECIPIENT, 450, "4.7.1 Greylisted", ReplyKind.LATER),
        (Stage.RECIPIENT, 452, "4.2.2 Mailbox full", ReplyKind.LATER),
        (Stage.CONTENT, 451, "Local error", ReplyKind.LATER),
        (Stage.RECIPIENT, 550, "5.1.1 No such user", ReplyKind.MAILBOX),
        (Stage.CONTENT, 550, "5.1.10 Null MX", ReplyKind.MAILBOX),
        (Stage.RECIPIENT, 550, "5.2.1 Disabled", ReplyKind.MAILBOX),
        (Stage.CONTENT, 554, "5.2.1 Disabled", ReplyKind.MAILBOX),
        (Stage.RECIPIENT, 550, "No such user", ReplyKind.MAILBOX),
        (Stage.RECIPIENT, 551, "Moved", ReplyKind.MAILBOX),
        (Stage.RECIPIENT, 553, "Not allowed", ReplyKind.MAILBOX),
        (Stage.CONTENT, 550, "We do not like this", ReplyKind.MESSAGE),
        (Stage.RECIPIENT, 552, "5.2.2 Over quota", ReplyKind.MESSAGE),
        (Stage.CONTENT, 552, "5.3.4 Too big", ReplyKind.MESSAGE),
        (Stage.RECIPIENT, 554, "No", ReplyKind.MESSAGE),
        (Stage.RECIPIENT, 501, "Bad syntax", ReplyKind.MESSAGE),
    ],
)
def test_replies_are_classified_by_stage_and_code(stage: Stage, number: int, text: str, kind: ReplyKind) -> None:
    assert classify(stage, number, text).kind == kind


def test_without_a_leading_enhanced_code_the_reply_code_counts() -> None:
    assert classify(Stage.RECIPIENT, 550, "5.1.1 No such user").code == "5.1.1"
    assert classify(Stage.RECIPIENT, 550, "See 5.1.1").code == "550"


@given(st.binary(max_size=400))
def test_any_reply_becomes_one_short_printable_line(answer: bytes) -> None:
    line = plain_text(answer)
    assert line.isprintable()
    assert len(line) <= 200
