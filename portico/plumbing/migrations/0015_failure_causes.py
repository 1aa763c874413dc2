"""Adds the cause of a mail's failure, indexes of failed mails and of those to an address, and reports of a provider's own list."""

from django.db import migrations, models

CAUSES = [
    ("no_mailbox", "No such mailbox"),
    ("full", "Mailbox full"),
    ("expired", "Their mail server didn’t answer"),
    ("complained", "Marked as spam"),
    ("provider_list", "On the email provider’s suppression list"),
    ("unexplained", "Rejected without a reason"),
    ("distrust", "Their server doesn’t trust our email"),
    ("message", "This email was rejected"),
    ("other", "Rejected for another reason"),
]
KINDS = [
    ("relayed", "Accepted"),
    ("delivered", "Delivered"),
    ("delayed", "Delayed"),
    ("failed", "Bounced"),
    ("complained", "Marked as spam"),
    ("rejected", "On the email provider’s suppression list"),
    ("auto_replied", "Automatic reply"),
]


class Migration(migrations.Migration):
    dependencies = [("plumbing", "0014_delivery_reports")]

    operations = [
        migrations.RemoveConstraint("deliveryreport", "plumbing_deliveryreport_known_kind"),
        migrations.AddField("outgoingemail", "failed_at", models.DateTimeField(null=True)),
        migrations.AddField(
            "outgoingemail", "failure_cause", models.CharField(blank=True, choices=CAUSES, max_length=16)
        ),
        migrations.AlterField("deliveryreport", "kind", models.CharField(choices=KINDS, max_length=12)),
        migrations.AddIndex(
            "outgoingemail",
            models.Index(fields=["practice", "to_address", "-id"], name="outgoing_to_address"),
        ),
        migrations.AddIndex(
            "outgoingemail",
            models.Index(
                condition=models.Q(("failed_at__isnull", False)), fields=["practice", "-id"], name="outgoing_failed"
            ),
        ),
        migrations.AddConstraint(
            "deliveryreport",
            models.CheckConstraint(
                condition=models.Q(("kind__in", [kind for kind, _label in KINDS])),
                name="plumbing_deliveryreport_known_kind",
            ),
        ),
    ]
