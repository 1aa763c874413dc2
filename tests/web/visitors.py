"""What a visitor of the world finds, and how what one request did is taken back."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy

from django.db import transaction
from django.test import Client as Browser

from portico.web.route_list import all_routes
from tests.support.world import World
from tests.web.page_forms import FormOnPage, forms_on


@contextmanager
def undone(browser: Browser) -> Iterator[None]:
    """What one request did is taken back before the next one comes; not by `atomic`, in which limits refuse to work."""
    before, cookies = transaction.savepoint_create(), deepcopy(browser.cookies)
    try:
        yield
    finally:
        browser.cookies = cookies
        transaction.savepoint_rollback(before)


def forms_of(world: World, visitor: str) -> dict[str, list[FormOnPage]]:
    """Every form that posts, on any page that this visitor gets, by where it goes."""
    browser, found = world.browsers[visitor], dict[str, list[FormOnPage]]()
    for route in all_routes():
        if "GET" not in route.methods:
            continue
        path = world.path(route)
        with undone(browser):
            answer = browser.get(path)
        if answer.status_code < 300 and "html" in answer.headers["Content-Type"]:
            for form in forms_on(answer.content.decode(), at=path):
                if form.method == "post":
                    found.setdefault(form.action, []).append(form)
    return found
