"""Drops the second index of every `ref`, which Django created for LIKE on PostgreSQL: refs are only looked up whole."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

OF_REFS = """
    SELECT indexname FROM pg_indexes
    WHERE schemaname = current_schema() AND indexname LIKE '%\\_ref\\_%\\_like'
      AND indexdef LIKE '%(ref varchar_pattern_ops)'
"""


def drop(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor != "postgresql":
        return
    with editor.connection.cursor() as cursor:
        cursor.execute(OF_REFS)
        names = [name for (name,) in cursor.fetchall()]
    for name in names:
        editor.execute(f"DROP INDEX {editor.quote_name(name)}", None)


class Migration(migrations.Migration):
    dependencies = [("plumbing", "0009_deleted_bodies")]

    operations = [migrations.RunPython(drop, migrations.RunPython.noop)]
