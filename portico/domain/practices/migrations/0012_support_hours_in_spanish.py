"""Adds the support hours in Spanish."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("practices", "0011_card_payment_by_default")]

    operations = [migrations.AddField("practice", "support_hours_es", models.CharField(blank=True, max_length=150))]
