"""Sending by a provider: the message arrives whole with its tag, and each reply means what the provider says."""

import base64
import json
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from email.policy import default as default_policy
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from portico.gateways.anymail.provider_url import parse
from portico.gateways.anymail.providers import PROVIDERS
from portico.gateways.anymail.transport import TAG, transport
from portico.gateways.smtp.replies import ReplyKind, SmtpReply, Stage
from portico.plumbing.mail import mime_messages
from portico.plumbing.mail.parse_check import NamedMailbox
from sandbox.postmark import server
from sandbox.postmark.server import Postmark
from tests.support.servers.ports import free_port

pytestmark = pytest.mark.sqlite

NAME = 'Dr. Naomi "Nao" Elm-Oakley, Ph.D., Ñandú'
TEXT = "Hello Ana,\n\n.a line with a dot\nYour link: https://portal.example/link/abc/\n"
TOKEN = "3e1d8f1c-0000-4000-8000-000000000000"


def a_message(recipient: str = "ana@mail.example") -> bytes:
    body = EmailMessage(policy=SMTP)
    body.set_content(TEXT)
    body.add_alternative("<p>Hello Ana, <b>Ñ</b></p>", subtype="html")
    body.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="getting-started-en.pdf")
    return mime_messages.assemble(
        {
            "From": NamedMailbox(NAME, "portal@portico.example"),
            "To": NamedMailbox("Ana Ábreu", recipient),
            "Reply-To": NamedMailbox(NAME, "desk@alder.example"),
        },
        "Your portal is ready – ¡hola!",
        body,
        message_id="<abc@portico.example>",
        at=datetime(2026, 11, 30, tzinfo=UTC),
    )


@pytest.fixture
def postmark() -> Postmark:
    return Postmark(TOKEN, "portal@portico.example")


def send(url: str, recipient: str = "ana@mail.example") -> SmtpReply:
    return transport(url).send(a_message(recipient), sender="x@y.example", recipient=recipient, envelope_id="the-tag")


def test_the_whole_message_reaches_postmark(postmark: Postmark) -> None:
    with server.running(postmark) as url:
        reply = send(url)
    assert (reply.kind, reply.text[:8]) == (ReplyKind.TAKEN, "Postmark")
    (mail,) = postmark.mails
    assert mail["MessageID"] in reply.text
    assert mail["Subject"] == "Your portal is ready – ¡hola!"
    assert mail["TextBody"] == TEXT
    assert mail["HtmlBody"].strip() == "<p>Hello Ana, <b>Ñ</b></p>"
    for field, address in (
        ("From", "portal@portico.example"),
        ("To", "ana@mail.example"),
        ("ReplyTo", "desk@alder.example"),
    ):
        assert address in mail[field]
    assert mail["Metadata"] == {TAG: "the-tag"}
    assert (mail["TrackOpens"], mail["TrackLinks"]) == (False, "None")
    assert {each["Name"]: each["Value"] for each in mail["Headers"]} == {
        "Auto-Submitted": "auto-generated",
        "Message-ID": "<abc@portico.example>",
        "X-PM-KeepID": "true",
    }
    (attached,) = mail["Attachments"]
    assert (attached["Name"], attached["ContentType"]) == ("getting-started-en.pdf", "application/pdf")
    assert base64.b64decode(attached["Content"]) == b"%PDF-1.7"


def test_names_in_any_script_stay_whole(postmark: Postmark) -> None:
    with server.running(postmark) as url:
        send(url)
    parsed = EmailMessage(policy=SMTP)
    parsed["From"] = postmark.mails[0]["From"]
    (address,) = parsed["From"].addresses
    assert (address.display_name, address.addr_spec) == (NAME, "portal@portico.example")


def test_a_connection_serves_several_mails(postmark: Postmark) -> None:
    with server.running(postmark) as url, transport(url).open() as connection:
        for number in range(3):
            recipient = f"n{number}@mail.example"
            assert connection.send(a_message(recipient), sender="", recipient=recipient).kind is ReplyKind.TAKEN
    assert [mail["To"].rpartition("<")[2] for mail in postmark.mails] == [
        f"n{number}@mail.example>" for number in range(3)
    ]


def test_an_address_on_postmarks_list_is_told_apart(postmark: Postmark) -> None:
    with server.running(postmark) as url:
        reply = send(url, "inactive@mail.example")
    assert (reply.kind, reply.stage) == (ReplyKind.LISTED, Stage.RECIPIENT)
    assert "marked as inactive" in reply.text


def test_what_concerns_every_mail_is_our_own_trouble(postmark: Postmark) -> None:
    with server.running(postmark) as url:
        postmark.sender = "other@portico.example"
        assert send(url).stage is Stage.SENDER
        postmark.token = "another"
        assert send(url).stage is Stage.LOGIN
        postmark.token = TOKEN
        postmark.is_away = True
        reply = send(url)
    assert (reply.kind, reply.stage) == (ReplyKind.OURS, Stage.CONNECT)
    assert postmark.mails == []


def test_an_unreachable_provider_is_our_own_trouble() -> None:
    reply = send(f"anymail+postmark://{TOKEN}@127.0.0.1:{free_port()}")
    assert (reply.kind, reply.stage) == (ReplyKind.OURS, Stage.CONNECT)
    assert TOKEN not in reply.text


class Api:
    """Answers each request with one response, and keeps the requests; without a status it drops the connection."""

    def __init__(self, status: int | None, body: object, headers: dict[str, str] | None = None) -> None:
        api = self
        self.requests: list[tuple[str, dict[str, str], bytes]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                api.requests.append((self.path, dict(self.headers), raw))
                if status is None:
                    self.connection.close()
                    return
                content = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in ({"Content-Type": "application/json"} | (headers or {})).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:  # Any: the library's own.
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> "Api":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def url(self, provider: str) -> str:
        login = "key:secret" if PROVIDERS[provider].second_key_option else "key"
        region = "?region=us-east-1" * PROVIDERS[provider].needs_option
        return f"anymail+{provider}://{login}@127.0.0.1:{self.server.server_address[1]}{region}"


# The response of each provider that has accepted a mail, as in its documentation.
ACCEPTED: dict[str, tuple[int, object] | tuple[int, object, dict[str, str]]] = {
    "amazon-ses": (200, {"MessageId": "0100018f-EXAMPLE-000000"}),
    "brevo": (201, {"messageId": "<201798300811.5787683@relay.domain.com>"}),
    "mailersend": (202, b"", {"Content-Type": "text/html", "X-Message-Id": "63fd1c1d5f010335ed07066b"}),
    "mailgun": (200, {"id": "<20260530115959.1.ABC@portico.example>", "message": "Queued. Thank you."}),
    "mailjet": (
        200,
        {
            "Messages": [
                {"Status": "success", "To": [{"Email": "ana@mail.example", "MessageID": 456, "MessageUUID": "1"}]}
            ]
        },
    ),
    "mailtrap": (200, {"success": True, "message_ids": ["0c7fd939-02cf-11ed-88c2-0a58a9feac02"]}),
    "postmark": (200, {"To": "ana@mail.example", "MessageID": "0a129aee", "ErrorCode": 0, "Message": "OK"}),
    "resend": (200, {"id": "49a3999c-0ce1-4ea6-ab68-afcd6dc2e794"}),
    "sendgrid": (202, {}),
    "sparkpost": (
        200,
        {"results": {"total_rejected_recipients": 0, "total_accepted_recipients": 1, "id": "11668787484950529"}},
    ),
}


def text_of(provider: str, raw: bytes, content_type: str) -> str:
    """Returns the request as text, whatever the provider's names of the parts."""
    if provider == "amazon-ses":
        message = base64.b64decode(json.loads(raw)["Content"]["Raw"]["Data"])
        parsed = message_from_bytes(message, policy=default_policy)
        parts = [str(part.get_content()) for part in parsed.walk() if part.get_content_maintype() == "text"]
        return "\n".join([*(f"{name}: {value}" for name, value in parsed.items()), *parts, message.decode()])
    sent = raw.decode("utf-8", "replace")
    return json.dumps(json.loads(sent), ensure_ascii=False) if "json" in content_type else sent


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_provider_gets_the_message_with_its_tag(provider: str) -> None:
    with Api(*ACCEPTED[provider]) as api:
        reply = send(api.url(provider))
    assert reply.kind is ReplyKind.TAKEN, reply
    ((path, headers, raw),) = api.requests
    assert path.startswith(parse(f"{api.url(provider)}").api_url.partition(str(api.server.server_address[1]))[2])
    sent = text_of(provider, raw, headers["Content-Type"])
    for part in (
        "the-tag",
        "ana@mail.example",
        "portal@portico.example",
        "desk@alder.example",
        "¡hola!",
    ):
        assert part in sent, part
    assert ("auto-generated" in sent) is PROVIDERS[provider].takes_header_fields
    assert "https://portal.example/link/abc/" in sent
    assert "getting-started-en.pdf" in sent
    assert "JVBERi0xLjc=" in sent or "%PDF-1.7" in sent
    assert ("<abc@portico.example>" in sent) is PROVIDERS[provider].keeps_message_id


def test_an_address_on_mailersends_list_is_told_apart() -> None:
    recipient = {"email": "ana@mail.example", "name": "Ana", "reasons": ["hard_bounced"]}
    body = {"warnings": [{"type": "ALL_SUPPRESSED", "warning": "Suppressed.", "recipients": [recipient]}]}
    with Api(202, body) as api:
        reply = send(api.url("mailersend"))
    assert (reply.kind, reply.stage) == (ReplyKind.LISTED, Stage.RECIPIENT), reply


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("recipient", ["ñandú@mail.example", "o'hara+portal@mail.example", "a@xn--bcher-kva.example"])
def test_an_unusual_address_never_raises(provider: str, recipient: str) -> None:
    with Api(*ACCEPTED[provider]) as api:
        reply = send(api.url(provider), recipient)
    assert reply.kind in {ReplyKind.TAKEN, ReplyKind.MESSAGE}, reply
    if reply.kind is ReplyKind.TAKEN:
        sent = text_of(provider, api.requests[0][2], api.requests[0][1]["Content-Type"])
        local = recipient.partition("@")[0]
        assert local in sent or json.dumps(local)[1:-1] in sent


@pytest.mark.parametrize(
    ("status", "body", "kind", "stage"),
    [
        (401, {"message": "Invalid API key"}, ReplyKind.OURS, Stage.LOGIN),
        (403, {"message": "The portico.example domain is not verified."}, ReplyKind.OURS, Stage.SENDER),
        (402, {"message": "Not enough credits"}, ReplyKind.OURS, Stage.LOGIN),
        (429, {"message": "Too many requests"}, ReplyKind.OURS, Stage.CONNECT),
        (503, {"message": "Maintenance"}, ReplyKind.OURS, Stage.CONNECT),
        (422, {"message": "Invalid `from` field."}, ReplyKind.OURS, Stage.SENDER),
        (422, {"message": "The from.email domain must be verified in your account."}, ReplyKind.OURS, Stage.SENDER),
        (422, {"message": "Invalid attachment."}, ReplyKind.MESSAGE, Stage.CONTENT),
        (400, {"message": "Illegal email domain in the recipient's address"}, ReplyKind.MESSAGE, Stage.CONTENT),
        # It may have accepted the mail.
        (500, {"message": "Internal error"}, ReplyKind.LOST, Stage.CONTENT),
        (502, {}, ReplyKind.LOST, Stage.CONTENT),
        (200, {"unexpected": True}, ReplyKind.LOST, Stage.CONTENT),
        (None, {}, ReplyKind.LOST, Stage.CONTENT),
    ],
)
def test_each_error_is_classified(status: int | None, body: object, kind: ReplyKind, stage: Stage) -> None:
    with Api(status, body) as api:
        reply = send(api.url("resend"))
    assert (reply.kind, reply.stage) == (kind, stage), reply
    assert "key" not in reply.text.lower().replace("api key", "")


@pytest.mark.parametrize(
    ("status", "code", "text", "kind", "stage"),
    [
        (400, "MessageRejected", "Email address is not verified.", ReplyKind.OURS, Stage.SENDER),
        (400, "MessageRejected", "Illegal address", ReplyKind.MESSAGE, Stage.CONTENT),
        (400, "AccountSuspendedException", "Your account is suspended.", ReplyKind.OURS, Stage.LOGIN),
        (403, "InvalidClientTokenId", "The security token is invalid.", ReplyKind.OURS, Stage.LOGIN),
        (429, "TooManyRequestsException", "Maximum sending rate exceeded.", ReplyKind.OURS, Stage.CONNECT),
        (500, "InternalFailure", "", ReplyKind.LOST, Stage.CONTENT),
    ],
)
def test_each_error_of_amazon_is_classified(status: int, code: str, text: str, kind: ReplyKind, stage: Stage) -> None:
    with Api(status, {"message": text}, {"x-amzn-ErrorType": code}) as api:
        reply = send(api.url("amazon-ses"))
    assert (reply.kind, reply.stage) == (kind, stage), reply
    # AWS's library would repeat a request that may have sent the mail.
    assert len(api.requests) == 1


def test_an_unreachable_amazon_is_our_own_trouble() -> None:
    reply = send(f"anymail+amazon-ses://key:secret@127.0.0.1:{free_port()}?region=us-east-1")
    assert (reply.kind, reply.stage) == (ReplyKind.OURS, Stage.CONNECT), reply
