"""Custom database constraints, which Django's schema editor carries through every migration."""

from abc import ABC, abstractmethod
from collections.abc import Set as AbstractSet
from typing import Any

from django.db import NotSupportedError, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Statement, Table
from django.db.models.constraints import BaseConstraint

type Model = type[models.Model]
type Editor = BaseDatabaseSchemaEditor

# SQLite has no TRUNCATE, and a trigger there is for one operation.
SQLITE_OPERATIONS = ("UPDATE", "DELETE")


class DatabaseConstraint(BaseConstraint, ABC):
    """A constraint made of several statements, behind the methods that Django calls."""

    @abstractmethod
    def create_statements(self, model: Model, editor: Editor) -> list[Statement]:
        """Returns the statements that add the constraint to the database."""

    @abstractmethod
    def drop_statements(self, model: Model, editor: Editor) -> list[Statement]:
        """Returns the statements that drop it from the database."""

    def constraint_sql(self, model: Model | None, schema_editor: Editor | None) -> str:
        model, editor = _required(model, schema_editor)
        # Deferred until the table exists, like an index: Django renames the table in it when it rebuilds the table.
        editor.deferred_sql.extend(self.create_statements(model, editor))
        return ""

    def create_sql(self, model: Model | None, schema_editor: Editor | None) -> Statement:  # type: ignore[override]  # Django's own constraints return a Statement as well.
        model, editor = _required(model, schema_editor)
        return _run_all_but_last(self.create_statements(model, editor), editor)

    def remove_sql(self, model: Model | None, schema_editor: Editor | None) -> Statement:  # type: ignore[override]  # As above.
        model, editor = _required(model, schema_editor)
        return _run_all_but_last(self.drop_statements(model, editor), editor)

    def validate(
        self, model: Model, instance: models.Model, exclude: AbstractSet[str] | None = None, using: str = "default"
    ) -> None:
        """Does nothing: no form offers what these constraints refuse, and the database enforces them."""


class SamePractice(DatabaseConstraint):
    """A foreign key that cannot point into another practice: (practice, field) references (practice, id).

    It is checked at the statement, not at commit. A migration cannot rename a guarded key (SQLite): remove the
    constraint, rename the field, add the constraint again.
    """

    def __init__(self, field: str, *, name: str) -> None:
        super().__init__(name=name)
        self.field = field

    def constraint_sql(self, model: Model | None, schema_editor: Editor | None) -> str:
        model, editor = _required(model, schema_editor)
        if editor.connection.vendor == "sqlite":
            # SQLite supports foreign keys only in CREATE TABLE, so each rebuild of the table adds it again.
            return self._definition(model, editor)
        # Deferred elsewhere: the target's UNIQUE constraint may be added after this table.
        return super().constraint_sql(model, editor)

    def create_statements(self, model: Model, editor: Editor) -> list[Statement]:
        if editor.connection.vendor == "sqlite":
            raise NotSupportedError("SQLite supports foreign keys in CREATE TABLE only.")
        return [
            Statement(
                "ALTER TABLE %(table)s ADD %(rule)s",
                table=Table(model._meta.db_table, editor.quote_name),
                rule=self._definition(model, editor),
            )
        ]

    def drop_statements(self, model: Model, editor: Editor) -> list[Statement]:
        return [
            Statement(
                "ALTER TABLE %(table)s DROP CONSTRAINT %(name)s",
                table=Table(model._meta.db_table, editor.quote_name),
                name=editor.quote_name(self.name),
            )
        ]

    def deconstruct(self) -> tuple[str, tuple[str, ...], dict[str, Any]]:  # Any: Django's own type.
        path, _, kwargs = super().deconstruct()
        return path, (self.field,), kwargs

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SamePractice):
            return NotImplemented
        return (self.field, self.name) == (other.field, other.name)

    def __hash__(self) -> int:
        return hash((SamePractice, self.field, self.name))

    def __repr__(self) -> str:
        return f"<SamePractice: field={self.field!r} name={self.name!r}>"

    def _definition(self, model: Model, editor: Editor) -> str:
        quote = editor.quote_name
        key = model._meta.get_field(self.field)
        if not isinstance(key, models.ForeignKey) or key.column is None:
            raise TypeError(f"SamePractice needs a foreign key; {model.__name__}.{self.field} is none.")
        target = key.remote_field.model._meta
        return (
            f"CONSTRAINT {quote(self.name)} FOREIGN KEY ({quote('practice_id')}, {quote(key.column)}) "
            f"REFERENCES {quote(target.db_table)} ({quote('practice_id')}, {quote('id')})"
        )


class AppendOnly(DatabaseConstraint):
    """An append-only table: the database refuses UPDATE, DELETE and TRUNCATE with an IntegrityError.

    With `may_delete`, only UPDATE. A migration that rewrites such rows must remove the constraint first and add it
    again afterwards.
    """

    def __init__(self, *, name: str, may_delete: bool = False) -> None:
        super().__init__(name=name)
        self.may_delete = may_delete

    def create_statements(self, model: Model, editor: Editor) -> list[Statement]:
        table, name = Table(model._meta.db_table, editor.quote_name), editor.quote_name(self.name)
        refusal = f"Rows of this table {'never change' if self.may_delete else 'are only added'} ({self.name})"
        if editor.connection.vendor == "sqlite":
            return [
                Statement(
                    "CREATE TRIGGER %(name)s BEFORE %(operation)s ON %(table)s "
                    "BEGIN SELECT RAISE(ABORT, '%(refusal)s'); END",
                    name=self._trigger(operation, editor),
                    operation=operation,
                    table=table,
                    refusal=refusal,
                )
                for operation in self._sqlite_operations
            ]
        return [
            Statement(
                # OR REPLACE: dropping a table drops its trigger and leaves the function.
                "CREATE OR REPLACE FUNCTION %(name)s() RETURNS trigger LANGUAGE plpgsql AS $rule$ BEGIN RAISE "
                "EXCEPTION USING ERRCODE = 'integrity_constraint_violation', MESSAGE = '%(refusal)s'; END $rule$",
                name=name,
                refusal=refusal,
            ),
            Statement(
                "CREATE TRIGGER %(name)s BEFORE %(operations)s ON %(table)s "
                "FOR EACH STATEMENT EXECUTE FUNCTION %(name)s()",
                name=name,
                operations="UPDATE" if self.may_delete else "UPDATE OR DELETE OR TRUNCATE",
                table=table,
            ),
        ]

    def drop_statements(self, model: Model, editor: Editor) -> list[Statement]:
        table, name = Table(model._meta.db_table, editor.quote_name), editor.quote_name(self.name)
        if editor.connection.vendor == "sqlite":
            return [
                Statement("DROP TRIGGER %(name)s", name=self._trigger(operation, editor))
                for operation in self._sqlite_operations
            ]
        return [
            Statement("DROP TRIGGER %(name)s ON %(table)s", name=name, table=table),
            Statement("DROP FUNCTION %(name)s()", name=name),
        ]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AppendOnly):
            return NotImplemented
        return (self.name, self.may_delete) == (other.name, other.may_delete)

    def __hash__(self) -> int:
        return hash((AppendOnly, self.name, self.may_delete))

    def __repr__(self) -> str:
        return f"<AppendOnly: name={self.name!r}{' may_delete' if self.may_delete else ''}>"

    def deconstruct(self) -> tuple[str, tuple[str, ...], dict[str, Any]]:  # Any: Django's own type.
        path, _, kwargs = super().deconstruct()
        return path, (), kwargs | ({"may_delete": True} if self.may_delete else {})

    @property
    def _sqlite_operations(self) -> tuple[str, ...]:
        return SQLITE_OPERATIONS[:1] if self.may_delete else SQLITE_OPERATIONS

    def _trigger(self, operation: str, editor: Editor) -> str:
        return str(editor.quote_name(f"{self.name}_{operation.lower()}"))


def _required(model: Model | None, editor: Editor | None) -> tuple[Model, Editor]:
    # Django's signatures allow None; its schema editors always pass both.
    if model is None or editor is None:
        raise TypeError("A constraint needs a model and a schema editor.")
    return model, editor


def _run_all_but_last(statements: list[Statement], editor: Editor) -> Statement:
    """Executes all statements but the last, which it returns: Django executes one statement only."""
    *earlier, last = statements
    for statement in earlier:
        editor.execute(statement, None)
    return last
