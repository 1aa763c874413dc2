"""Constraints: keys into another practice, and changes of append-only rows, are refused by the database."""

from collections.abc import Callable, Iterator, Sequence

import pytest
from django.apps import apps
from django.core.checks import Tags, run_checks
from django.db import IntegrityError, connection, models, transaction
from django.db.migrations.migration import Migration
from django.db.migrations.operations import (
    AddConstraint,
    AddField,
    AlterField,
    CreateModel,
    DeleteModel,
    RemoveConstraint,
    RemoveField,
    RenameField,
    RenameModel,
)
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.migrations.writer import MigrationWriter
from django.db.models.constraints import BaseConstraint

from portico.domain.audit_actions import AuditAction
from portico.plumbing.actors import Actor
from portico.plumbing.audit.audit_log import record
from portico.plumbing.database import tenancy_checks
from portico.plumbing.database.base_models import PracticeRow
from portico.plumbing.database.constraints import AppendOnly, DatabaseConstraint, SamePractice
from tests.plumbing.sample_rows import a_client, a_practice

pytestmark = pytest.mark.both_databases

SAME_PRACTICE = SamePractice("client", name="probe_invoice_client")


def _row(name: str, fields: Sequence[tuple[str, models.Field]], *rules: BaseConstraint) -> CreateModel:  # type: ignore[type-arg]  # Any field.
    return CreateModel(
        name,
        [
            ("id", models.BigAutoField(primary_key=True)),
            ("practice", models.ForeignKey("probe.Practice", models.PROTECT, related_name="+", db_index=False)),
            *fields,
        ],
        options={
            "constraints": [
                models.UniqueConstraint(fields=("practice", "id"), name=f"probe_{name.lower()}_of_practice"),
                *rules,
            ]
        },
    )


def _client_key(*, null: bool = False, db_index: bool = True) -> "models.ForeignKey[models.Model, models.Model]":
    return models.ForeignKey("probe.Client", models.PROTECT, related_name="+", null=null, db_index=db_index)


# The child table is created before its parent's UNIQUE constraint; this works because the statement is deferred.
FIRST = [
    CreateModel("Practice", [("id", models.BigAutoField(primary_key=True))]),
    _row("Client", [("name", models.CharField(max_length=20, default=""))]),
    _row(
        "Invoice",
        [("client", _client_key()), ("parent", models.ForeignKey("probe.Invoice", models.PROTECT, null=True))],
        SAME_PRACTICE,
        SamePractice("parent", name="probe_invoice_parent"),
    ),
    _row("Note", [("client", _client_key(null=True))], SamePractice("client", name="probe_note_client")),
    _row("Entry", [("word", models.CharField(max_length=20))], AppendOnly(name="probe_entry_append_only")),
]

LATER: dict[str, list[Operation]] = {
    "nothing": [],
    "a field is added to the child": [AddField("Invoice", "note", models.TextField(default="x"))],
    "a field is added to the parent": [AddField("Client", "note", models.TextField(default="x"))],
    "a field is added to what is append-only": [AddField("Entry", "note", models.TextField(default="x"))],
    "a field of the parent is altered": [AlterField("Client", "name", models.TextField(default=""))],
    "the key itself is altered": [AlterField("Invoice", "client", _client_key(db_index=False))],
    "a field of what is append-only is altered": [AlterField("Entry", "word", models.TextField())],
    "a field is removed": [
        AddField("Invoice", "note", models.CharField(max_length=5, default="x", db_index=True)),
        RemoveField("Invoice", "note"),
    ],
    "the parent is renamed": [RenameModel("Client", "Person"), RenameModel("Person", "Client")],
    "the child is renamed": [RenameModel("Invoice", "Bill"), RenameModel("Bill", "Invoice")],
    "what is append-only is renamed": [RenameModel("Entry", "Line"), RenameModel("Line", "Entry")],
    "the key is renamed, as it must be": [
        RemoveConstraint("Invoice", "probe_invoice_client"),
        RenameField("Invoice", "client", "payer"),
        RenameField("Invoice", "payer", "client"),
        AddConstraint("Invoice", SAME_PRACTICE),
    ],
    "the rule is lifted and set again": [
        RemoveConstraint("Entry", "probe_entry_append_only"),
        AddConstraint("Entry", AppendOnly(name="probe_entry_append_only")),
    ],
    "the table is rebuilt": [
        DeleteModel("Entry"),
        _row("Entry", [("word", models.CharField(max_length=20))], AppendOnly(name="probe_entry_append_only")),
    ],
}


class Probe:
    """Creates temporary tables by migrations, as our own are."""

    def __init__(self) -> None:
        self.state = ProjectState()

    def migrate(self, operations: Sequence[Operation]) -> None:
        # One migration each, as they would be written over the years.
        for operation in operations:
            migration = type("Probed", (Migration,), {"operations": [operation]})("probed", "probe")
            with connection.schema_editor(atomic=migration.atomic) as editor:
                self.state = migration.apply(self.state, editor)

    def new(self, name: str, **values: object) -> int:
        return int(self.rows(name).create(**values).pk)

    def rows(self, name: str) -> "models.Manager[models.Model]":
        model: type[models.Model] = self.state.apps.get_model("probe", name)
        return model._default_manager

    def drop(self) -> None:
        self.migrate([DeleteModel(name) for name in ("Entry", "Note", "Invoice", "Client", "Practice")])


@pytest.fixture
def probe(transactional_db: None) -> Iterator[Probe]:
    probe = Probe()
    probe.migrate(FIRST)
    yield probe
    probe.drop()


@pytest.mark.parametrize("operations", LATER.values(), ids=LATER.keys())
def test_constraints_survive_table_changes(probe: Probe, operations: list[Operation]) -> None:
    probe.migrate(operations)
    ours, theirs = probe.new("Practice"), probe.new("Practice")
    our_client, their_client = (probe.new("Client", practice_id=practice) for practice in (ours, theirs))
    invoice = probe.new("Invoice", practice_id=ours, client_id=our_client)
    their_invoice = probe.new("Invoice", practice_id=theirs, client_id=their_client, parent_id=None)
    note = probe.new("Note", practice_id=ours, client_id=None)
    entry = probe.new("Entry", practice_id=ours, word="said")

    attempts = {
        "insert across": lambda: probe.new("Invoice", practice_id=ours, client_id=their_client),
        "update across": lambda: probe.rows("Invoice").filter(pk=invoice).update(client_id=their_client),
        "move the child": lambda: probe.rows("Invoice").filter(pk=invoice).update(practice_id=theirs),
        "move the parent": lambda: probe.rows("Client").filter(pk=our_client).update(practice_id=theirs),
        "point to itself across": lambda: probe.rows("Invoice").filter(pk=invoice).update(parent_id=their_invoice),
        "a nullable key across": lambda: probe.rows("Note").filter(pk=note).update(client_id=their_client),
        "change what was said": lambda: probe.rows("Entry").filter(pk=entry).update(word="unsaid"),
        "delete what was said": lambda: probe.rows("Entry").filter(pk=entry).delete(),
    }
    for what, attempt in attempts.items():
        assert _is_refused(attempt), what
    assert probe.rows("Entry").filter(word="said").count() == 1


def _is_refused(attempt: Callable[[], object]) -> bool:
    try:
        with transaction.atomic():
            attempt()
    except IntegrityError:
        return True
    return False


@pytest.mark.postgresql
def test_append_only_tables_cannot_be_truncated(probe: Probe) -> None:
    probe.new("Entry", practice_id=probe.new("Practice"), word="said")

    with pytest.raises(IntegrityError, match="only added"), connection.cursor() as cursor:
        cursor.execute("TRUNCATE probe_entry")


@pytest.mark.sqlite
def test_replace_cannot_delete_append_only_rows(probe: Probe) -> None:
    entry = probe.new("Entry", practice_id=probe.new("Practice"), word="said")

    with pytest.raises(IntegrityError, match="only added"), connection.cursor() as cursor:
        cursor.execute("REPLACE INTO probe_entry (id, practice_id, word) VALUES (%s, 1, 'unsaid')", [entry])


def _constraints() -> list[tuple[type[models.Model], DatabaseConstraint]]:
    return [
        (model, constraint)
        for model in apps.get_models()
        for constraint in model._meta.constraints
        if isinstance(constraint, DatabaseConstraint)
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(("model", "constraint"), [pytest.param(*pair, id=pair[1].name) for pair in _constraints()])
def test_every_constraint_exists_in_the_database(model: type[models.Model], constraint: DatabaseConstraint) -> None:
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "SELECT sql FROM sqlite_master WHERE tbl_name = %s AND type IN ('table', 'trigger')", [table]
            )
        else:
            cursor.execute(
                "SELECT 'CONSTRAINT \"' || conname || '\" FOREIGN KEY' FROM pg_constraint "
                "WHERE conrelid = %(table)s::regclass AND contype = 'f' "
                "UNION ALL SELECT 'CREATE TRIGGER \"' || tgname || '\"' FROM pg_trigger "
                "WHERE tgrelid = %(table)s::regclass AND tgenabled = 'O'",
                {"table": table},
            )
        stands = "\n".join(sql for (sql,) in cursor.fetchall())

    if isinstance(constraint, SamePractice):
        assert f'CONSTRAINT "{constraint.name}" FOREIGN KEY' in stands
    else:
        may_delete = isinstance(constraint, AppendOnly) and constraint.may_delete
        refused = ["update"] if may_delete else ["update", "delete"]
        names = (
            [f"{constraint.name}_{each}" for each in refused] if connection.vendor == "sqlite" else [constraint.name]
        )
        assert all(f'CREATE TRIGGER "{name}"' in stands for name in names)


@pytest.mark.django_db
def test_our_models_pass_the_tenancy_check() -> None:
    assert [complaint for complaint in run_checks(tags=[Tags.models]) if complaint.is_serious()] == []
    assert tenancy_checks.check_practice_keys() == []


def test_an_unguarded_foreign_key_is_reported() -> None:
    state = ProjectState()
    for operation in (*FIRST, RemoveConstraint("Invoice", "probe_invoice_client")):
        operation.state_forwards("probe", state)

    (complaint,) = tenancy_checks.messages_for(state.apps.get_models())

    assert complaint.id == "portico.E001"
    assert complaint.msg == "probe.Invoice.client may point into another practice."


def test_a_nullable_practice_is_reported() -> None:
    state = ProjectState()
    for operation in FIRST:
        operation.state_forwards("probe", state)
    practice = models.ForeignKey("probe.Practice", models.PROTECT, related_name="+", null=True)
    AlterField("Note", "practice", practice).state_forwards("probe", state)

    assert [complaint.id for complaint in tenancy_checks.messages_for(state.apps.get_models())] == ["portico.E002"]


def test_a_many_to_many_field_is_reported() -> None:
    state = ProjectState()
    for operation in (*FIRST, AddField("Note", "others", models.ManyToManyField("probe.Client", related_name="+"))):
        operation.state_forwards("probe", state)

    assert [complaint.id for complaint in tenancy_checks.messages_for(state.apps.get_models())] == ["portico.E003"]


@pytest.mark.parametrize(
    "constraint", [SAME_PRACTICE, AppendOnly(name="said_once"), AppendOnly(name="said_once", may_delete=True)], ids=repr
)
def test_constraints_deconstruct_to_equal_ones(constraint: DatabaseConstraint) -> None:
    written, imports = MigrationWriter.serialize(constraint)
    known: dict[str, object] = {}
    exec("\n".join(sorted(imports)), known)  # A migration file contains the result of `deconstruct`.

    assert eval(written, known) == constraint
    assert hash(constraint.clone()) == hash(constraint)
    assert constraint != models.UniqueConstraint(fields=("x",), name=constraint.name)  # type: ignore[comparison-overlap]  # On purpose.


def test_constraints_with_other_names_differ() -> None:
    assert SamePractice("client", name="other") != SAME_PRACTICE
    assert SamePractice("payer", name="probe_invoice_client") != SAME_PRACTICE
    assert AppendOnly(name="one") != AppendOnly(name="other")
    assert AppendOnly(name="one") != AppendOnly(name="one", may_delete=True)


@pytest.mark.django_db
def test_an_entry_cannot_name_another_practices_client() -> None:
    ours, theirs = a_practice(), a_practice()

    with pytest.raises(IntegrityError), transaction.atomic():
        record(AuditAction.OVERVIEW_VIEWED, practice=ours, by=Actor.system(), client=a_client(theirs))


def test_practice_rows_have_the_referenced_unique_pair() -> None:
    rows = [model for model in apps.get_models() if issubclass(model, PracticeRow)]
    referenced = {
        field.related_model
        for model in rows
        for field in model._meta.get_fields()
        if field.many_to_one and field.concrete
    }
    without = [
        model._meta.label
        for model in rows
        if model in referenced
        and not any(getattr(constraint, "fields", ()) == ("practice", "id") for constraint in model._meta.constraints)
    ]
    assert without == []
