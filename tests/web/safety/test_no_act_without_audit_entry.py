"""If the audit log cannot be written, no change is made and no recorded page is shown."""

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.db.models import Model
from django.test import Client as Browser

from portico.domain.practices.models import StaffSession
from portico.plumbing.models import AuditEntry, RateLimitCount
from portico.web.route_list import all_routes
from tests.support.database import written_tables
from tests.support.world import World
from tests.web.page_forms import FormOnPage
from tests.web.visitors import forms_of, undone

# The trigger is SQLite's; the transactions are the same on both databases.
pytestmark = [pytest.mark.django_db, pytest.mark.sqlite, pytest.mark.slow]

# Attempts are counted before the work, and sessions update their last use separately.
BESIDE = {RateLimitCount, StaffSession}


def rows(models: set[type[Model]]) -> dict[str, list[object]]:
    """Returns the rows of these models that an action may change."""
    ours = {model for model in models if model.__module__.startswith("portico.")} - BESIDE
    return {model.__name__: list(model._base_manager.order_by("pk").values()) for model in ours}


def entry_count() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TRIGGER full_trail BEFORE INSERT ON {AuditEntry._meta.db_table} "
            "BEGIN INSERT INTO nowhere VALUES (1); END"
        )


def is_recorded(browser: Browser, path: str, form: FormOnPage) -> bool:
    before = AuditEntry.objects.count()
    with undone(browser):
        answer = browser.post(path, form.filled())
        return answer.status_code < 400 and AuditEntry.objects.count() > before


@pytest.mark.parametrize("visitor", ["the client", "owner"])
def test_no_change_without_an_audit_entry(world: World, visitor: str) -> None:
    browser = world.browsers[visitor]
    browser.raise_request_exception = False
    forms = {path: forms[-1] for path, forms in forms_of(world, visitor).items()}
    told = {path: form for path, form in forms.items() if is_recorded(browser, path, form)}
    assert told
    entry_count()
    before, done = rows(set(apps.get_models())), []
    for path, form in told.items():
        with undone(browser):
            with written_tables.recorded() as written:
                answer = browser.post(path, form.filled())
            # The trigger fails outside the page's own transaction, so it breaks only the test's.
            transaction.set_rollback(False)
            after = rows(written)
        changed = [name for name, its in after.items() if its != before[name]]
        if changed or answer.status_code < 500:
            done.append(f"{path}: {answer.status_code} {changed}")
    assert done == []


def test_no_recorded_page_without_an_audit_entry(world: World) -> None:
    browser, looked_at = world.browsers["owner"], []
    browser.raise_request_exception = False
    for route in (route for route in all_routes() if "GET" in route.methods):
        before = AuditEntry.objects.count()
        with undone(browser):
            if browser.get(world.path(route)).status_code == 200 and AuditEntry.objects.count() > before:
                looked_at.append(route)
    assert {"office:client", "office:client_info", "office:client_portal", "office:invoice"} <= {
        route.name for route in looked_at
    }
    entry_count()
    shown = []
    for route in looked_at:
        with undone(browser):
            shown += [route.name] if browser.get(world.path(route)).status_code < 500 else []
            transaction.set_rollback(False)
    assert shown == []
