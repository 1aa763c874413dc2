"""Orders the index of waiting mails by practice, because workers take the mails of the practices in turn."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("plumbing", "0010_one_index_for_each_ref")]

    operations = [
        migrations.RemoveIndex("outgoingemail", "outgoing_waiting"),
        migrations.AddIndex(
            "outgoingemail",
            models.Index(
                fields=["queue", "practice", "id"],
                condition=models.Q(settled_at__isnull=True),
                name="outgoing_waiting",
            ),
        ),
    ]
