"""An SMTP answer says whether we, the mailbox or the mail are meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.gateways.smtp.replies import Kind, Stage, enhanced_code, judge, plain


@pytest.mark.parametrize(
    ("stage", "number", "text", "kind"),
    [
        (Stage.CONNECT, 554, "5.3.2 No service", Kind.OURS),
        (Stage.CONNECT, 421, "4.3.2 Busy", Kind.OURS),
        (Stage.TLS, 454, "4.7.0 TLS not available", Kind.OURS),
        (Stage.LOGIN, 535, "5.7.8 Bad password", Kind.OURS),
        (Stage.SENDER, 550, "5.1.1 Not this sender", Kind.OURS),
        (Stage.SENDER, 451, "4.3.0 Later", Kind.OURS),
        (Stage.RECIPIENT, 550, "5.7.1 Relaying denied", Kind.OURS),
        (Stage.CONTENT, 554, "5.7.26 Not authenticated", Kind.OURS),
        (Stage.RECIPIENT, 530, "Log in first", Kind.OURS),
        (Stage.RECIPIENT, 553, "5.1.8 Your domain does not exist", Kind.OURS),
        (Stage.RECIPIENT, 421, "Closing", Kind.OURS),
        (Stage.CONTENT, 250, "Yes to what?", Kind.OURS),
        (Stage.RECIPIENT, 450, "4.7.1 Greylisted", Kind.LATER),
        (Stage.RECIPIENT, 452, "4.2.2 Mailbox full", Kind.LATER),
        (Stage.CONTENT, 451, "Local error", Kind.LATER),
        (Stage.RECIPIENT, 550, "5.1.1 No such user", Kind.MAILBOX),
        (Stage.CONTENT, 550, "5.1.10 Null MX", Kind.MAILBOX),
        (Stage.RECIPIENT, 550, "5.2.1 Disabled", Kind.MAILBOX),
        (Stage.CONTENT, 554, "5.2.1 Disabled", Kind.MAILBOX),
        (Stage.RECIPIENT, 550, "No such user", Kind.MAILBOX),
        (Stage.RECIPIENT, 551, "Moved", Kind.MAILBOX),
        (Stage.RECIPIENT, 553, "Not allowed", Kind.MAILBOX),
        (Stage.CONTENT, 550, "We do not like this", Kind.MESSAGE),
        (Stage.RECIPIENT, 552, "5.2.2 Over quota", Kind.MESSAGE),
        (Stage.CONTENT, 552, "5.3.4 Too big", Kind.MESSAGE),
        (Stage.RECIPIENT, 554, "No", Kind.MESSAGE),
        (Stage.RECIPIENT, 501, "Bad syntax", Kind.MESSAGE),
    ],
)
def test_who_is_meant(stage: Stage, number: int, text: str, kind: Kind) -> None:
    assert judge(stage, number, text).kind == kind


def test_a_code_counts_only_where_the_answer_begins_with_it() -> None:
    assert enhanced_code("5.1.1 No such user") == "5.1.1"
    assert enhanced_code("5.1.1") == "5.1.1"
    assert enhanced_code("See 5.1.1") == ""
    assert enhanced_code("5.1.1.7 is an address") == ""
    assert judge(Stage.RECIPIENT, 550, "Nobody").code == "550"


@given(st.binary(max_size=400))
def test_whatever_a_server_writes_becomes_one_short_printable_line(answer: bytes) -> None:
    line = plain(answer)
    assert line.isprintable()
    assert len(line) <= 200
