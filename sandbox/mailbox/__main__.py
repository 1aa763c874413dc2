"""Starts the mailbox: `python -m sandbox.mailbox --smtp-port 8003 --http-port 8001 --folder .demo/mail`."""

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from sandbox.mailbox import smtp_server, web_server
from sandbox.mailbox.mail_store import Mailbox


def main() -> None:
    arguments = _arguments()
    if "1" not in {os.environ.get("PORTICO_DEMO"), os.environ.get("PORTICO_TESTS")}:
        sys.exit("The mailbox is for the demo and for tests: it shows every mail to anyone. Set PORTICO_DEMO=1.")
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    mailbox = Mailbox(arguments.folder)
    smtp = smtp_server.server(mailbox, port=arguments.smtp_port)
    port = arguments.http_port
    try:
        viewer = web_server.server(mailbox, port=port)
        port = arguments.smtp_port
        smtp.start()
    except OSError as error:
        sys.exit(f"The mailbox cannot use port {port}: {error.strerror or error}.")
    reader = threading.Thread(target=viewer.serve_forever, name="viewer", daemon=True)
    reader.start()
    print(
        f"Mails go to localhost:{arguments.smtp_port} and are shown at http://localhost:{arguments.http_port}/",
        flush=True,
    )
    stop.wait()
    smtp.stop()
    viewer.shutdown()
    viewer.server_close()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox.mailbox", description=__doc__)
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--http-port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="where each mail is kept as a file")
    return parser.parse_args()


main()
