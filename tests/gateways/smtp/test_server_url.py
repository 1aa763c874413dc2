"""EMAIL_URL is parsed, or refused with a message that does not repeat its password."""

import pytest

from portico.gateways.smtp.server_url import SmtpServer, Tls, parse


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://localhost", SmtpServer("localhost", 25)),
        ("smtp://mail.example.org:2525", SmtpServer("mail.example.org", 2525)),
        ("smtp://[::1]:2525", SmtpServer("::1", 2525)),
        ("smtp://u:p@127.0.0.1:25", SmtpServer("127.0.0.1", 25, "u", "p")),
        ("smtps://u%40x.example:p%3A%2F@a.test", SmtpServer("a.test", 465, "u@x.example", "p:/", Tls.FROM_THE_START)),
        ("smtp+starttls://u:p@mail.example.org", SmtpServer("mail.example.org", 587, "u", "p", Tls.STARTTLS)),
    ],
)  # fmt: skip
def test_a_valid_url_is_parsed(url: str, server: SmtpServer) -> None:
    assert parse(url) == server


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.example.org",
        "http://mail.example.org",
        "smtp://",
        "smtp://host:0",
        "smtp://host:99999",
        "smtp://host/folder",
        "smtps://user@host",
        "smtp+starttls://:hidden@host",
        "smtps://user:hidd%C3%A9n@host",
        "smtps://user:hidden%0A@host",
        "smtp://user:hidden@mail.example.org",
        "smtp://[::1",
    ],
)
def test_an_error_does_not_reveal_the_password(url: str) -> None:
    with pytest.raises(ValueError, match=r"\.$") as refused:
        parse(url)
    assert "hidd" not in str(refused.value)


def test_the_repr_does_not_reveal_the_password() -> None:
    assert "hidden" not in repr(parse("smtps://user:hidden@host"))
