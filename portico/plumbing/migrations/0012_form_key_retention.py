"""Indexes form keys by their time, by which old ones are deleted."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("plumbing", "0011_waiting_mails_by_practice")]

    operations = [
        migrations.AddIndex("formkey", models.Index(fields=["written_at"], name="plumbing_formkeys_by_written")),
    ]
