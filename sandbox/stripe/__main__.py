"""Starts the sandbox: `python -m sandbox.stripe --port 8002 --store .demo/stripe.sqlite3`."""

import argparse
import signal
import sys
import threading
from pathlib import Path

from sandbox.stripe.sandbox import KEY, OutsideDemo
from sandbox.stripe.server import SandboxStripe


def main() -> None:
    arguments = _arguments()
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    try:
        sandbox = SandboxStripe(store=arguments.store, port=arguments.port)
    except OutsideDemo as refusal:
        sys.exit(str(refusal))
    except OSError as error:
        sys.exit(f"The sandbox Stripe cannot use port {arguments.port}: {error.strerror or error}.")
    with sandbox:
        if arguments.webhook:
            sandbox.add_endpoint(arguments.webhook, arguments.webhook_secret, key=arguments.key)
        print(f"Cards are taken by {sandbox.url}/ and no money is.", flush=True)
        stop.wait()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox.stripe", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--store", type=Path, help="an SQLite file; without it everything is gone at the end")
    parser.add_argument("--key", default=KEY, help=f"whose events go to the webhook; default: {KEY}")
    parser.add_argument("--webhook", help="the address that events are sent to")
    parser.add_argument("--webhook-secret", default="", help="what they are signed with")
    parameters = parser.parse_args()
    if bool(parameters.webhook) != bool(parameters.webhook_secret):
        parser.error("--webhook and --webhook-secret come together")
    return parameters


main()
