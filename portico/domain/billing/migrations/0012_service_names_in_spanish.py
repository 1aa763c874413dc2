"""Adds the Spanish names of products and services."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0011_recording_payments")]

    operations = [migrations.AddField("serviceitem", "label_es", models.CharField(blank=True, max_length=100))]
