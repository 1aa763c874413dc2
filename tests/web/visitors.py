"""Visitors of a test world, and rollback after each of their requests."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from urllib.parse import urlsplit

from django.db import transaction
from django.test import Client as Browser
from django.urls import resolve

from portico.web.route_list import all_routes
from tests.support.database import databases
from tests.support.world import World
from tests.web.page_forms import FormOnPage, forms_on


@contextmanager
def undone(browser: Browser) -> Iterator[None]:
    """Rolls back each request. Not with `atomic`, in which rate limits refuse to run."""
    before, cookies = transaction.savepoint_create(), deepcopy(browser.cookies)
    try:
        yield
    finally:
        browser.cookies = cookies
        transaction.savepoint_rollback(before)


def forms_of(world: World, visitor: str) -> dict[str, list[FormOnPage]]:
    """Returns every POST form on all pages open to this visitor, by action.

    Rows of a list have the same form with other addresses: that of the first is enough, except with --whole.
    """
    browser, found = world.browsers[visitor], dict[str, list[FormOnPage]]()
    for route in all_routes():
        if "GET" not in route.methods:
            continue
        path = world.path(route)
        with undone(browser):
            answer = browser.get(path)
        if answer.status_code < 300 and "html" in answer.headers["Content-Type"]:
            first: dict[tuple[str, frozenset[str]], str] = {}
            for form in forms_on(answer.content.decode(), at=path):
                if form.method != "post":
                    continue
                kind = resolve(urlsplit(form.action).path).view_name, frozenset(form.offers)
                if databases.is_whole() or first.setdefault(kind, form.action) == form.action:
                    found.setdefault(form.action, []).append(form)
    return found
