"""The round-trip check: a message that would be read differently is detected before it is sent."""

import pytest

from portico.plumbing.mail.parse_check import MisreadMail, NamedMailbox, check

ALDER = NamedMailbox("Elm, Oak and Partners", "portal@oak.example")
FROM = b'From: "Elm, Oak and\r\n Partners" <portal@oak.example>\r\n'
SUBJECT = b"Subject: Hello\r\n"
END = b"\r\nA line.\r\n"


def read(raw: bytes) -> None:
    check(raw, subject="Hello", mailboxes={"From": ALDER})


def test_an_intact_message_passes() -> None:
    read(FROM + SUBJECT + END)
    read(b"From: =?utf-8?q?Elm=2C_Oak?=\r\n =?utf-8?b?IGFuZCBQYXJ0bmVycw==?= <portal@oak.example>\r\n" + SUBJECT + END)


@pytest.mark.parametrize(
    "raw",
    [
        # Python's email package has folded long names like this.
        b"From: Elm,\r\n Oak and Partners <portal@oak.example>\r\n" + SUBJECT + END,
        FROM + b"To: " + b"x" * 60 + b"\r\n \r\n " + b"y" * 60 + b" <a@b.example>\r\n" + SUBJECT + END,
        FROM.replace(b">", b">, <eve@evil.example>") + SUBJECT + END,
        FROM.replace(b"Partners", b"Others") + SUBJECT + END,
        FROM.replace(b"portal", b"eve") + SUBJECT + END,
        FROM + FROM + SUBJECT + END,
        FROM + b"Bcc: eve@evil.example\r\n" + SUBJECT + END,
        FROM + b"To: <>\r\n" + SUBJECT + END,
        FROM + SUBJECT.replace(b"Hello", b"=?utf-8?q?Hello=0D=0ABcc:_x@evil.example?=") + END,
        FROM + SUBJECT.replace(b"Hello", b"Hello " + b"x" * 1000) + END,
        FROM + SUBJECT.replace(b"\r\n", b"\n") + END,
        FROM + SUBJECT + b"No colon\r\n" + END,
        FROM + SUBJECT,
        SUBJECT + END,
        FROM + END,
        FROM + SUBJECT + b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="x"\r\n' + END,
    ],
)
def test_a_message_read_differently_is_refused(raw: bytes) -> None:
    with pytest.raises(MisreadMail):
        read(raw)
