"""A sharing run ends at an invoice number: an older draft that is issued later has a lower id, but a higher number."""

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

# For a run none of whose invoices is found.
LARGEST = 2**31 - 1


def convert_ends(apps: StateApps, _editor: BaseDatabaseSchemaEditor) -> None:
    """Ends each run at the highest number among the invoices up to its last id: it covers what it covered."""
    run_model, invoice_model = (apps.get_model("billing", name) for name in ("SharingRun", "Invoice"))
    for run in run_model.objects.all():
        covered = invoice_model.objects.filter(practice=run.practice_id, id__lte=run.last_invoice_id)
        highest = covered.aggregate(highest=models.Max("number"))["highest"]
        if highest is not None:
            run_model.objects.filter(pk=run.pk).update(last_number=highest)


class Migration(migrations.Migration):
    dependencies = (("billing", "0012_service_names_in_spanish"),)

    operations = (
        migrations.AddField(
            model_name="sharingrun",
            name="last_number",
            field=models.PositiveIntegerField(default=LARGEST),
            preserve_default=False,
        ),
        migrations.RunPython(convert_ends, migrations.RunPython.noop, elidable=True),
        migrations.RemoveField(model_name="sharingrun", name="last_invoice_id"),
    )
