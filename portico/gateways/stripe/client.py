"""The client for calls to Stripe, with one key and one deadline, and the reading of lists page by page."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from portico.gateways.stripe.deadline import Deadline
from portico.gateways.stripe.errors import StripeUnreachable

if TYPE_CHECKING:
    import stripe

KEY = re.compile(r"(sk|rk)_(test|live)_[A-Za-z0-9_]{1,200}")

PAGE_SIZE = 100

# Any: each endpoint has a type of its own for its parameters.
type ListCall[T: "stripe.StripeObject"] = Callable[["stripe.StripeClient", Any], "stripe.ListObject[T]"]


def is_key(text: str) -> bool:
    """Returns True if the text has the form of a secret key; only Stripe knows whether it is valid."""
    return KEY.fullmatch(text) is not None


def is_live(key: str) -> bool:
    return key[2:8] == "_live_"


class StripeClient:
    """Calls Stripe with one key, without retries. `before_call` may raise, as when a database transaction is open.

    `after_answer` is called with Stripe's time after every complete response, error responses included. With
    `keeps_connection`, reads share a connection until `close`.
    """

    def __init__(
        self,
        key: str,
        *,
        base: str = "",
        deadline: Deadline | None = None,
        keeps_connection: bool = False,
        before_call: Callable[[], None] = lambda: None,
        after_answer: Callable[[datetime], None] = lambda stripe_time: None,
    ) -> None:
        self.is_live = is_live(key)
        deadline = deadline or Deadline()
        self._before_call = before_call
        self._after_answer = after_answer
        # Loading the SDK takes 0.3 s and 20 MB: only a process that calls Stripe needs it.
        from portico.gateways.stripe.sdk import Sdk  # noqa: PLC0415

        self._sdk = Sdk(key, base=base, deadline=deadline, keeps_connection=keeps_connection)
        self.deadline = deadline

    def extend(self, deadline: Deadline) -> None:
        """Sets a new deadline, for the calls that follow."""
        self.deadline = deadline
        self._sdk.set_deadline(deadline)

    def close(self) -> None:
        """Closes the connection that reads share."""
        self._sdk.close()

    def call[T](self, request: "Callable[[stripe.StripeClient], T]") -> T:
        """Makes the call and returns its result. Raises StripeCallFailed."""
        self._before_call()
        if self.deadline.left() <= 0:
            raise StripeUnreachable("There was no time left to ask Stripe.")
        try:
            return self._sdk.call(request)
        finally:
            if self._sdk.response_time is not None:
                self._after_answer(self._sdk.response_time)


def created_between[T: "stripe.StripeObject"](
    client: StripeClient, list_page: ListCall[T], since: datetime, until: datetime, **parameters: list[str]
) -> Iterator[T]:
    """Yields each object created from `since` to before `until`, newest first. Raises StripeCallFailed."""
    created = {"gte": int(since.timestamp()), "lt": int(until.timestamp())}
    page: dict[str, Any] = {"created": created, "limit": PAGE_SIZE, **parameters}  # Any: as above.
    while True:
        found = _page(client, list_page, page)
        yield from found.data
        if not found.has_more or not found.data:
            return
        page = {**page, "starting_after": found.data[-1]["id"]}


def _page[T: "stripe.StripeObject"](
    client: StripeClient, list_page: ListCall[T], page: dict[str, Any]
) -> "stripe.ListObject[T]":
    return client.call(lambda stripe: list_page(stripe, page))
