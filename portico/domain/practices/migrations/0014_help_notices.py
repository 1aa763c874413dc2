"""Stores which staff members get an email about new help requests."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("practices", "0013_texts_of_other_emails")]

    operations = [
        migrations.AddField(
            "practice",
            "help_notices",
            models.CharField(
                max_length=20,
                choices=[
                    ("not_sent", "No one"),
                    ("owners", "Owners"),
                    ("client_editors", "Everyone who can edit clients: owners, clinicians and the front desk"),
                ],
                default="owners",
            ),
        )
    ]
