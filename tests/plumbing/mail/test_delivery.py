"""Delivery of mails to a real SMTP server, and the resulting states."""

import time
from collections.abc import Callable
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, transaction
from django.test import override_settings
from time_machine import Traveller

from portico.gateways.smtp.server_url import SmtpServer as Server
from portico.gateways.smtp.server_url import parse
from portico.gateways.smtp.transport import SmtpTransport
from portico.plumbing import clock, tokens
from portico.plumbing.actors import Actor
from portico.plumbing.mail import delivery, outbox, retry_policy
from portico.plumbing.mail.outbox import LINK_PLACEHOLDER
from portico.plumbing.mail.reports import report_tags
from portico.plumbing.models import AuditEntry, OutgoingEmail
from portico.plumbing.queue import leases
from tests.plumbing.mail_messages import NONCE, PURPOSE, Note, an_email, happened
from tests.plumbing.sample_rows import a_practice
from tests.support.servers.ports import free_port
from tests.support.servers.smtp import SmtpServer

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
KEYS = override_settings(SECRET_KEY="a key of today " * 4, SECRET_KEY_FALLBACKS=["the key of that time"])


def hand_over(smtp: SmtpServer | Server, *, queue: str = "rest") -> bool:
    server = parse(smtp.url) if isinstance(smtp, SmtpServer) else smtp
    return delivery.deliver_next(queue, SmtpTransport(server))


def reloaded(email: OutgoingEmail) -> OutgoingEmail:
    email.refresh_from_db()
    return email


def test_text_and_html_have_the_same_link(note: Note, smtp: SmtpServer) -> None:
    email = an_email(link_nonce=NONCE, to_name='Ana "Núñez", Dr.')
    with KEYS:
        assert hand_over(smtp)
    (mail,) = smtp.mails
    link = f"https://portal.example.org/link/{tokens.derive(NONCE, purpose=PURPOSE, key='the key of that time')}"
    assert link in mail.text()
    assert link in mail.text("html")
    headers = mail.message
    assert headers["Message-ID"] == email.message_id
    assert headers["From"] == "Alder Street <portal@portico.example>"
    assert headers["Reply-To"] == "Alder Street <desk@example.org>"
    assert headers["To"].addresses[0].display_name == 'Ana "Núñez", Dr.'
    assert (headers["Auto-Submitted"], headers["Subject"]) == ("auto-generated", "Hello")
    assert headers.get_content_type() == "multipart/alternative"


@override_settings(EMAIL_RETURN_PATH="bounces@portico.example")
def test_the_envelope_identifies_the_mail_for_reports(note: Note, smtp: SmtpServer) -> None:
    email = an_email()
    hand_over(smtp)
    (mail,) = smtp.mails
    assert mail.message["From"].addresses[0].addr_spec == "portal@portico.example"
    assert mail.sender.startswith("bounces+")
    envelope_id = mail.mail_options[1].removeprefix("ENVID=")
    assert [report_tags.refs_in([mail.sender.upper()]), report_tags.refs_in([envelope_id])] == [(email.ref,)] * 2


def test_the_sent_body_is_stored_without_the_secret(note: Note, smtp: SmtpServer) -> None:
    email = an_email(link_nonce=NONCE)
    with KEYS:
        hand_over(smtp)
    email = reloaded(email)
    assert (email.state, email.reason, email.attempts) == ("handed_over", "", 1)
    assert email.handed_over_at is not None
    assert email.handing_over_at is not None
    assert email.body_text == f"Hello.\nhttps://portal.example.org/link/{LINK_PLACEHOLDER}\n"
    secret = tokens.derive(NONCE, purpose=PURPOSE, key="the key of that time")
    assert secret not in f"{email.body_text}{email.body_html}{email.content}{email.detail}"
    assert happened(email) == ["written", "handed_over"]
    assert note.told == ["handed_over"]


def test_a_sent_mail_is_not_sent_again(note: Note, smtp: SmtpServer) -> None:
    an_email()
    assert [hand_over(smtp), hand_over(smtp)] == [True, False]
    assert len(smtp.mails) == 1


def test_a_queue_delivers_only_its_own_mails(note: Note, smtp: SmtpServer) -> None:
    an_email(queue="entrance")
    assert not hand_over(smtp)
    assert hand_over(smtp, queue="entrance")


def test_a_refused_mail_is_dropped_with_its_reason(note: Note, smtp: SmtpServer) -> None:
    email = an_email()
    note.refusal = "Email ok was taken back."
    hand_over(smtp)
    email = reloaded(email)
    assert (email.state, email.reason, smtp.connections) == ("dropped", "Email ok was taken back.", 0)
    assert (email.handing_over_at, email.body_text) == (None, "")
    assert happened(email) == ["written", "dropped"]
    assert AuditEntry.objects.get().action == "email.dropped"
    assert note.told == ["dropped"]


@pytest.mark.parametrize(
    ("answer", "state"),
    [("550 5.1.1 No such user", "bounced"), ("550 5.2.1 Closed", "bounced"), ("552 5.2.2 Full", "failed")],
)
@pytest.mark.parametrize("stage", ["recipient", "content"])
def test_a_permanent_rejection_settles_the_mail(
    note: Note, smtp: SmtpServer, stage: Any, answer: str, state: str
) -> None:
    email = an_email()
    smtp.refuse(stage, answer)
    hand_over(smtp)
    email = reloaded(email)
    assert (email.state, email.detail, email.handing_over_at) == (state, answer[4:], None)
    assert email.reason
    assert happened(email) == ["written", "refused"]
    # A bounce stops the mailbox: its owners are called instead.
    assert note.told == ([] if state == "bounced" else [state])


def test_a_rejected_recipient_does_not_block_others(note: Note, smtp: SmtpServer) -> None:
    an_email("note:1")
    carol = an_email("note:2", to_address="carol@example.org")
    smtp.refuse("recipient", "550 5.7.1 Not you", to="ana@example.org")
    hand_over(smtp)
    hand_over(smtp)
    assert reloaded(carol).state == "handed_over"


@pytest.mark.parametrize(
    ("stage", "answer"),
    [
        ("connect", "554 5.3.2 Away"),
        ("connect", "421 4.3.2 Full"),
        ("sender", "550 5.1.1 Not from you"),
        ("recipient", "550 5.7.1 Relaying denied"),
        ("content", "554 5.7.9 Policy"),
    ],
)
def test_our_servers_failure_delays_and_is_recorded_once(
    note: Note, smtp: SmtpServer, stopped_clock: Traveller, stage: Any, answer: str
) -> None:
    email = an_email()
    smtp.refuse(stage, answer)
    for _ in range(12):
        hand_over(smtp)
        stopped_clock.shift(timedelta(seconds=30))
    email = reloaded(email)
    assert (email.state, email.delayed_by, email.attempts, email.errors) == ("delayed", "ours", 12, 0)
    assert email.handing_over_at is None
    assert happened(email) == ["written", "delayed"]
    assert outbox.current_outage(email.practice) is not None
    smtp.accept()
    hand_over(smtp)
    assert reloaded(email).state == "handed_over"
    assert outbox.current_outage(email.practice) is None


def test_after_an_outage_each_mail_is_sent_once(note: Note, smtp: SmtpServer, stopped_clock: Traveller) -> None:
    for number in range(8):
        an_email(f"note:{number}")
    smtp.stop()
    for _ in range(60):
        while hand_over(smtp):
            pass
        stopped_clock.shift(timedelta(seconds=9))
    assert set(OutgoingEmail.objects.values_list("state", flat=True)) == {"delayed"}
    smtp.start()
    for _ in range(6):
        while hand_over(smtp):
            pass
        stopped_clock.shift(timedelta(seconds=10))
    assert len(smtp.mails) == 8
    assert len({mail.message["Message-ID"] for mail in smtp.mails}) == 8


def test_an_unreachable_server_is_tried_once_per_batch(note: Note) -> None:
    away = Server("127.0.0.1", free_port())
    rows = [an_email(f"note:{number}") for number in range(5)]
    assert [hand_over(away), hand_over(away)] == [True, False]
    assert [reloaded(row).attempts for row in rows] == [1, 0, 0, 0, 0]
    assert {reloaded(row).state for row in rows} == {"delayed"}
    assert [happened(row) for row in rows] == [["written", "delayed"]] * 5


def test_a_deferring_recipient_is_retried_for_two_days(note: Note, smtp: SmtpServer, stopped_clock: Traveller) -> None:
    email = an_email()
    smtp.refuse("recipient", "450 4.2.0 Greylisted")
    waits = []
    for _ in range(400):
        assert hand_over(smtp)
        email = reloaded(email)
        if email.not_before is None:
            break
        waits.append(email.not_before - clock.now())
        stopped_clock.move_to(email.not_before, tick=False)
    assert waits[:4] == [timedelta(minutes=minutes) for minutes in (1, 1, 2, 4)]
    assert max(waits) == timedelta(minutes=30)
    assert sum(waits, timedelta()) <= timedelta(hours=49)
    assert (email.state, email.handing_over_at) == ("failed", None)
    assert happened(email) == ["written", "delayed", "refused"]


def test_a_lost_reply_causes_one_identical_copy(note: Note, smtp: SmtpServer, stopped_clock: Traveller) -> None:
    email = an_email(link_nonce=NONCE)
    smtp.lose_answer()
    with KEYS:
        hand_over(smtp)
        first_at = reloaded(email).handing_over_at
        assert reloaded(email).delayed_by == "answer"
        stopped_clock.shift(timedelta(seconds=30))
        hand_over(smtp)
    first, second = smtp.mails
    assert first.message["Message-ID"] == second.message["Message-ID"]
    assert first.text() == second.text()
    email = reloaded(email)
    assert email.state == "handed_over"
    assert email.handing_over_at == first_at, "links live from the first mail that may have arrived"


def test_a_failure_after_a_lost_reply_keeps_the_time(note: Note, smtp: SmtpServer, stopped_clock: Traveller) -> None:
    email = an_email()
    smtp.lose_answer()
    hand_over(smtp)
    first_at = reloaded(email).handing_over_at
    smtp.refuse("content", "451 Later")
    stopped_clock.shift(timedelta(seconds=30))
    hand_over(smtp)
    assert reloaded(email).handing_over_at == first_at
    assert first_at is not None


def test_repeatedly_lost_replies_cause_few_copies(note: Note, smtp: SmtpServer, stopped_clock: Traveller) -> None:
    email = an_email()
    smtp.lose_answer(times=1000)
    for _ in range(1000):
        if not hand_over(smtp):
            break
        if (due_at := reloaded(email).not_before) is not None:
            stopped_clock.move_to(due_at, tick=False)
    assert reloaded(email).state == "failed"
    assert len(smtp.mails) < 130


def test_a_worker_killed_after_hand_over_causes_one_copy(
    note: Note, smtp: SmtpServer, stopped_clock: Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    email = an_email(link_nonce=NONCE)
    with KEYS, monkeypatch.context() as killed:
        killed.setattr(delivery, "_save", lambda *_: None)
        hand_over(smtp)
    began_at = reloaded(email).handing_over_at
    assert (email.state, began_at is not None) == ("queued", True)
    assert not hand_over(smtp)
    stopped_clock.shift(delivery.LEASE)
    with KEYS:
        hand_over(smtp)
    first, second = smtp.mails
    assert first.message["Message-ID"] == second.message["Message-ID"]
    assert first.text() == second.text()
    assert reloaded(email).handing_over_at == began_at


def test_an_outcome_without_the_claim_is_discarded(note: Note, smtp: SmtpServer) -> None:
    email = an_email()

    class Slow:
        def send(self, *arguments: Any, **options: Any) -> Any:
            OutgoingEmail.objects.update(attempts=7)  # Another worker has claimed it in the meantime.
            return SmtpTransport(parse(smtp.url)).send(*arguments, **options)

        @contextmanager
        def open(self) -> Any:
            yield self

    delivery.deliver_next("rest", Slow())
    assert (reloaded(email).state, note.told) == ("queued", [])


@pytest.mark.parametrize(
    ("address", "message_id"),
    [("ana@example.org", "<1@portico.example>\r\nBcc: eve@evil.example"), ("ana@example.org, eve@evil.example", "")],
)
def test_a_mail_that_fails_the_round_trip_is_parked(
    note: Note, smtp: SmtpServer, stopped_clock: Traveller, address: str, message_id: str
) -> None:
    email = an_email()
    OutgoingEmail.objects.update(to_address=address, message_id=message_id or email.message_id)
    for _ in range(retry_policy.MAX_ERRORS):
        assert hand_over(smtp)
        stopped_clock.shift(timedelta(minutes=1))
    assert not hand_over(smtp)
    email = reloaded(email)
    assert (email.state, email.errors, email.parked_at is not None, smtp.mails) == ("failed", 5, True, [])
    assert email.reason.startswith("This email could not be created.")


def test_a_worker_claims_a_limited_batch(note: Note, smtp: SmtpServer) -> None:
    practice = a_practice()
    mails = [an_email(f"note:{number}", practice=practice) for number in range(delivery.BATCH_SIZE + 1)]
    assert hand_over(smtp)
    assert [mail.recipient for mail in smtp.mails] == ["ana@example.org"] * delivery.BATCH_SIZE
    assert smtp.connections == 1
    last = reloaded(mails[-1])
    assert (last.state, last.attempts, last.lease_until) == ("queued", 0, None)


def test_mails_not_tried_in_time_are_released(note: Note, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    practice = a_practice()
    first, second = (an_email(f"note:{number}", practice=practice) for number in range(2))
    monkeypatch.setattr(delivery, "BATCH_SECONDS", 0.05)
    smtp.be_slow(0.1)
    assert hand_over(smtp)
    second = reloaded(second)
    assert reloaded(first).state == "handed_over"
    assert (second.state, second.attempts, second.lease_until, second.handing_over_at) == ("queued", 0, None, None)
    assert hand_over(smtp)
    assert (reloaded(second).state, reloaded(second).attempts) == ("handed_over", 1)


class Meanwhile:
    """Delivers mails as usual, but the first takes long, and something happens in the meantime."""

    def __init__(self, smtp: SmtpServer, happens: Callable[[], object]) -> None:
        self.real = SmtpTransport(parse(smtp.url))
        self.happens = happens

    def send(self, *arguments: Any, **options: Any) -> Any:
        self.happens()
        time.sleep(0.06)
        return self.real.send(*arguments, **options)

    @contextmanager
    def open(self) -> Any:
        yield self


def test_each_mail_is_checked_just_before_delivery(
    note: Note, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    practice = a_practice()
    first, second = (an_email(f"note:{number}", practice=practice) for number in range(2))
    monkeypatch.setattr(delivery, "CHECK_SECONDS", 0.05)

    def consent_is_taken_back() -> None:
        note.refusal = "Email ok was taken back."

    delivery.deliver_next("rest", Meanwhile(smtp, consent_is_taken_back))
    second = reloaded(second)
    assert (reloaded(first).state, second.state, len(smtp.mails)) == ("handed_over", "dropped", 1)
    assert second.handing_over_at is None


def test_a_mail_parked_within_its_batch_is_not_sent(
    note: Note, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    practice = a_practice()
    first, second = (an_email(f"note:{number}", practice=practice) for number in range(2))
    monkeypatch.setattr(delivery, "CHECK_SECONDS", 0.05)
    delivery.deliver_next("rest", Meanwhile(smtp, lambda: outbox.park(second, "Not now.")))
    second = reloaded(second)
    assert (reloaded(first).state, second.reason, len(smtp.mails)) == ("handed_over", "Not now.", 1)
    assert second.is_parked


def test_a_killed_worker_repeats_only_the_current_mail(note: Note, smtp: SmtpServer, stopped_clock: Traveller) -> None:
    practice = a_practice()
    mails = [an_email(f"note:{number}", practice=practice) for number in range(4)]

    class Killed:
        def send(self, *arguments: Any, **options: Any) -> Any:
            answer = SmtpTransport(parse(smtp.url)).send(*arguments, **options)
            if len(smtp.mails) == 2:
                raise KeyboardInterrupt
            return answer

        @contextmanager
        def open(self) -> Any:
            yield self

    with pytest.raises(KeyboardInterrupt):
        delivery.deliver_next("rest", Killed())
    assert [reloaded(email).state for email in mails] == ["handed_over", "queued", "queued", "queued"]
    # All were marked as handed over before the first was sent.
    marks = [reloaded(email).handing_over_at for email in mails]
    assert None not in marks
    stopped_clock.shift(delivery.LEASE)
    assert hand_over(smtp)
    sent = [mail.message["Message-ID"] for mail in smtp.mails]
    assert sent == [mails[at].message_id for at in (0, 1, 1, 2, 3)]
    assert [reloaded(email).handing_over_at for email in mails] == marks


def test_five_build_errors_park_the_mail(note: Note, smtp: SmtpServer, stopped_clock: Traveller) -> None:
    email = an_email()
    note.stumbles = 5
    for _ in range(6):
        hand_over(smtp)
        stopped_clock.shift(timedelta(minutes=1))
    email = reloaded(email)
    assert (email.state, email.errors, email.is_parked, smtp.mails) == ("failed", 5, True, [])
    assert email.detail.startswith("LookupError at mail_messages.py:")
    assert "ana@example.org" not in email.detail
    assert happened(email) == ["written", "parked"]
    assert note.told == ["failed"]
    outbox.retry(email, by=Actor.system("Fay"))
    hand_over(smtp)
    assert reloaded(email).state == "handed_over"


def test_a_build_error_does_not_block_other_mails(note: Note, smtp: SmtpServer) -> None:
    an_email("note:1")
    other = an_email("note:2")
    note.stumbles = 1
    hand_over(smtp)
    hand_over(smtp)
    assert reloaded(other).state == "handed_over"


def test_an_outage_never_parks_a_mail(note: Note, stopped_clock: Traveller) -> None:
    email = an_email()
    away = Server("127.0.0.1", free_port())
    for _ in range(60):
        hand_over(away)
        stopped_clock.shift(timedelta(hours=2))
    assert (reloaded(email).state, email.errors) == ("delayed", 0)


def test_a_missing_key_parks_the_mail(note: Note, smtp: SmtpServer, stopped_clock: Traveller) -> None:
    email = an_email(link_nonce=NONCE)
    for _ in range(6):
        hand_over(smtp)
        stopped_clock.shift(timedelta(minutes=1))
    assert (reloaded(email).is_parked, smtp.mails) == (True, [])


@pytest.mark.parametrize("address", ["ana", "ana@", "@example.org", "a b@example.org", "a@b@c", "a\r\nb@example.org"])
def test_an_invalid_address_never_gets_mail(
    note: Note, smtp: SmtpServer, stopped_clock: Traveller, address: str
) -> None:
    email = an_email(to_address=address)
    for _ in range(6):
        hand_over(smtp)
        stopped_clock.shift(timedelta(minutes=1))
    assert reloaded(email).state == "failed"
    assert smtp.mails == []


def test_a_non_ascii_mailbox_needs_smtputf8(note: Note, smtp: SmtpServer) -> None:
    an_email(to_address="josé@bücher.example")
    hand_over(smtp)
    (mail,) = smtp.mails
    assert mail.recipient == "josé@xn--bcher-kva.example"


@pytest.mark.django_db(transaction=True)
def test_delivery_is_refused_inside_a_transaction(note: Note, smtp: SmtpServer) -> None:
    an_email()
    with pytest.raises(RuntimeError, match="No network"), transaction.atomic():
        hand_over(smtp)
    assert smtp.mails == []


@pytest.mark.django_db(transaction=True)
def test_a_short_database_outage_causes_no_second_copy(
    note: Note, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    email = an_email()
    away = [OperationalError("away"), OperationalError("away")]
    finish = leases.finish

    def finish_later(*arguments: Any, **changes: Any) -> bool:
        if away:
            raise away.pop()
        return finish(*arguments, **changes)

    monkeypatch.setattr(leases, "finish", finish_later)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    hand_over(smtp)
    assert (reloaded(email).state, len(smtp.mails)) == ("handed_over", 1)


@pytest.mark.django_db(transaction=True)
def test_an_error_in_state_changed_does_not_resend(
    note: Note, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    email = an_email()

    def stumble(_email: OutgoingEmail) -> None:
        raise LookupError

    monkeypatch.setattr(note, "state_changed", stumble)
    with pytest.raises(LookupError):
        hand_over(smtp)
    assert reloaded(email).state == "handed_over"


def test_a_mail_reclaimed_while_being_built_is_left(
    note: Note, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    an_email()

    def slowly(_email: OutgoingEmail) -> None:
        OutgoingEmail.objects.update(attempts=7)  # Another worker has claimed it in the meantime.

    monkeypatch.setattr(note, "refuse", slowly)
    hand_over(smtp)
    assert smtp.mails == []


def test_a_database_outage_is_no_build_error(note: Note, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    email = an_email()

    def away(_email: OutgoingEmail) -> None:
        raise OperationalError("away")

    monkeypatch.setattr(note, "refuse", away)
    with pytest.raises(OperationalError):
        hand_over(smtp)
    assert (reloaded(email).errors, email.state) == (0, "queued")


def test_a_mail_of_an_unknown_kind_is_parked(note: Note, smtp: SmtpServer, stopped_clock: Traveller) -> None:
    email = an_email()
    OutgoingEmail.objects.update(kind="gone")
    for _ in range(6):
        hand_over(smtp)
        stopped_clock.shift(timedelta(minutes=1))
    assert reloaded(email).is_parked
