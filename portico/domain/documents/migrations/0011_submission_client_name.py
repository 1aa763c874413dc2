from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

import portico.plumbing.database.constraints


def store_names(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    """Stores the names as they are now, with which the PDFs were made."""
    rows = apps.get_model("documents", "Submission").objects
    columns = [f"request__client__{each}" for each in ("preferred_name", "first_name", "last_name")]
    for pk, preferred, first, last in rows.values_list("pk", *columns).iterator():
        rows.filter(pk=pk).update(client_name=f"{preferred or first} {last}".strip())


class Migration(migrations.Migration):
    dependencies = [
        ("clients", "0008_search_terms_of_contacts"),
        ("documents", "0010_document_runs"),
    ]

    operations = [
        migrations.RemoveConstraint("submission", "documents_submission_append_only"),
        migrations.AddField("submission", "client_name", models.CharField(blank=True, max_length=250)),
        migrations.RunPython(store_names, migrations.RunPython.noop),
        migrations.AddConstraint(
            "submission",
            portico.plumbing.database.constraints.AppendOnly(name="documents_submission_append_only"),
        ),
    ]
