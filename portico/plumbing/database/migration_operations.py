"""Migration operations that Django does not have."""

from typing import Any

from django.apps.registry import Apps
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState


class RenameConstraint(Operation):
    """Renames a constraint of a model without dropping it, so that foreign keys may depend on it.

    PostgreSQL renames it in place. SQLite knows constraints only by the text of their table, which is written with the
    new name when the table is next rebuilt.
    """

    reversible = True

    def __init__(self, model_name: str, *, old_name: str, new_name: str) -> None:
        self.model_name = model_name.lower()
        self.old_name = old_name
        self.new_name = new_name

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:  # Any: Django's own signature.
        return type(self).__qualname__, [self.model_name], {"old_name": self.old_name, "new_name": self.new_name}

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        options = state.models[app_label, self.model_name].options
        constraints = []
        for constraint in options["constraints"]:
            if constraint.name == self.old_name:
                renamed = constraint.clone()
                renamed.name = self.new_name
                constraints.append(renamed)
            else:
                constraints.append(constraint)
        options["constraints"] = constraints
        state.reload_model(app_label, self.model_name, delay=True)

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        self._rename(to_state.apps, app_label, schema_editor, self.old_name, self.new_name)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        self._rename(to_state.apps, app_label, schema_editor, self.new_name, self.old_name)

    def describe(self) -> str:
        return f"Rename constraint {self.old_name} on {self.model_name} to {self.new_name}"

    def _rename(self, apps: Apps, app_label: str, editor: BaseDatabaseSchemaEditor, old: str, new: str) -> None:
        if editor.connection.vendor != "postgresql":
            return
        table = apps.get_model(app_label, self.model_name)._meta.db_table
        name = editor.quote_name
        editor.execute(f"ALTER TABLE {name(table)} RENAME CONSTRAINT {name(old)} TO {name(new)}", None)
