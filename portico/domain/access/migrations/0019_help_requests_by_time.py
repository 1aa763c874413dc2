"""Lists open help requests newest first, finds old ones for deletion, and keeps more than one note."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0018_run_item_counts"),
        ("clients", "0006_index_of_phone_numbers"),
        ("practices", "0015_set_up_closed"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="helprequest",
            name="access_open_help_requests",
        ),
        migrations.AlterField(
            model_name="helprequest",
            name="note",
            field=models.TextField(blank=True),
        ),
        migrations.AddIndex(
            model_name="helprequest",
            index=models.Index(
                condition=models.Q(("done_at", None)),
                fields=["practice", "is_beyond_limit", "-id"],
                name="access_open_help_newest",
            ),
        ),
        migrations.AddIndex(
            model_name="helprequest",
            index=models.Index(
                condition=models.Q(("done_at", None)), fields=["asked_at"], name="access_open_help_by_time"
            ),
        ),
    ]
