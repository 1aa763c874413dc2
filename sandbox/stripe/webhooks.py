"""Delivers signed events to endpoints: in order, or by script twice, shuffled, late or never."""

import hashlib
import hmac
import json
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from sandbox.stripe.api_errors import Json

# Seconds until a delivery without a 2xx response is retried; Stripe retries for three days.
AGAIN_AFTER = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 60.0, 60.0, 60.0)


@dataclass(frozen=True)
class Delivery:
    """An event for one endpoint, signed when it is sent."""

    url: str
    secrets: tuple[str, ...]
    body: bytes
    event_id: str
    type: str
    tries: int = 0

    def signature(self, at: int) -> str:
        """Returns the Stripe-Signature header with one v1 per secret: two while a secret is being rolled."""
        signed = str(at).encode() + b"." + self.body
        found = (hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in self.secrets)
        return ",".join([f"t={at}", *(f"v1={each}" for each in found)])


@dataclass
class DeliveryPlan:
    """The scripted faults of deliveries. `lose`: how many more are never sent (-1: all).

    `hold` keeps them back until `WebhookSender.take` is called or the plan changes.
    """

    copies: int = 1
    shuffle: bool = False
    delay: float = 0.0
    lose: int = 0
    hold: bool = False


@dataclass(order=True)
class _Due:
    at: float
    number: int
    delivery: Delivery = field(compare=False)


class WebhookSender:
    """Sends from one thread, so that deliveries keep their order unless the plan says otherwise."""

    def __init__(self, now: Callable[[], int]) -> None:
        self.plan = DeliveryPlan()
        self.lost = 0
        self._now = now
        self._numbers = 0
        self._changed = threading.Condition()
        self._waiting: list[_Due] = []
        self._is_open = True
        self._is_busy = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._send, name="sandbox-stripe-post", daemon=True)
        self._thread.start()

    def put(self, url: str, secrets: Sequence[str], event: Json) -> None:
        body = json.dumps({name: value for name, value in event.items() if name[0] != "_"}, indent=2).encode()
        delivery = Delivery(url, tuple(secrets), body, event["id"], event["type"])
        with self._changed:
            if self.plan.lose:
                self.plan.lose -= 1 if self.plan.lose > 0 else 0
                self.lost += 1
                return
            for _ in range(self.plan.copies):
                self._put(delivery, self.plan.delay)

    def take(self) -> list[Delivery]:
        """Returns and removes all waiting deliveries in the plan's order; the caller delivers them."""
        with self._changed:
            deliveries = [due.delivery for due in sorted(self._waiting)]
            self._waiting.clear()
            shuffle = self.plan.shuffle
        if shuffle:
            random.shuffle(deliveries)
        return deliveries

    def change(self, plan: DeliveryPlan) -> None:
        with self._changed:
            self.plan = plan
            self._changed.notify_all()

    def settle(self, seconds: float = 10.0) -> bool:
        """Waits until all due deliveries are sent; returns False on a timeout."""
        until = time.monotonic() + seconds
        with self._changed:
            while self._waiting or self._is_busy:
                if not self._changed.wait(max(0.0, until - time.monotonic())):
                    return False
        return True

    def stop(self) -> None:
        with self._changed:
            self._is_open = False
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(15)

    def _put(self, delivery: Delivery, delay: float) -> None:
        self._numbers += 1
        self._waiting.append(_Due(time.monotonic() + delay, self._numbers, delivery))
        self._changed.notify_all()

    def _send(self) -> None:
        while (delivery := self._next()) is not None:
            taken = _deliver(delivery, delivery.signature(self._now()))
            with self._changed:
                self._is_busy = False
                if not taken and delivery.tries < len(AGAIN_AFTER):
                    again = Delivery(
                        delivery.url,
                        delivery.secrets,
                        delivery.body,
                        delivery.event_id,
                        delivery.type,
                        delivery.tries + 1,
                    )
                    self._put(again, AGAIN_AFTER[delivery.tries])
                self._changed.notify_all()

    def _next(self) -> Delivery | None:
        with self._changed:
            while self._is_open:
                due = sorted(each for each in self._waiting if each.at <= time.monotonic())
                if due and not self.plan.hold:
                    chosen = random.choice(due) if self.plan.shuffle else due[0]  # noqa: S311  # Not for security.
                    self._waiting.remove(chosen)
                    self._is_busy = True
                    return chosen.delivery
                self._changed.wait(0.05 if self._waiting and not self.plan.hold else None)
        return None


def _deliver(delivery: Delivery, signature: str) -> bool:
    """Sends the event; returns True for a 2xx response."""
    parts = urlsplit(delivery.url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=10)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        "Stripe-Signature": signature,
    }
    try:
        connection.request("POST", parts.path or "/", delivery.body, headers)
        return 200 <= connection.getresponse().status < 300
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
