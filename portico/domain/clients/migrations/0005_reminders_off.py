"""Adds when reminders were turned off for a client."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("clients", "0004_fewer_indexes_of_search_terms")]

    operations = [migrations.AddField("client", "reminders_off_at", models.DateTimeField(null=True, blank=True))]
