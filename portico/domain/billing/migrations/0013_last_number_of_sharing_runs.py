"""A sharing run ends at an invoice number: an older draft that is issued later has a lower id, but a higher number."""

from django.db import migrations, models

# A run that waits during the migration covers what it covered, and what is issued until it ends.
LARGEST = 2**31 - 1


class Migration(migrations.Migration):
    dependencies = (("billing", "0012_service_names_in_spanish"),)

    operations = (
        migrations.AddField(
            model_name="sharingrun",
            name="last_number",
            field=models.PositiveIntegerField(default=LARGEST),
            preserve_default=False,
        ),
        migrations.RemoveField(model_name="sharingrun", name="last_invoice_id"),
    )
