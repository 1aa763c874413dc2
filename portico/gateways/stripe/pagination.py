"""Stripe's lists of the objects created in a period, page by page."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from portico.gateways.stripe.client import StripeClient

if TYPE_CHECKING:
    import stripe

PAGE_SIZE = 100

# Any: each endpoint has a type of its own for its parameters.
type ListCall[T: "stripe.StripeObject"] = Callable[["stripe.StripeClient", Any], "stripe.ListObject[T]"]


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
