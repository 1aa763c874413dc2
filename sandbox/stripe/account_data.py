"""One account in one mode: its objects, its clock and its events."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.stripe import objects
from sandbox.stripe.accounts import Account
from sandbox.stripe.api_errors import Json, missing
from sandbox.stripe.store import Store
from sandbox.stripe.webhooks import WebhookSender

SHORT_NAMES = {"checkout.session": "checkout.session", "payment_method": "PaymentMethod"}


class Clock:
    """The sandbox's own clock, in whole seconds since 1970; it can be advanced."""

    def __init__(self) -> None:
        self.ahead = 0

    def now(self) -> int:
        return int(time.time()) + self.ahead

    def forward(self, seconds: int) -> None:
        self.ahead += seconds


@dataclass(frozen=True)
class AccountData:
    account: Account
    store: Store
    clock: Clock
    post: WebhookSender
    base_url: str
    # The id and idempotency key of the current request, for its events.
    request_id: str | None = None
    idempotency_key: str | None = None

    @property
    def now(self) -> int:
        return self.clock.now()

    def new(self, kind: str, **values: Any) -> Json:  # Any: the object's own fields.
        return self.save(objects.new(kind, now=self.now, livemode=self.account.livemode, **values))

    def save(self, body: Json) -> Json:
        return self.store.put(self.account.scope, body["object"], body)

    def find(self, kind: str, id_: str | None) -> Json | None:
        return self.store.find(self.account.scope, kind, id_) if id_ else None

    def get(self, kind: str, id_: str | None, *, param: str = "") -> Json:
        """Returns an object. Raises ApiError: 404, or 400 if a parameter of the request names it."""
        body = self.find(kind, id_)
        if body is None:
            raise missing(SHORT_NAMES.get(kind, kind), id_ or "", param=param)
        return body

    def all(self, kind: str, like: Callable[[Json], bool] = lambda body: True) -> list[Json]:
        """Returns all objects of a kind, newest first."""
        return self.store.newest_first(self.account.scope, kind, like)

    def remove(self, body: Json) -> None:
        self.store.remove(self.account.scope, body["object"], body["id"])

    def send_event(self, type_: str, body: Json) -> Json:
        """Stores an event with the object as it is now, and queues it for the subscribed endpoints."""
        event = self.new(
            "event",
            type=type_,
            data={"object": objects.shown(body)},
            api_version="2026-10-28.endive",
            request={"id": self.request_id, "idempotency_key": self.idempotency_key},
        )
        wanting = [each for each in self.all("webhook_endpoint") if _subscribes(each, type_)]
        event["pending_webhooks"] = len(wanting)
        for endpoint in reversed(wanting):
            self.post.put(endpoint["url"], endpoint["_secrets"], event)
        return self.save(event)


def _subscribes(endpoint: Json, type_: str) -> bool:
    return endpoint["status"] == "enabled" and bool({"*", type_} & set(endpoint["enabled_events"]))
