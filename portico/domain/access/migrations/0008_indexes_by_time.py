"""Indexes PINs, sessions and sign-in requests by their time, so that those from the future are found without a scan."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("access", "0007_names_of_columns")]

    operations = [
        migrations.AddIndex(
            "pin",
            models.Index(
                condition=models.Q(("used_at", None), ("voided_at", None)),
                fields=["created_at"],
                name="access_live_pins_by_created",
            ),
        ),
        migrations.AddIndex(
            "portalsession",
            models.Index(
                condition=models.Q(("ended_at", None)), fields=["created_at"], name="access_sessions_by_created"
            ),
        ),
        migrations.AddIndex("signinrequest", models.Index(fields=["written_at"], name="access_asks_by_written")),
    ]
