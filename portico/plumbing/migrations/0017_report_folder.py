"""Adds the folder that was read last to the position in the mailbox of reports."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("plumbing", "0016_causes_of_earlier_failures"),
    ]

    operations = [
        migrations.AddField(
            model_name="reportmailbox",
            name="folder",
            field=models.CharField(blank=True, max_length=64),
        ),
    ]
