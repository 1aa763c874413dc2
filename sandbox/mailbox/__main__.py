"""Starts the mailbox: `python -m sandbox.mailbox --smtp-port 8003 --http-port 8001 --folder .demo/mail`."""

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from sandbox.dns import server as dns_server
from sandbox.dns.server import Records
from sandbox.mailbox import imap_server, smtp_server, web_server
from sandbox.mailbox.mail_store import Mailbox
from sandbox.mailbox.signing import Signer

# Beside the mails, in a folder of its own: the viewer does not show them.
REPORTS = "reports"


def main() -> None:
    arguments = _arguments()
    if "1" not in {os.environ.get("PORTICO_DEMO"), os.environ.get("PORTICO_TESTS")}:
        sys.exit("The mailbox is for the demo and for tests: it shows every mail to anyone. Set PORTICO_DEMO=1.")
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    mailbox = Mailbox(arguments.folder)
    reports = Mailbox(arguments.folder / REPORTS)
    signer = Signer(arguments.sender_domain) if arguments.sender_domain else None
    smtp = smtp_server.server(mailbox, reports, port=arguments.smtp_port, signer=signer)
    port = arguments.http_port
    try:
        viewer = web_server.server(mailbox, port=port)
        port = arguments.imap_port
        imap = imap_server.ImapServer(reports, port=port) if port else None
        port = arguments.smtp_port
        smtp.start()
    except OSError as error:
        sys.exit(f"The mailbox cannot use port {port}: {error.strerror or error}.")
    names = None
    if signer is not None:
        records = Records(dict(dns_server.demo_records(signer.domain, f"mail.{signer.domain}")))
        records.set(signer.host, TXT=[signer.record])
        names = dns_server.DnsServer(records, port=arguments.smtp_port)
        threading.Thread(target=names.serve_forever, name="dns", daemon=True).start()
    for part in filter(None, (viewer, imap)):
        threading.Thread(target=part.serve_forever, daemon=True).start()
    print(
        f"Mails go to localhost:{arguments.smtp_port} and are shown at http://localhost:{arguments.http_port}/",
        flush=True,
    )
    stop.wait()
    smtp.stop()
    if names is not None:
        names.shutdown()
        names.server_close()
    if imap is not None:
        imap.stop()
    viewer.shutdown()
    viewer.server_close()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox.mailbox", description=__doc__)
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--http-port", type=int, required=True)
    parser.add_argument("--imap-port", type=int, help="where the delivery reports about these mails can be read")
    parser.add_argument(
        "--sender-domain",
        help="the domain of the sender: it signs, and answers DNS questions over UDP on the SMTP port",
    )
    parser.add_argument("--folder", type=Path, required=True, help="where each mail is kept as a file")
    return parser.parse_args()


main()
