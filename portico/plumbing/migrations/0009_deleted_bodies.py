"""Stores when the body of an old mail was deleted, with an index of the mails that still have theirs."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("plumbing", "0008_columns_of_audit_log_and_queues")]

    operations = [
        migrations.AddField("outgoingemail", "body_deleted_at", models.DateTimeField(null=True)),
        migrations.AddIndex(
            "outgoingemail",
            models.Index(fields=["id"], condition=models.Q(body_deleted_at__isnull=True), name="outgoing_with_body"),
        ),
    ]
