"""The SMTP server for tests does what a test tells it."""

import gc
import smtplib
import socket
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from email.message import EmailMessage

import pytest

from tests.support.servers import certificates
from tests.support.servers.smtp import SmtpServer, Stage

ANA, CAROL = "ana@example.org", "carol@example.org"


def send(server: SmtpServer, *, to: str = ANA, login: bool = False, patience: float = 5) -> None:
    message = EmailMessage()
    message["Subject"] = "Hello"
    message.set_content("A line.")
    with smtplib.SMTP("127.0.0.1", server.port, local_hostname="test", timeout=patience) as client:
        if login:
            client.login("portico", "secret")
        client.send_message(message, "portal@example.org", [to])


def test_it_accepts_and_stores_a_mail(smtp: SmtpServer) -> None:
    send(smtp)
    (mail,) = smtp.wait_for(1)
    assert (mail.sender, mail.recipient, mail.message["Subject"]) == ("portal@example.org", ANA, "Hello")
    assert mail.text() == "A line.\n"


@pytest.mark.parametrize("stage", ["connect", "login", "sender", "recipient", "content"])
def test_it_refuses_at_the_given_stage(smtp: SmtpServer, stage: Stage) -> None:
    smtp.refuse(stage, "554 5.7.1 Not from you", times=1)
    with pytest.raises(smtplib.SMTPException, match=r"5\.7\.1"):
        send(smtp, login=stage == "login")
    assert smtp.mails == []
    send(smtp)
    assert len(smtp.mails) == 1


def test_it_refuses_one_recipient_only(smtp: SmtpServer) -> None:
    smtp.refuse("recipient", "550 5.1.1 No such user", to=CAROL)
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(smtp, to=CAROL)
    send(smtp, to=ANA)
    assert [mail.recipient for mail in smtp.mails] == [ANA]


def test_it_accepts_a_mail_and_loses_the_reply(smtp: SmtpServer) -> None:
    smtp.lose_answer()
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionResetError)):
        send(smtp)
    assert len(smtp.mails) == 1


def test_it_goes_down_and_comes_back_on_the_same_port(smtp: SmtpServer) -> None:
    smtp.stop()
    with pytest.raises(ConnectionRefusedError):
        send(smtp)
    smtp.start()
    send(smtp)
    assert len(smtp.mails) == 1


def test_it_is_as_slow_as_told(smtp: SmtpServer) -> None:
    smtp.be_slow(1)
    with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
        send(smtp, patience=0.3)


def test_it_encrypts_for_clients_that_trust_its_certificate(smtp_server: Callable[..., SmtpServer]) -> None:
    starttls = smtp_server(tls="starttls", context=certificates.server_context())
    with smtplib.SMTP("127.0.0.1", starttls.port, local_hostname="test") as client:
        assert client.starttls(context=certificates.trusting_context())[0] == 220
    implicit = smtp_server(tls="tls", context=certificates.server_context())
    with smtplib.SMTP_SSL("127.0.0.1", implicit.port, context=certificates.trusting_context()) as client:
        assert client.noop()[0] == 250


def test_stopping_leaks_no_connection_of_clients_that_go_on_connecting() -> None:
    server = SmtpServer()
    stopped, connections = threading.Event(), list[socket.socket]()

    def connect() -> None:
        while not stopped.is_set():
            with suppress(OSError):
                connections.append(socket.create_connection(("127.0.0.1", server.port), timeout=1))

    threads = [threading.Thread(target=connect) for _ in range(3)]
    with warnings.catch_warnings(record=True, action="always") as caught:
        server.start()
        for thread in threads:
            thread.start()
        while len(connections) < 20:
            time.sleep(0.001)
        server.stop()
        stopped.set()
        for thread in threads:
            thread.join()
        for connection in connections:
            connection.close()
        gc.collect()
    assert not [each for each in caught if issubclass(each.category, ResourceWarning)]
