"""Indexes phone numbers by practice: a client may enter one with a PIN."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("clients", "0005_reminders_off")]

    operations = [
        migrations.AddIndex("phonenumber", models.Index(fields=["practice", "number"], name="clients_by_phone")),
    ]
