"""Indexes emails by their hand-over, so that those from the future are found without a scan."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("plumbing", "0012_form_key_retention")]

    operations = [
        migrations.AddIndex(
            "outgoingemail",
            models.Index(
                condition=models.Q(("handing_over_at__isnull", False)),
                fields=["handing_over_at"],
                name="outgoing_by_hand_over",
            ),
        ),
    ]
