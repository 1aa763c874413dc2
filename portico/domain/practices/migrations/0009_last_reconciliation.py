"""Stores when each practice was last reconciled with Stripe, so that the worker takes them in turn."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("practices", "0008_encrypted_secrets")]

    operations = [migrations.AddField("onlinepayments", "reconciled_at", models.DateTimeField(null=True))]
