"""Adds an index of delivery reports by kind: whether a practice's mails are reported as accepted at all."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("plumbing", "0017_report_folder")]

    operations = [
        migrations.AddIndex(
            "deliveryreport",
            models.Index(fields=["practice", "kind", "written_at"], name="report_by_kind"),
        ),
    ]
