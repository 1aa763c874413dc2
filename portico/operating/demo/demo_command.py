"""`portico demo`: runs the whole product on this machine with sample data. Needs no configuration."""

import argparse
import base64
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from http.client import HTTPConnection, HTTPException
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

from portico.operating import listening_sockets
from portico.operating.demo.supervisor import Supervisor

FOLDER = Path(".demo")
PEOPLE = Path(__file__).with_name("demo_people.json")
KEYS = "keys.json"
LOG = "portico.log"
# Written once the sample data are loaded: an interrupted first start begins again.
READY = "ready"
# A client with open invoices, and the sandbox card that always succeeds.
PAYS, CARD = "alex@moss.example", "4242 4242 4242 4242"
# A client whose invitation bounced.
LOCKED_OUT = "Gale Winters"
SENDER = "portal@portico.example"
SECONDS_TO_START = 60.0
PORTICO = (sys.executable, "-m", "portico")


def main(arguments: list[str]) -> int:
    """Runs the demo until Ctrl-C. Returns the exit code."""
    options = _parser().parse_args(arguments)
    problem = (
        describe_taken_port(options.port) if find_spec("sandbox") else "The demo needs a checkout of Portico's source."
    )
    if problem:
        print(problem, file=sys.stderr)
        return 1
    try:
        _prepare_folder(reset=options.reset)
    except OSError as error:
        print(f"The demo stores its data in {FOLDER}, which is not writable: {error}.", file=sys.stderr)
        return 1
    summary = _summary(options.port)
    parts = Supervisor(process_environment(options.port), FOLDER / LOG, summary)
    parts.listen_to_signals()
    parts.start("mailbox", _mailbox(options.port))
    parts.start("stripe", _stripe(options.port))
    try:
        if not _make_ready(parts):
            parts.stop()
            return 0 if parts.stopping.is_set() else 1
        parts.start("worker", [*PORTICO, "worker"])
        parts.start("web", [*PORTICO, "web", "--port", str(options.port)])
        if _wait_until_ready(parts, options.port):
            print(summary, flush=True)
        return parts.watch()
    except BaseException:
        parts.stop()
        raise


def describe_taken_port(port: int) -> str:
    """Returns a sentence about the first port of the demo that is taken, or ""."""
    for needed, part in (
        (port, "the web server"),
        (port + 1, "the mailbox"),
        (port + 2, "the sandbox Stripe"),
        (port + 3, "the mail server"),
        (port + 4, "the delivery reports"),
    ):
        if not listening_sockets.is_free("127.0.0.1", needed):
            return (
                f"Port {needed} for {part} is in use, perhaps by another demo. "
                f"Stop it or choose another port: make demo PORT={port + 1000 if port < 60000 else 9000}"
            )
    return ""


def process_environment(port: int) -> dict[str, str]:
    """Returns the environment of the demo's processes. Portico's own variables are never taken from this shell."""
    keys = json.loads((FOLDER / KEYS).read_text())
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "portico.settings",
        "PORTICO_DEMO": "1",
        "PORTICO_DEMO_GUIDE": json.dumps(_guide(port)),
        "PUBLIC_BASE_URL": f"http://localhost:{port}",
        "ALLOWED_HOSTS": "localhost",
        "SECRET_KEY": keys["SECRET_KEY"],
        "SECRET_KEY_FALLBACKS": "",
        "FIELD_KEYS": keys["FIELD_KEYS"],
        # Quoted as bytes: the path may hold any character.
        "DATABASE_URL": f"sqlite:///{quote(os.fsencode((FOLDER / 'portico.sqlite3').resolve()))}",
        "EMAIL_URL": f"smtp://localhost:{port + 3}",
        "EMAIL_FROM": SENDER,
        "EMAIL_RETURN_PATH": "bounces@portico.example",
        "REPORT_MAILBOX_URL": f"imap://reports:reports@localhost:{port + 4}/INBOX",
        "DKIM_SELECTOR": "",
        "AUTHSERV_ID": "",
        # The mailbox answers on the mail server's port, over UDP.
        "DNS_SERVER": f"127.0.0.1:{port + 3}",
        "STRIPE_API_BASE": f"http://localhost:{port + 2}",
        "ALLOW_TEST_ENDPOINTS": "1",
        "TRUSTED_PROXY_COUNT": "0",
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="portico demo", description=__doc__)
    parser.add_argument("--port", type=_port, default=os.environ.get("PORT") or "8000", help="default: PORT, else 8000")
    parser.add_argument("--reset", action="store_true", help="delete the demo's data and start over")
    return parser


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) <= 65531):
        raise argparse.ArgumentTypeError("a port is a number from 1 to 65531")
    return int(text)


def _prepare_folder(*, reset: bool) -> None:
    # Only a folder made by the demo is deleted.
    if (FOLDER / KEYS).exists() and (reset or not (FOLDER / READY).exists()):
        shutil.rmtree(FOLDER)
    if not (FOLDER / KEYS).exists():
        FOLDER.mkdir(mode=0o700, exist_ok=True)
        field_key = base64.b64encode(secrets.token_bytes(32)).decode()
        keys = {"SECRET_KEY": secrets.token_urlsafe(48), "FIELD_KEYS": f"demo:{field_key}"}
        (FOLDER / KEYS).write_text(json.dumps(keys))
        (FOLDER / KEYS).chmod(0o600)


def _mailbox(port: int) -> list[str]:
    options = ("--smtp-port", str(port + 3), "--http-port", str(port + 1), "--imap-port", str(port + 4))
    places = ("--folder", str(FOLDER / "mail"), "--sender-domain", SENDER.rpartition("@")[2])
    return [sys.executable, "-m", "sandbox.mailbox", *options, *places]


def _stripe(port: int) -> list[str]:
    practice = _practice()
    keys = practice["stripe"]
    options = ("--port", str(port + 2), "--store", str(FOLDER / "stripe.sqlite3"))
    webhook_url = f"http://localhost:{port}/hooks/stripe/{practice['slug']}/"
    events = ("--key", keys["secret_key"], "--webhook", webhook_url, "--webhook-secret", keys["webhook_secret"])
    return [sys.executable, "-m", "sandbox.stripe", *options, *events]


def _practice() -> dict[str, Any]:  # Any: JSON.
    """Returns the demo's practice from its seed file."""
    practice: dict[str, Any] = json.loads(PEOPLE.read_text(encoding="utf-8"))["practices"][0]
    return practice


def _make_ready(parts: Supervisor) -> bool:
    """Loads the sample data or migrates those of an earlier start. Returns False if it failed or was stopped."""
    if (FOLDER / READY).exists():
        return _run(parts, "migrate", "--skip-checks", "--verbosity", "0")
    print("Creating a sample practice. This takes a few seconds.", flush=True)
    if not _run(parts, "demo-data"):
        return False
    (FOLDER / READY).touch()
    return True


def _run(parts: Supervisor, *command: str) -> bool:
    """Runs a command until it ends or the demo is stopped. Returns True if it succeeded."""
    with subprocess.Popen([*PORTICO, *command], env=parts.environment, start_new_session=True) as running:
        while running.poll() is None:
            if parts.stopping.wait(0.1) or parts.ended() is not None:
                running.terminate()
                return False
    return running.returncode == 0


def _wait_until_ready(parts: Supervisor, port: int) -> bool:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and not parts.stopping.is_set() and parts.ended() is None:
        connection = HTTPConnection("localhost", port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return True
        except (OSError, HTTPException):
            pass  # Not yet.
        finally:
            connection.close()
        parts.stopping.wait(0.1)
    return False


def _guide(port: int) -> dict[str, Any]:  # Any: JSON.
    """Returns what the office's sign-in page shows: who can sign in, and where everything is."""
    practice = _practice()
    return {
        "staff": [{key: each[key] for key in ("name", "email", "role", "password")} for each in practice["staff"]],
        "links": {
            "Portal for clients": f"http://localhost:{port}/portal/{practice['slug']}/",
            "Mailbox": f"http://localhost:{port + 1}/",
            "Sandbox Stripe": f"http://localhost:{port + 2}/",
        },
    }


def _summary(port: int) -> str:
    """Returns the text that ends the start: what to open, who can sign in, and what to try first."""
    guide, name = _guide(port), _practice()["name"]
    office = {"Office for staff": f"http://localhost:{port}/office/"}
    addresses = [f"    {label:<20} {url}" for label, url in (office | guide["links"]).items()]
    staff = [f"    {each['email']:<24} {each['password']:<30} {each['role']}" for each in guide["staff"]]
    return "\n".join(
        [
            "",
            f"  {name} is ready. Everything runs on this machine and no email leaves it.",
            "",
            *addresses,
            "",
            "  Sign in to the office as one of these, or with the buttons on its sign-in page:",
            "",
            *staff,
            "",
            "  First, sign in as Naomi and click Create Client. Enter a name and an email address, and check Email ok.",
            "  Turn on Client Portal Access, check Send the invitation now, and click Save Client.",
            "  Then open the email in the mailbox, click Sign In and, on the page that opens, Sign in as.",
            "",
            f"  To pay a bill, enter {PAYS} in the portal and sign in from the email in the mailbox. Click Pay Now",
            f"  and use the card {CARD} with any future date and any code. The sandbox Stripe lists cards that fail.",
            "",
            f"  {LOCKED_OUT} can’t sign in: the button at the top of the Client Portal tab leads to the fix.",
            "  Mail to nomailbox@report.example bounces; full@, blocked@, slow@, spam@ and away@ get other reports.",
            "",
            f"  Requests are logged to {FOLDER / LOG}. Press Ctrl-\\ to show this again.",
            "  Press Ctrl-C to stop. Your changes are kept; make demo RESET=1 starts over.",
            "",
        ]
    )
