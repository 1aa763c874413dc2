"""The retry policy: waits, causes, and reasons in plain words for staff."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from portico.gateways.smtp.replies import ReplyKind, Stage
from portico.plumbing.mail import retry_policy
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.models.outgoing_emails import DelayCause

AT = datetime(2026, 11, 23, 17, 20, tzinfo=UTC)


@dataclass(frozen=True)
class SampleReply:
    kind: str
    stage: str = "recipient"
    code: str = ""
    text: str = ""


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (SampleReply("ours", "connect"), "cannot be reached"),
        (SampleReply("ours", "tls"), "doesn’t offer a secure connection"),
        (SampleReply("ours", "login"), "rejected our username or password"),
        (SampleReply("ours", "sender", "550"), "rejected our sender address"),
        (SampleReply("ours", "content", "5.7.1"), "rejects email from us"),
        (SampleReply("ours", "recipient"), "connection to our mail server was lost"),
        (SampleReply("later", "recipient", "4.2.0"), "mail server is busy"),
        (SampleReply("lost", "content"), "may get a second copy"),
        (SampleReply("mailbox", "recipient", "5.1.1"), "doesn’t exist"),
        (SampleReply("mailbox", "recipient", "550"), "gave no clear reason"),
        (SampleReply("mailbox", "content", "5.2.1"), "is closed"),
        (SampleReply("mailbox", "recipient", "5.6.7"), "these letters before the @"),
        (SampleReply("listed", "recipient"), "on the provider’s own list"),
        (SampleReply("message", "recipient", "5.2.2"), "is full"),
        (SampleReply("message", "content", "554"), "rejected this email"),
    ],
)
def test_every_reply_kind_has_a_reason(said: SampleReply, words: str) -> None:
    assert words in retry_policy.outcome_of(OutgoingEmail(), said, at=AT).changes["reason"]


@pytest.mark.parametrize(
    ("by", "waits"),
    [
        (DelayCause.OURS, [1, 1, 2, 4, 8, 16, 30, 30]),
        (DelayCause.RECIPIENT, [60, 60, 120, 240, 480, 960, 1800, 1800]),
        (DelayCause.ANSWER, [5, 5, 10, 20, 30, 30, 30, 30]),
    ],
)
def test_waits_double_up_to_a_maximum(by: DelayCause, waits: list[int]) -> None:
    waited, seen = timedelta(), []
    for _ in waits:
        wait = retry_policy.wait_after(waited, by)
        seen.append(wait.total_seconds())
        waited += wait
    assert seen == waits


def test_after_lost_replies_retries_become_rare() -> None:
    assert retry_policy.wait_after(timedelta(hours=2), DelayCause.ANSWER) == timedelta(minutes=30)


def test_a_new_cause_restarts_the_delay() -> None:
    email = OutgoingEmail(state="delayed", delayed_by="recipient", delayed_at=AT - timedelta(hours=1))
    changes = retry_policy.outcome_of(email, SampleReply("ours", "connect"), at=AT).changes
    assert (changes["delayed_at"], changes["not_before"]) == (AT, AT + timedelta(seconds=1))


def test_a_delay_from_the_future_is_counted_from_now_on() -> None:
    email = OutgoingEmail(state="delayed", delayed_by="ours", delayed_at=AT + timedelta(days=730))
    changes = retry_policy.outcome_of(email, SampleReply("ours", "connect"), at=AT).changes
    assert (changes["delayed_at"], changes["not_before"]) == (AT, AT + timedelta(seconds=1))


def test_transports_use_the_terms_of_the_policy() -> None:
    assert set(ReplyKind) == {"taken", "ours", "later", "mailbox", "listed", "message", "lost"}
    assert set(Stage) - retry_policy.STAGES_BEFORE_MAIL == {"recipient", "content"}


def test_the_stored_reply_has_the_code_once() -> None:
    def detail(said: SampleReply) -> object:
        return retry_policy.outcome_of(OutgoingEmail(), said, at=AT).changes["detail"]

    assert detail(SampleReply("mailbox", code="5.1.1", text="5.1.1 No such user")) == "5.1.1 No such user"
    assert detail(SampleReply("mailbox", code="550", text="No such user")) == "550 No such user"
