"""The list of all routes with their guards and methods, read from the URLconf."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from django.urls import URLPattern, URLResolver, get_resolver


class Audience(StrEnum):
    OPEN = "open"
    OFFICE = "office"
    PORTAL = "portal"
    MACHINE = "machine"


@dataclass(frozen=True)
class Guard:
    """The audience of a view and, in the office, the roles that may open it. `writers` are the roles that may POST."""

    audience: Audience
    roles: tuple[str, ...] = ()
    writers: tuple[str, ...] = ()


class Unguarded(Exception):
    """Raised for a view without a guard or without a decorator that restricts its methods."""


@dataclass(frozen=True)
class Route:
    """One URL pattern. `roles` is set for office pages, `writers` for those that also accept POST."""

    path: str
    name: str
    audience: str
    roles: tuple[str, ...]
    writers: tuple[str, ...]
    methods: tuple[str, ...]


def all_routes() -> list[Route]:
    """Returns every route of the URLconf. Raises Unguarded."""
    return list(_walk(get_resolver().url_patterns, "/", ""))


def _walk(patterns: list[URLPattern | URLResolver], path: str, namespace: str) -> Iterator[Route]:
    for pattern in patterns:
        below = f"{path}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from _walk(pattern.url_patterns, below, inner)
        else:
            yield _route(pattern.callback, below, f"{namespace}{pattern.name}")


def _route(view: Callable[..., object], path: str, name: str) -> Route:
    guard = getattr(view, "guard", None)
    if not isinstance(guard, Guard):
        raise Unguarded(f"{path} ({view.__module__}.{view.__name__}) has no guard.")
    methods = methods_of(view)
    if not methods:
        raise Unguarded(f"{path} ({view.__module__}.{view.__name__}) takes any method; say which.")
    writers = guard.writers if "POST" in methods else ()
    return Route(path, name, guard.audience.value, guard.roles, writers, methods)


@cache
def methods_of(view: Callable[..., object]) -> tuple[str, ...]:
    """Returns the methods set by `require_safe`, `require_POST` or `require_http_methods`; empty without one."""
    layer: Callable[..., object] | None = view
    while layer is not None:
        methods = inspect.getclosurevars(layer).nonlocals.get("request_method_list")
        if methods is not None:
            return tuple(methods)
        layer = getattr(layer, "__wrapped__", None)
    return ()
