"""The HTTP server, on loopback only: `POST /email` as in Postmark's documentation, and its webhook events.

What happens to a mail depends on its address: see `outcomes`. https://postmarkapp.com/developer/api/email-api
"""

import base64
import json
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parseaddr
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from sandbox.postmark import outcomes

MOST_BYTES = 10 * 1024 * 1024
REQUIRED = ("From", "To")


@dataclass
class Postmark:
    """The state: the mails that were accepted, with their ids, and where events are sent.

    `is_away` makes the service answer 503; `sender` is the only confirmed one.
    """

    token: str
    sender: str
    mails: list[dict[str, Any]] = field(default_factory=list)  # Any: JSON, as sent, with `MessageID`.
    is_away: bool = False

    def take(self, mail: dict[str, Any]) -> tuple[int, dict[str, Any]]:  # Any: as above.
        """Returns the status and the response to a request to send one mail."""
        if self.is_away:
            return HTTPStatus.SERVICE_UNAVAILABLE, _error(100, "Maintenance")
        if missing := [name for name in REQUIRED if not mail.get(name)]:
            return HTTPStatus.UNPROCESSABLE_ENTITY, _error(300, f"Zero recipients specified or no '{missing[0]}'")
        if parseaddr(mail["From"])[1] != self.sender:
            text = "The 'From' address you supplied is not a Sender Signature on your account."
            return HTTPStatus.UNPROCESSABLE_ENTITY, _error(400, text)
        address = parseaddr(mail["To"])[1]
        if outcomes.is_inactive(address):
            text = (
                "You tried to send to recipient(s) that have been marked as inactive. Found inactive addresses: "
                f"{address}. Inactive recipients are ones that have generated a hard bounce, a spam complaint, "
                "or a manual suppression."
            )
            return HTTPStatus.UNPROCESSABLE_ENTITY, _error(406, text)
        accepted = mail | {"MessageID": outcomes.new_id()}
        self.mails.append(accepted)
        return HTTPStatus.OK, {
            "To": mail["To"],
            "SubmittedAt": outcomes.now(),
            "MessageID": accepted["MessageID"],
            "ErrorCode": 0,
            "Message": "OK",
        }

    def send_events(self, url: str, *, user: str, password: str) -> list[int]:
        """Posts the event of each mail to the webhook; returns the statuses of its responses."""
        login = base64.b64encode(f"{user}:{password}".encode()).decode()
        statuses = []
        for mail in self.mails:
            body = json.dumps(outcomes.event_of(mail)).encode()
            headers = {"Content-Type": "application/json", "Authorization": f"Basic {login}"}
            request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310  # Of the test.
            with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
                statuses.append(response.status)
        return statuses


def _error(code: int, text: str) -> dict[str, Any]:  # Any: as above.
    return {"ErrorCode": code, "Message": text}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, postmark: Postmark) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.postmark = postmark


class _Handler(BaseHTTPRequestHandler):
    server_version = "sandbox"
    sys_version = ""
    timeout = 60
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:  # The name is the library's.
        postmark = cast(_Server, self.server).postmark
        body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), MOST_BYTES))
        if self.headers.get("X-Postmark-Server-Token") != postmark.token:
            self._answer(HTTPStatus.UNAUTHORIZED, _error(10, "Bad or missing Server API token."))
        elif self.path != "/email":
            self._answer(HTTPStatus.NOT_FOUND, _error(0, "No such address."))
        else:
            self._answer(*postmark.take(json.loads(body)))

    def log_message(self, format: str, *values: object) -> None:  # noqa: A002  # The name is the library's.
        pass

    def _answer(self, status: int, content: dict[str, Any]) -> None:  # Any: as above.
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def running(postmark: Postmark) -> Iterator[str]:
    """Runs the server; yields EMAIL_URL for it."""
    server = _Server(postmark)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"anymail+postmark://{postmark.token}@127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
