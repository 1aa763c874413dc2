"""Hand-over to a real SMTP server: every rejection, lost reply and timeout is reported as what it is."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from portico.gateways import mail_transport
from portico.gateways.smtp import transport as gateway
from portico.gateways.smtp.replies import ReplyKind, SmtpReply, Stage
from portico.gateways.smtp.server_url import SmtpServer as Server
from portico.gateways.smtp.server_url import Tls
from portico.gateways.smtp.transport import SmtpTransport
from tests.support.servers import certificates
from tests.support.servers.ports import free_port
from tests.support.servers.smtp import SmtpServer

type StartServer = Callable[..., SmtpServer]
ANA = "ana@example.org"


def a_message(text: str = "A line.\n") -> bytes:
    message = EmailMessage(policy=SMTP)
    message["Subject"] = "Hello"
    message["To"] = ANA
    message.set_content(text, cte="quoted-printable")
    return message.as_bytes()


def send(transport: SmtpTransport, *, to: str = ANA, text: str = "A line.\n") -> SmtpReply:
    return transport.send(a_message(text), sender="portal@example.org", recipient=to)


def test_a_mail_arrives_unchanged(smtp: SmtpServer) -> None:
    text = ".\n..\n.hidden\nñ " + "long " * 500 + "\n"
    answer = send(gateway.transport(smtp.url), text=text)
    assert answer.kind == ReplyKind.TAKEN
    (mail,) = smtp.mails
    assert (mail.sender, mail.recipient, mail.text()) == ("portal@example.org", ANA, text)


def test_mails_of_a_batch_share_one_connection(smtp: SmtpServer) -> None:
    with gateway.transport(smtp.url).open() as line:
        for number in range(3):
            answer = line.send(a_message(f"{number}\n"), sender="portal@example.org", recipient=ANA)
            assert answer.kind == ReplyKind.TAKEN
    assert [mail.text() for mail in smtp.mails] == ["0\n", "1\n", "2\n"]
    assert smtp.connections == 1


def test_a_rejection_closes_the_connection(smtp: SmtpServer) -> None:
    smtp.refuse("recipient", "550 5.1.1 No such user", to="unknown@example.org")
    with gateway.transport(smtp.url).open() as line:
        kinds = [
            line.send(a_message(), sender="portal@example.org", recipient=to).kind
            for to in (ANA, "unknown@example.org", ANA)
        ]
    assert kinds == [ReplyKind.TAKEN, ReplyKind.MAILBOX, ReplyKind.TAKEN]
    assert smtp.connections == 2


@pytest.mark.parametrize("tired", ["421 4.7.0 Enough for one connection", ""])
def test_a_closed_connection_is_replaced_by_a_new_one(smtp: SmtpServer, tired: str) -> None:
    with gateway.transport(smtp.url).open() as line:
        assert line.send(a_message(), sender="portal@example.org", recipient=ANA).kind == ReplyKind.TAKEN
        if tired:
            smtp.refuse("sender", tired, times=1)
        else:
            smtp.stop()
            smtp.start()
        assert line.send(a_message(), sender="portal@example.org", recipient=ANA).kind == ReplyKind.TAKEN
    assert len(smtp.mails) == 2


def test_a_mail_with_a_lost_reply_is_not_resent(smtp: SmtpServer) -> None:
    with gateway.transport(smtp.url).open() as line:
        line.send(a_message(), sender="portal@example.org", recipient=ANA)
        smtp.lose_answer()
        assert line.send(a_message(), sender="portal@example.org", recipient=ANA).kind == ReplyKind.LOST
    assert len(smtp.mails) == 2


TAGGED = "bounces+abc@example.org"
PLAIN = "bounces@example.org"
REPORTS = (("RET=HDRS", "ENVID=abc"), ("NOTIFY=SUCCESS,DELAY,FAILURE",))


def send_tagged(line: gateway.SmtpConnection) -> SmtpReply:
    return line.send(a_message(), sender=TAGGED, plain_sender=PLAIN, recipient=ANA, envelope_id="abc")


def test_delivery_reports_are_requested(smtp: SmtpServer) -> None:
    with gateway.transport(smtp.url).open() as line:
        assert send_tagged(line).kind == ReplyKind.TAKEN
    (mail,) = smtp.mails
    assert (mail.sender, mail.mail_options, mail.rcpt_options) == (TAGGED, *REPORTS)


def test_success_is_not_reported_where_no_one_collects_reports(smtp: SmtpServer) -> None:
    with mail_transport.transport(smtp.url, reports_success=False).open() as line:
        line.send(a_message(), sender=TAGGED, plain_sender=PLAIN, recipient=ANA, envelope_id="abc")
    (mail,) = smtp.mails
    assert (mail.mail_options, mail.rcpt_options) == (REPORTS[0], ("NOTIFY=DELAY,FAILURE",))


def test_reports_are_not_requested_where_they_are_not_offered(smtp_server: StartServer) -> None:
    server = smtp_server(sends_reports=False)
    with gateway.transport(server.url).open() as line:
        assert send_tagged(line).kind == ReplyKind.TAKEN
    (mail,) = server.mails
    assert (mail.sender, mail.mail_options, mail.rcpt_options) == (TAGGED, (), ())


def test_reports_are_requested_after_starttls(smtp_server: StartServer) -> None:
    server = smtp_server(tls="starttls", context=certificates.server_context())
    transport = SmtpTransport(Server("127.0.0.1", server.port, tls=Tls.STARTTLS), certificates.trusting_context())
    with transport.open() as line:
        assert send_tagged(line).kind == ReplyKind.TAKEN
    assert (server.mails[0].mail_options, server.mails[0].rcpt_options) == REPORTS


@pytest.mark.parametrize("code", ["550 5.7.1 Not your address", "553 No such sender"])
def test_a_refused_tagged_sender_is_replaced_once_a_connection(smtp: SmtpServer, code: str) -> None:
    smtp.refuse("sender", code, to=TAGGED)
    with gateway.transport(smtp.url).open() as line:
        assert [send_tagged(line).kind for _ in range(3)] == [ReplyKind.TAKEN] * 3
    assert [(mail.sender, mail.mail_options) for mail in smtp.mails] == [(PLAIN, REPORTS[0])] * 3
    assert smtp.connections == 2  # One for the refusal.


@pytest.mark.parametrize(
    ("stage", "code"),
    [("recipient", "553 5.7.1 Sender address rejected"), ("content", "554 5.2.252 SendAsDenied")],
)
def test_a_sender_refused_late_is_replaced(smtp: SmtpServer, stage: str, code: str) -> None:
    smtp.refuse(stage, code, times=1)  # type: ignore[arg-type]  # One of its stages.
    with gateway.transport(smtp.url).open() as line:
        assert [send_tagged(line).kind for _ in range(2)] == [ReplyKind.TAKEN] * 2
    assert [mail.sender for mail in smtp.mails] == [PLAIN, PLAIN]


@pytest.mark.parametrize("stage", ["sender", "recipient"])
@pytest.mark.parametrize("code", ["555 5.5.4 Unsupported option", "501 Syntax error"])
def test_a_server_that_refuses_the_request_gets_none(smtp: SmtpServer, stage: str, code: str) -> None:
    smtp.refuse(stage, code, times=1)  # type: ignore[arg-type]  # As above.
    with gateway.transport(smtp.url).open() as line:
        assert [send_tagged(line).kind for _ in range(2)] == [ReplyKind.TAKEN] * 2
    assert [(mail.sender, mail.mail_options, mail.rcpt_options) for mail in smtp.mails] == [(PLAIN, (), ())] * 2
    assert smtp.connections == 2


def test_a_server_that_refuses_both_senders_is_our_problem(smtp: SmtpServer) -> None:
    smtp.refuse("sender", "550 5.7.1 Not you")
    with gateway.transport(smtp.url).open() as line:
        answer = send_tagged(line)
    assert answer == SmtpReply(ReplyKind.OURS, Stage.SENDER, "5.7.1", "5.7.1 Not you")


@pytest.mark.parametrize(
    ("stage", "code"),
    [("sender", "451 4.3.0 Later"), ("recipient", "550 5.1.1 No such user"), ("content", "554 5.6.0 Bad")],
)
def test_other_refusals_do_not_change_the_sender(smtp: SmtpServer, stage: str, code: str) -> None:
    smtp.refuse(stage, code, times=1)  # type: ignore[arg-type]  # As above.
    with gateway.transport(smtp.url).open() as line:
        assert send_tagged(line).kind != ReplyKind.TAKEN
        send_tagged(line)
    assert [mail.sender for mail in smtp.mails] == [TAGGED]


def test_an_unreachable_server_is_our_problem() -> None:
    answer = send(SmtpTransport(Server("127.0.0.1", free_port())))
    assert (answer.kind, answer.stage) == (ReplyKind.OURS, Stage.CONNECT)


@pytest.mark.parametrize(
    ("stage", "said"),
    [("connect", Stage.CONNECT), ("login", Stage.LOGIN), ("sender", Stage.SENDER)],
)
def test_a_rejection_of_us_is_our_problem(smtp: SmtpServer, stage: str, said: Stage) -> None:
    smtp.refuse(stage, "554 5.1.1 Not from you")  # type: ignore[arg-type]  # One of its stages.
    answer = send(gateway.transport(smtp.url_with_login))
    assert (answer.kind, answer.stage, smtp.mails) == (ReplyKind.OURS, said, [])


def test_a_missing_mailbox_is_reported_with_its_code(smtp: SmtpServer) -> None:
    smtp.refuse("recipient", "550 5.1.1 No such user", to=ANA)
    answer = send(gateway.transport(smtp.url))
    assert answer == SmtpReply(ReplyKind.MAILBOX, Stage.RECIPIENT, "5.1.1", "5.1.1 No such user")


def test_a_deferred_recipient_is_retried(smtp: SmtpServer) -> None:
    smtp.refuse("content", "451 4.7.1 Greylisted")
    assert send(gateway.transport(smtp.url)).kind == ReplyKind.LATER


def test_a_lost_reply_is_reported(smtp: SmtpServer) -> None:
    smtp.lose_answer()
    assert send(gateway.transport(smtp.url)).kind == ReplyKind.LOST
    assert len(smtp.mails) == 1


def test_a_timeout_after_the_data_is_a_lost_reply(smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "FINAL_REPLY_SECONDS", 0.2)
    smtp.be_slow(1, stage="content")
    assert send(gateway.transport(smtp.url)).kind == ReplyKind.LOST


def test_a_timeout_before_the_data_is_no_lost_reply(smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "STEP_SECONDS", 0.2)
    smtp.be_slow(1, stage="recipient")
    answer = send(gateway.transport(smtp.url))
    assert (answer.kind, answer.stage) == (ReplyKind.OURS, Stage.RECIPIENT)


@pytest.mark.parametrize("says", [b"", b"nonsense\r\n", b"220 \xff\x00\r\n", b"220-" + b"x" * 100_000])
def test_an_invalid_reply_is_our_problem(says: bytes) -> None:
    with an_invalid_server(says) as port:
        answer = send(SmtpTransport(Server("127.0.0.1", port)))
    assert answer.kind == ReplyKind.OURS
    assert answer.text.isprintable()


@contextmanager
def an_invalid_server(says: bytes) -> Iterator[int]:
    """Sends these bytes to each client, then closes the connection."""
    with socket.create_server(("127.0.0.1", 0)) as door:

        def answer() -> None:
            visitor, _ = door.accept()
            with visitor:
                visitor.sendall(says)

        thread = threading.Thread(target=answer)
        thread.start()
        yield door.getsockname()[1]
        thread.join()


@pytest.mark.parametrize(("tls", "ours"), [("starttls", Tls.STARTTLS), ("tls", Tls.FROM_THE_START)])
def test_mail_and_password_are_sent_over_tls(smtp_server: StartServer, tls: str, ours: Tls) -> None:
    server = smtp_server(tls=tls, context=certificates.server_context())
    transport = SmtpTransport(Server("127.0.0.1", server.port, "u", "p", ours), certificates.trusting_context())
    assert send(transport).kind == ReplyKind.TAKEN
    assert len(server.mails) == 1


@pytest.mark.parametrize(("tls", "ours"), [("starttls", Tls.STARTTLS), ("tls", Tls.FROM_THE_START)])
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # aiosmtpd leaves a failed handshake to the garbage collector.
def test_an_untrusted_certificate_gets_nothing(smtp_server: StartServer, tls: str, ours: Tls) -> None:
    server = smtp_server(tls=tls, context=certificates.server_context())
    answer = send(SmtpTransport(Server("127.0.0.1", server.port, "u", "p", ours)))
    assert (answer.kind, answer.stage, server.mails) == (ReplyKind.OURS, Stage.TLS, [])


def test_a_certificate_for_another_name_gets_nothing(smtp_server: StartServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server = smtp_server(tls="starttls", context=certificates.server_context())
    look_up = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _host, *rest: look_up("127.0.0.1", *rest))
    transport = SmtpTransport(
        Server("mail.example.org", server.port, tls=Tls.STARTTLS), certificates.trusting_context()
    )
    assert (send(transport).stage, server.mails) == (Stage.TLS, [])


def test_without_starttls_nothing_is_sent(smtp: SmtpServer) -> None:
    answer = send(SmtpTransport(Server("127.0.0.1", smtp.port, tls=Tls.STARTTLS)))
    assert (answer.kind, answer.stage, smtp.mails) == (ReplyKind.OURS, Stage.TLS, [])


def test_no_password_is_sent_unencrypted(smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "_is_loopback", lambda _smtp: False)
    answer = send(gateway.transport(smtp.url_with_login))
    assert (answer.kind, answer.stage, smtp.mails) == (ReplyKind.OURS, Stage.LOGIN, [])


def test_a_non_ascii_local_part_needs_smtputf8(smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert send(gateway.transport(smtp.url), to="josé@example.org").kind == ReplyKind.TAKEN
    monkeypatch.setattr("smtplib.SMTP.has_extn", lambda _smtp, _name: False)
    answer = send(gateway.transport(smtp.url), to="josé@example.org")
    assert (answer.kind, answer.code) == (ReplyKind.MAILBOX, "5.6.7")
    assert len(smtp.mails) == 1


def test_a_server_without_tls_gets_nothing(smtp: SmtpServer) -> None:
    answer = send(SmtpTransport(Server("127.0.0.1", smtp.port, "u", "p", Tls.FROM_THE_START)))
    assert (answer.kind, answer.stage, smtp.mails) == (ReplyKind.OURS, Stage.TLS, [])


def test_all_steps_together_have_a_deadline(smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "MAIL_SECONDS", 0.0)
    answer = send(gateway.transport(smtp.url))
    assert (answer.kind, answer.text, smtp.mails) == (ReplyKind.OURS, "The server is too slow.", [])


@pytest.mark.parametrize(
    ("last_words", "kind"),
    [
        (b"", ReplyKind.LOST),
        (b"well, perhaps\r\n", ReplyKind.LOST),
        (b"250 Fine\r\n", ReplyKind.TAKEN),
        (b"451 Later\r\n", ReplyKind.LATER),
    ],
)
def test_the_last_reply_of_the_server_decides(last_words: bytes, kind: ReplyKind) -> None:
    replies = [b"220 x\r\n", b"250 x\r\n", b"250 x\r\n", b"250 x\r\n", b"354 x\r\n", last_words]
    with a_scripted_server(replies) as port:
        answer = send(SmtpTransport(Server("127.0.0.1", port)))
    assert answer.kind == kind


def test_reports_cost_no_further_command() -> None:
    replies = [b"220 x\r\n", b"250-x\r\n250 DSN\r\n", b"250 x\r\n", b"250 x\r\n", b"354 x\r\n", b"250 Fine\r\n"]
    with a_scripted_server(replies) as port, SmtpTransport(Server("127.0.0.1", port)).open() as line:
        assert send_tagged(line).kind == ReplyKind.TAKEN


def test_a_rejected_starttls_sends_nothing() -> None:
    with a_scripted_server([b"220 x\r\n", b"250-x\r\n250 STARTTLS\r\n", b"454 4.7.0 Not now\r\n"]) as port:
        answer = send(SmtpTransport(Server("127.0.0.1", port, tls=Tls.STARTTLS)))
    assert (answer.kind, answer.stage) == (ReplyKind.OURS, Stage.TLS)


def test_a_connection_lost_within_the_data_is_no_lost_reply() -> None:
    with a_scripted_server([b"220 x\r\n", b"250 x\r\n", b"250 x\r\n", b"250 x\r\n", b""]) as port:
        answer = send(SmtpTransport(Server("127.0.0.1", port)))
    assert (answer.kind, answer.stage) == (ReplyKind.OURS, Stage.CONTENT)


@contextmanager
def a_scripted_server(replies: list[bytes]) -> Iterator[int]:
    """Sends the replies in order, the first as greeting; closes the connection at an empty one or the end."""
    with socket.create_server(("127.0.0.1", 0)) as door:

        def answer() -> None:
            visitor, _ = door.accept()
            with visitor, visitor.makefile("rb") as lines:
                for reply in filter(None, replies):
                    visitor.sendall(reply)
                    if reply.startswith(b"354"):
                        while lines.readline() not in {b".\r\n", b""}:
                            pass
                    else:
                        lines.readline()

        thread = threading.Thread(target=answer)
        thread.start()
        yield door.getsockname()[1]
        thread.join()
