"""Staff read in plain words why a mail waits or stopped."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from portico.gateways.smtp.replies import ReplyKind, Stage
from portico.plumbing.mail import retry_policy
from portico.plumbing.models import OutgoingEmail
from portico.plumbing.models.outgoing_emails import DelayCause

AT = datetime(2026, 11, 23, 17, 20, tzinfo=UTC)


@dataclass(frozen=True)
class Said:
    kind: str
    stage: str = "recipient"
    code: str = ""
    text: str = ""


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (Said("ours", "connect"), "cannot be reached"),
        (Said("ours", "tls"), "no safe connection"),
        (Said("ours", "login"), "refuses our sign-in"),
        (Said("ours", "sender", "550"), "refuses our sender address"),
        (Said("ours", "content", "5.7.1"), "refuses mail from us"),
        (Said("ours", "recipient"), "connection to our mail server broke"),
        (Said("later", "recipient", "4.2.0"), "asks us to wait"),
        (Said("lost", "content"), "its answer was lost"),
        (Said("mailbox", "recipient", "5.1.1"), "doesn’t exist"),
        (Said("mailbox", "recipient", "550"), "doesn’t exist"),
        (Said("mailbox", "content", "5.2.1"), "is closed"),
        (Said("mailbox", "recipient", "5.6.7"), "such letters before the @"),
        (Said("message", "recipient", "5.2.2"), "is full"),
        (Said("message", "content", "554"), "refused this email"),
    ],
)
def test_every_reason_has_its_words(said: Said, words: str) -> None:
    assert words in retry_policy.outcome_of(OutgoingEmail(), said, at=AT).changes["reason"]


@pytest.mark.parametrize(
    ("by", "waits"),
    [
        (DelayCause.OURS, [1, 1, 2, 4, 8, 16, 30, 30]),
        (DelayCause.RECIPIENT, [60, 60, 120, 240, 480, 960, 1800, 1800]),
        (DelayCause.ANSWER, [5, 5, 10, 20, 30, 30, 30, 30]),
    ],
)
def test_waits_double_up_to_their_longest(by: DelayCause, waits: list[int]) -> None:
    waited, seen = timedelta(), []
    for _ in waits:
        wait = retry_policy.wait_after(waited, by)
        seen.append(wait.total_seconds())
        waited += wait
    assert seen == waits


def test_after_some_minutes_of_lost_answers_copies_get_rare() -> None:
    assert retry_policy.wait_after(timedelta(hours=2), DelayCause.ANSWER) == timedelta(minutes=30)


def test_another_reason_begins_its_own_wait() -> None:
    email = OutgoingEmail(state="delayed", delayed_by="recipient", delayed_at=AT - timedelta(hours=1))
    changes = retry_policy.outcome_of(email, Said("ours", "connect"), at=AT).changes
    assert (changes["delayed_at"], changes["not_before"]) == (AT, AT + timedelta(seconds=1))


def test_a_delay_from_the_future_is_counted_from_now_on() -> None:
    email = OutgoingEmail(state="delayed", delayed_by="ours", delayed_at=AT + timedelta(days=730))
    changes = retry_policy.outcome_of(email, Said("ours", "connect"), at=AT).changes
    assert (changes["delayed_at"], changes["not_before"]) == (AT, AT + timedelta(seconds=1))


def test_transports_and_retrying_use_the_same_words() -> None:
    assert set(ReplyKind) == {"taken", "ours", "later", "mailbox", "message", "lost"}
    assert set(Stage) - retry_policy.STAGES_BEFORE_MAIL == {"recipient", "content"}


def test_what_the_server_said_is_kept_without_saying_the_code_twice() -> None:
    def detail(said: Said) -> object:
        return retry_policy.outcome_of(OutgoingEmail(), said, at=AT).changes["detail"]

    assert detail(Said("mailbox", code="5.1.1", text="5.1.1 No such user")) == "5.1.1 No such user"
    assert detail(Said("mailbox", code="550", text="Nobody")) == "550 Nobody"
