"""`portico send-test-email` prints the mail server's reply."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from sandbox.postmark import server
from sandbox.postmark.server import Postmark
from tests.support.servers.ports import free_port
from tests.support.servers.smtp import SmtpServer, Stage


def send(url: str, address: str = "ana@mail.example") -> str:
    answer = StringIO()
    with override_settings(EMAIL_URL=url):
        call_command("send_test_email", address, stdout=answer)
    return answer.getvalue()


def test_success_is_reported(smtp: SmtpServer) -> None:
    output = send(smtp.url)
    assert output == (
        f"The mail server 127.0.0.1:{smtp.port} accepted the email. Check whether it arrives at ana@mail.example. "
        "It said: 2.0.0 Taken\n"
    )
    (mail,) = smtp.mails
    assert (mail.recipient, mail.message["From"], mail.message["Subject"]) == (
        "ana@mail.example",
        "portal@portico.example",
        "A test email from Portico",
    )


@pytest.mark.parametrize(
    ("stage", "answer", "words"),
    [
        ("sender", "550 5.7.1 Not you", "It refuses the sender, EMAIL_FROM or EMAIL_RETURN_PATH."),
        ("recipient", "550 5.1.1 No such user", "this mailbox does not exist or takes no mail"),
        ("recipient", "451 4.3.0 Later", "It puts us off"),
        ("content", "554 5.6.0 Bad", "It refuses this mail."),
    ],
)
def test_a_refusal_quotes_the_servers_reply(smtp: SmtpServer, stage: Stage, answer: str, words: str) -> None:
    smtp.refuse(stage, answer)
    with pytest.raises(CommandError) as refused:
        send(smtp.url)
    assert words in str(refused.value)
    assert f"It said: {answer[4:]}" in str(refused.value)


def test_a_refused_login_never_prints_the_password(smtp: SmtpServer) -> None:
    smtp.refuse("login", "535 5.7.8 Bad credentials")
    with pytest.raises(CommandError, match="It refuses the user, password or key of EMAIL_URL") as refused:
        send(smtp.url_with_login)
    assert "secret" not in str(refused.value)


def test_a_provider_is_named_with_its_reply() -> None:
    postmark = Postmark("hidden", "portal@portico.example")
    with server.running(postmark) as url:
        assert send(url).startswith("Postmark accepted the email.")
        with pytest.raises(CommandError, match="It sends nothing to this address, which is on its own list"):
            send(url, "inactive@mail.example")
        postmark.token = "another"
        with pytest.raises(CommandError, match="Postmark did not accept the email") as refused:
            send(url)
    assert "hidden" not in str(refused.value)
    assert [mail["Subject"] for mail in postmark.mails] == ["A test email from Portico"]


def test_an_unreachable_server_is_reported() -> None:
    with pytest.raises(CommandError, match=r"It cannot be reached\."):
        send(f"smtp://127.0.0.1:{free_port()}")


def test_an_invalid_address_is_refused(smtp: SmtpServer) -> None:
    with pytest.raises(CommandError, match="'ana' is not an email address"):
        send(smtp.url, "ana")
