"""An upgrade from the previous version keeps every row, under its new names.

upgrade/rows.json holds the rows of a database of commit 65a05a4, by table: made with that version's own operations
under the environment of tests/environment.py, at least one row per table. It cannot be made again from newer code.
"""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command, get_commands
from django.core.management.color import no_style
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ProjectState, StateApps
from django.db.models import F
from pytest_django import DjangoDbBlocker

from portico.domain.access.models import Invitation, PortalAccess, PortalAccount, PortalSavedForm, SignInRequest
from portico.domain.billing.models import Refund
from portico.domain.clients import search_terms
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import form_recovery
from tests.operating.commands.test_verifying import run
from tests.support.database import migrated_copies, schemas

pytestmark = [pytest.mark.both_databases, pytest.mark.slow, pytest.mark.django_db]

ROWS = Path(__file__).with_name("upgrade") / "rows.json"
PREVIOUS = (
    ("plumbing", "0004_reconciled_restorations"),
    ("practices", "0006_online_payments"),
    ("clients", "0001_initial"),
    ("access", "0004_kept_posts"),
    ("billing", "0004_test_payments"),
    ("upkeep", "0001_initial"),
    ("operating", "0002_seeded_invoices"),
)
OURS = {app for app, _ in PREVIOUS} | {app.label for app in apps.get_app_configs() if app.name.startswith("portico.")}
NEW_TABLES = {
    "access_portalkeptpost": "access_portalsavedform",
    "access_signinask": "access_signinrequest",
    "plumbing_inboxevent": "plumbing_inboundevent",
    "plumbing_trailentry": "plumbing_auditentry",
    "plumbing_trailhead": "plumbing_auditchainhead",
    "plumbing_trailseal": "plumbing_auditseal",
    "practices_keptpost": "practices_staffsavedform",
    "practices_passwordask": "practices_passwordresetrequest",
    "upkeep_choreturn": "upkeep_scheduledtask",
}
NEW_COLUMNS = {
    ("access_burst", "from_one_place"): "from_one_network",
    ("access_invitation", "press"): "form_key",
    ("access_pin", "number"): "epoch",
    ("access_pin", "press"): "form_key",
    ("access_pin", "tries"): "attempts",
    ("access_portalaccess", "changed_number"): "changed_epoch",
    ("access_portalaccess", "consent_number"): "consent_epoch",
    ("access_portalaccess", "ended_number"): "ended_epoch",
    ("access_portalaccount", "counter"): "epoch",
    ("access_portalsession", "number"): "epoch",
    ("access_portalsession", "proof_number"): "proof_epoch",
    ("access_portalsession", "way"): "method",
    ("access_signinask", "tries"): "attempts",
    ("access_signinlink", "ask_id"): "request_id",
    ("access_signinlink", "code_tries"): "code_attempts",
    ("access_signinlink", "number"): "epoch",
    ("billing_credit", "press"): "form_key",
    ("billing_invoice", "press"): "form_key",
    ("billing_payment", "press"): "form_key",
    ("billing_payment", "refund_asked_at"): "refund_requested_at",
    ("billing_payment", "refund_asked_reason"): "refund_request_reason",
    ("billing_paymentattempt", "tries"): "attempts",
    ("billing_paymentattempt", "way"): "method",
    ("billing_refund", "press"): "form_key",
    ("billing_refund", "way"): "method",
    ("billing_sharingrun", "asked_by_id"): "requested_by_id",
    ("billing_sharingrun", "not_told"): "not_notified",
    ("billing_sharingrun", "reached_id"): "last_shared_id",
    ("billing_sharingrun", "tries"): "attempts",
    ("clients_client", "press"): "form_key",
    ("plumbing_inboxevent", "mistakes"): "errors",
    ("plumbing_inboxevent", "tries"): "attempts",
    ("plumbing_outgoingemail", "lane"): "queue",
    ("plumbing_outgoingemail", "mistakes"): "errors",
    ("plumbing_outgoingemail", "tries"): "attempts",
    ("plumbing_trailentry", "verb"): "action",
    ("practices_onlinepayments", "trouble"): "problem",
    ("practices_onlinepayments", "webhook_box"): "encrypted_webhook_secret",
    ("practices_stripekey", "box"): "encrypted_secret",
}
# Removed columns, whose values other columns have now; each has a test of its own below.
CONVERTED_COLUMNS = {("billing_sharingrun", "last_invoice_id"): "last_number"}
# The upgrade rewrites these rows: search terms by new rules, content types by the names of renamed models.
REWRITTEN = {"clients_searchterm", "django_content_type"}
COMMANDS = {
    "after_restore", "backup", "create_practice", "demo_data", "reconcile_stripe", "reset_second_factor", "restore",
    "resume_practice", "routes", "seed", "send_test_email", "suspend_practice", "verify_ledger", "verify_states",
    "verify_trail", "web", "worker",
}  # fmt: skip

type Table = dict[str, Any]  # Any: JSON. The columns, and the rows as lists of values.


@pytest.fixture(scope="module")
def rows() -> dict[str, Table]:
    """The rows of the previous version's database, by table, in an order that foreign keys allow."""
    tables: dict[str, Table] = json.loads(ROWS.read_text(encoding="utf-8"))
    return tables


@pytest.fixture(scope="module", autouse=True)
def upgraded(
    rows: dict[str, Table],
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """A database of the previous version with its rows, migrated: the tests of this module are connected to it.

    Yields the name of the database of the other tests.
    """
    own = str(connection.settings_dict["NAME"])
    is_file = connection.vendor == "sqlite"
    name = str(tmp_path_factory.mktemp("upgrade") / "upgrade.sqlite3") if is_file else f"{own}_upgrade"
    with django_db_blocker.unblock():
        migrated_copies.create_copy(name, label="previous", make=lambda: insert(rows, migrated_to(PREVIOUS)))
        try:
            with migrated_copies.connected_to(name):
                call_command("migrate", verbosity=0)
                with django_db_blocker.block():
                    yield own
        finally:
            migrated_copies.drop(name)


def migrated_to(targets: tuple[tuple[str, str], ...]) -> StateApps:
    """Migrates to the targets, and the apps that are not ours to their newest; returns the models at that point."""
    executor = MigrationExecutor(connection)
    others = [leaf for leaf in executor.loader.graph.leaf_nodes() if leaf[0] not in OURS]
    state: ProjectState = executor.migrate([*targets, *others])
    return state.apps


def insert(tables: dict[str, Table], models: StateApps) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        for table, content in tables.items():
            columns = ", ".join(f'"{column}"' for column in content["columns"])
            placeholders = ", ".join(["%s"] * len(content["columns"]))
            values = [[decoded(value) for value in row] for row in content["rows"]]
            cursor.executemany(f'INSERT INTO "{table}" ({columns}) VALUES ({placeholders})', values)
        for statement in connection.ops.sequence_reset_sql(no_style(), models.get_models()):
            cursor.execute(statement)


def decoded(value: Any) -> Any:  # Any: what a column holds.
    return base64.b64decode(value["base64"]) if isinstance(value, dict) else value


def count(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT count(*) FROM "{table}"')
        return int(cursor.fetchone()[0])


def values(table: str, key: str, column: str) -> dict[Any, Any]:  # Any: what a column holds.
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT "{key}", "{column}" FROM "{table}"')
        return dict(cursor.fetchall())


def test_the_fixture_has_a_row_of_every_table(rows: dict[str, Table]) -> None:
    assert [table for table, content in rows.items() if not content["rows"]] == []
    assert set(rows) >= set(NEW_TABLES) | {table for table, _ in NEW_COLUMNS}


def test_every_row_is_kept(rows: dict[str, Table]) -> None:
    kept = {table for table in rows if table not in REWRITTEN}
    before = {table: len(rows[table]["rows"]) for table in kept}
    assert {table: count(NEW_TABLES.get(table, table)) for table in kept} == before


def test_every_column_is_kept(rows: dict[str, Table]) -> None:
    with connection.cursor() as cursor:
        for table, content in rows.items():
            description = connection.introspection.get_table_description(cursor, NEW_TABLES.get(table, table))
            names = NEW_COLUMNS | CONVERTED_COLUMNS
            expected = {names.get((table, column), column) for column in content["columns"]}
            assert expected - {column.name for column in description} == set(), table


def test_the_tables_are_those_of_todays_models(upgraded: str) -> None:
    of_models = connection.copy("models")
    of_models.settings_dict["NAME"] = upgraded
    try:
        assert schemas.described(connection) == schemas.described(of_models)
    finally:
        migrated_copies.disconnect(of_models)


def test_practices_that_exist_have_been_set_up(rows: dict[str, Table]) -> None:
    assert not Practice.objects.filter(set_up_closed_at=None).exists()


@pytest.mark.parametrize(("table", "column"), NEW_COLUMNS)
def test_renamed_columns_keep_their_values(rows: dict[str, Table], table: str, column: str) -> None:
    content = rows[table]
    position = content["columns"].index(column)
    before = {row[0]: decoded(row[position]) for row in content["rows"]}
    assert content["columns"][0] == "id"
    after = values(NEW_TABLES.get(table, table), "id", NEW_COLUMNS[table, column])
    assert after == before


def test_sharing_runs_end_at_the_number_of_their_last_invoice(rows: dict[str, Table]) -> None:
    runs, invoices = rows["billing_sharingrun"], rows["billing_invoice"]
    number, last = invoices["columns"].index("number"), runs["columns"].index("last_invoice_id")
    numbers = {row[0]: row[number] for row in invoices["rows"]}
    before = {row[0]: numbers[row[last]] for row in runs["rows"]}
    assert values("billing_sharingrun", "id", "last_number") == before


@pytest.mark.parametrize(("old", "new"), NEW_TABLES.items())
def test_renamed_tables_keep_their_ids(rows: dict[str, Table], old: str, new: str) -> None:
    assert set(values(new, "id", "id")) == {row[0] for row in rows[old]["rows"]}


def test_content_types_follow_renamed_models(rows: dict[str, Table]) -> None:
    before = {(app, model): pk for pk, app, model in rows["django_content_type"]["rows"]}
    with connection.cursor() as cursor:
        cursor.execute("SELECT app_label, model, id FROM django_content_type")
        after = {(app, model): pk for app, model, pk in cursor.fetchall()}
    for old, new in NEW_TABLES.items():
        (app, _, model), (_, _, new_model) = old.partition("_"), new.partition("_")
        assert after[app, new_model] == before[app, model]


@pytest.mark.parametrize("command", ["verify_ledger", "verify_trail", "verify_states"])
def test_verify_commands_find_nothing(command: str) -> None:
    code, output = run(command)
    assert code == 0, output


def test_all_audit_entries_are_still_sealed(rows: dict[str, Table]) -> None:
    sealed = len(rows["plumbing_trailseal"]["rows"])
    reports = json.loads(run("verify_trail", "--json")[1])["practices"]
    assert sum(report["sealed"] for report in reports) == sealed == len(rows["plumbing_trailentry"]["rows"])


def test_ana_is_found_by_the_new_search_terms() -> None:
    practice = Practice.objects.get(slug="alder-street")
    ana = Client.objects.get(form_key="form-key-of-ana")
    for typed in ("anita", "abreu", "ana.abreu@mail.example", "5550134"):
        assert ana in search_terms.matching(practice, typed), typed


def test_every_access_is_the_clients_own(rows: dict[str, Table]) -> None:
    accesses = PortalAccess.objects.all()
    assert {access.own_client_id for access in accesses} == {access.client_id for access in accesses}
    assert Invitation.objects.filter(access__own_client=F("client")).count() == len(rows["access_invitation"]["rows"])


def test_encrypted_forms_are_still_readable() -> None:
    (field,) = form_recovery.fields_of(PortalSavedForm.objects.get())
    assert (field.name, field.value) == ("language", "es")


def test_relations_to_renamed_tables_hold() -> None:
    request = SignInRequest.objects.get()
    assert request.address == "ana.abreu@mail.example"
    assert PortalAccount.objects.get(mailbox_key=request.mailbox_key).epoch >= 1
    assert Refund.objects.filter(form_key="form-key-of-refund").count() == 1


def test_new_rows_get_ids_after_the_old_ones() -> None:
    last = Practice.objects.latest("id").pk
    assert Practice.objects.create(slug="oak-hill", name="Oak Hill").pk == last + 1


@pytest.mark.parametrize("table", ["plumbing_auditentry", "plumbing_auditseal"])
def test_renamed_audit_tables_are_append_only(table: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET id = id")


def test_commands_of_the_previous_version_exist() -> None:
    assert set(get_commands()) >= COMMANDS
