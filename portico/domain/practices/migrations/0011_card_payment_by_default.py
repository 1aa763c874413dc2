"""Stores whether new clients of a practice may pay by card."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("practices", "0010_reminder_days")]

    operations = [migrations.AddField("practice", "card_payment_by_default", models.BooleanField(default=True))]
