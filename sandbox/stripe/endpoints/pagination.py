"""Lists, newest first, in pages that begin after or end before an object: https://docs.stripe.com/api/pagination."""

from collections.abc import Callable
from typing import Any

from sandbox.stripe.account_data import AccountData
from sandbox.stripe.api_errors import Json, invalid
from sandbox.stripe.parameters import Parameters

type Adjust = Callable[[Json], Json]


def answer(
    data: AccountData,
    parameters: Parameters,
    kind: str,
    url: str,
    *,
    fields: tuple[str, ...] = (),
    adjust: Adjust = lambda body: body,
) -> Json:
    """Returns one page of the objects that match the filters."""
    wanted = {name: parameters.maybe(name) for name in fields}
    like = _created(parameters)
    bodies = [adjust(body) for body in data.all(kind, like)]
    bodies = [
        body for body in bodies if all(value is None or body.get(name) == value for name, value in wanted.items())
    ]
    return page(parameters, bodies, url)


def page(parameters: Parameters, bodies: list[Json], url: str) -> Json:
    limit = parameters.whole("limit", 10)
    if not 1 <= limit <= 100:
        raise invalid("Invalid limit: must be between 1 and 100.", param="limit")
    after, before = parameters.maybe("starting_after"), parameters.maybe("ending_before")
    if after:
        bodies = bodies[_place(bodies, after) + 1 :]
    if before:
        # The page that ends before this object.
        bodies = bodies[: _place(bodies, before)]
        return {"object": "list", "url": url, "has_more": len(bodies) > limit, "data": bodies[-limit:]}
    return {"object": "list", "url": url, "has_more": len(bodies) > limit, "data": bodies[:limit]}


def _place(bodies: list[Json], id_: str) -> int:
    for place, body in enumerate(bodies):
        if body["id"] == id_:
            return place
    raise invalid(f"No such object: '{id_}'", param="starting_after", code="resource_missing")


def _created(parameters: Parameters) -> Callable[[Json], bool]:
    value: Any = parameters.get("created")  # Any: a time, or bounds by their names.
    if value in (None, ""):
        return lambda body: True
    bounds = (
        Parameters(value, "created") if isinstance(value, dict) else Parameters({"gte": value, "lte": value}, "created")
    )
    earliest = max(bounds.whole("gte", 0), bounds.whole("gt", -1) + 1)
    latest = min(bounds.whole("lte", 10**12), bounds.whole("lt", 10**12 + 1) - 1)
    bounds.done()
    return lambda body: earliest <= body["created"] <= latest
