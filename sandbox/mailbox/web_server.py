"""The pages of the mailbox: the list, and each email as HTML, text, headers and source."""

import re
from collections.abc import Callable, Iterable
from html import escape
from http import HTTPStatus
from pathlib import Path
from socketserver import ThreadingMixIn
from string import Template
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from sandbox.mailbox.mail_store import Mail, Mailbox

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

HERE = Path(__file__).parent
STYLE = (HERE / "mailbox.css").read_text(encoding="utf-8")
FRAME = Template((HERE / "frame.html").read_text(encoding="utf-8"))
ADDRESS = re.compile(r"/(?P<name>[0-9TZ-]+)(?P<part>/html|\.eml)?")
LINK = re.compile(r"<a\b", re.IGNORECASE)
WEB_ADDRESS = re.compile(r"https?://[^\s<>\"]+")
# The Host header must name this machine, so that no other site can read sign-in links (DNS rebinding).
OWN_NAMES = {"localhost", "127.0.0.1"}

PAGE_POLICY = "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'"
# The content is untrusted: only inline styles are allowed. Links open in a new page.
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)


class MailboxPages:
    """The WSGI application."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        status, kind, policy, body = self.answer(environ)
        raw = body.encode() if isinstance(body, str) else body
        start_response(
            f"{status.value} {status.phrase}",
            [
                ("Content-Type", kind),
                ("Content-Length", str(len(raw))),
                ("Content-Security-Policy", policy),
                ("X-Content-Type-Options", "nosniff"),
                ("Referrer-Policy", "no-referrer"),
                ("Cache-Control", "no-store"),
            ],
        )
        return [raw]

    def answer(self, environ: "WSGIEnvironment") -> tuple[HTTPStatus, str, str, str | bytes]:
        if environ.get("HTTP_HOST", "").rpartition(":")[0] not in OWN_NAMES:
            return self._plain(HTTPStatus.MISDIRECTED_REQUEST, "This mailbox answers to localhost only.")
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            return self._plain(HTTPStatus.METHOD_NOT_ALLOWED, "This mailbox can only be read.")
        path = environ.get("PATH_INFO", "/")
        if path == "/":
            return self._page("Mailbox", _list(self.mailbox.newest_first()))
        if path == "/mailbox.css":
            return HTTPStatus.OK, "text/css; charset=utf-8", PAGE_POLICY, STYLE
        found = ADDRESS.fullmatch(path)
        mail = self.mailbox.find(found["name"]) if found else None
        if found is None or mail is None:
            return self._page("Nothing here", '<p><a href="/">All mails</a></p>', status=HTTPStatus.NOT_FOUND)
        if found["part"] == "/html":
            return HTTPStatus.OK, "text/html; charset=utf-8", MAIL_POLICY, _opening_elsewhere(mail.body("html"))
        if found["part"] == ".eml":
            return HTTPStatus.OK, "text/plain; charset=utf-8", PAGE_POLICY, mail.raw
        return self._page(mail.header("Subject") or "No subject", _mail(mail))

    def _page(
        self, title: str, content: str, *, status: HTTPStatus = HTTPStatus.OK
    ) -> tuple[HTTPStatus, str, str, str]:
        page = FRAME.substitute(title=escape(title), content=content)
        return status, "text/html; charset=utf-8", PAGE_POLICY, page

    def _plain(self, status: HTTPStatus, sentence: str) -> tuple[HTTPStatus, str, str, str]:
        return status, "text/plain; charset=utf-8", PAGE_POLICY, sentence + "\n"


def _list(mails: Iterable[Mail]) -> str:
    rows = "".join(
        f'<li data-testid="mail"><a href="/{mail.name}"><b>{escape(mail.header("Subject") or "No subject")}</b>'
        f"<span>To {escape(mail.header('To'))}</span><span>From {escape(mail.header('From'))}</span>"
        f"{_time(mail)}</a></li>"
        for mail in mails
    )
    if not rows:
        return "<p>No mail yet. What Portico sends in this demo arrives here and nowhere else.</p>"
    return f'<p class="actions"><a href="/">Refresh</a></p><ul class="mails">{rows}</ul>'


def _time(mail: Mail) -> str:
    return f'<time datetime="{mail.taken_at.isoformat()}">{mail.taken_at:%b %d, %H:%M:%S} UTC</time>'


def _mail(mail: Mail) -> str:
    headers = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in mail.headers)
    return (
        f'<p class="actions"><a href="/">All mails</a> <a href="/{mail.name}.eml">Source</a></p>'
        f'<p class="who">To {escape(mail.header("To"))}<br>From {escape(mail.header("From"))}<br>{_time(mail)}</p>'
        f'<section><h2>As HTML</h2><iframe src="/{mail.name}/html" title="The mail as HTML" '
        'sandbox="allow-popups allow-popups-to-escape-sandbox"></iframe></section>'
        f'<section><h2>As text</h2><pre data-testid="text" tabindex="0">{_linked(mail.body("plain"))}</pre></section>'
        f'<section><h2>Headers</h2><div class="wide" tabindex="0"><table>{headers}</table></div></section>'
        f"<section><h2>Source</h2><details><summary>Show</summary>"
        f'<pre tabindex="0">{escape(mail.raw.decode("utf-8", "replace"))}</pre></details></section>'
    )


def _linked(text: str) -> str:
    """Turns URLs in a text into links, as email clients do."""
    parts, end = [], 0
    for found in WEB_ADDRESS.finditer(text):
        address = escape(found[0].rstrip(".,;:!?)"))
        parts.append(escape(text[end : found.start()]))
        parts.append(f'<a href="{address}" target="_blank" rel="noopener">{address}</a>')
        end = found.start() + len(found[0].rstrip(".,;:!?)"))
    return "".join(parts) + escape(text[end:])


def _opening_elsewhere(html: str) -> str:
    return LINK.sub('<a target="_blank" rel="noopener"', html)


class _Quiet(WSGIRequestHandler):
    """A request handler that logs no requests."""

    def log_message(self, format: str, *values: object) -> None:  # noqa: A002  # The name is the library's.
        pass


class _Threads(ThreadingMixIn, WSGIServer):
    daemon_threads = True


def server(mailbox: Mailbox, *, port: int) -> WSGIServer:
    application: Callable[..., Iterable[bytes]] = MailboxPages(mailbox)
    return make_server("127.0.0.1", port, application, server_class=_Threads, handler_class=_Quiet)
