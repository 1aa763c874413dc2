"""Stripe's lists of what was made in a time, page by page."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from portico.gateways.stripe.client import StripeClient

if TYPE_CHECKING:
    import stripe

PAGE = 100

# Any: each list has a type of its own for what it can be asked.
type List[T: "stripe.StripeObject"] = Callable[["stripe.StripeClient", Any], "stripe.ListObject[T]"]


def made_between[T: "stripe.StripeObject"](
    line: StripeClient, ask: List[T], since: datetime, until: datetime, **also: list[str]
) -> Iterator[T]:
    """Each thing made from `since` to before `until`, newest first. Raises StripeTrouble."""
    made = {"gte": int(since.timestamp()), "lt": int(until.timestamp())}
    page: dict[str, Any] = {"created": made, "limit": PAGE, **also}  # Any: as above.
    while True:
        found = _page(line, ask, page)
        yield from found.data
        if not found.has_more or not found.data:
            return
        page = {**page, "starting_after": found.data[-1]["id"]}


def _page[T: "stripe.StripeObject"](line: StripeClient, ask: List[T], page: dict[str, Any]) -> "stripe.ListObject[T]":
    return line.ask(lambda stripe: ask(stripe, page))
