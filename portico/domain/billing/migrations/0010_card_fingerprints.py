"""Stores the fingerprint of saved cards, by which the same card is recognized."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0009_reminders")]

    operations = [
        migrations.AddField(
            "savedcard", "fingerprint", models.CharField(max_length=64, blank=True, default=""), preserve_default=False
        )
    ]
