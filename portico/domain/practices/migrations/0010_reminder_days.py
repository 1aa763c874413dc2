"""Adds the days on which clients are reminded of unpaid bills: none for the practices that exist already."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("practices", "0009_last_reconciliation")]

    operations = [
        migrations.AddField("practice", "reminder_days", models.CharField(max_length=40, blank=True, default="")),
        migrations.AlterField(
            "practice", "reminder_days", models.CharField(max_length=40, blank=True, default="-3,3,14,30")
        ),
    ]
