"""Changes the words for a mailbox that gets no more mail; no column changes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("plumbing", "0018_reports_by_kind"),
    ]

    operations = [
        migrations.AlterField(
            model_name="deliveryreport",
            name="kind",
            field=models.CharField(
                choices=[
                    ("relayed", "Accepted"),
                    ("delivered", "Delivered"),
                    ("delayed", "Delayed"),
                    ("failed", "Bounced"),
                    ("complained", "Marked as spam"),
                    ("rejected", "Blocked by the email provider"),
                    ("auto_replied", "Automatic reply"),
                ],
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="outgoingemail",
            name="failure_cause",
            field=models.CharField(
                blank=True,
                choices=[
                    ("no_mailbox", "No such mailbox"),
                    ("full", "Mailbox full"),
                    ("expired", "Their mail server didn’t answer"),
                    ("complained", "Marked as spam"),
                    ("provider_list", "Blocked by the email provider"),
                    ("unexplained", "Rejected without a reason"),
                    ("distrust", "Their server doesn’t trust our email"),
                    ("message", "This email was rejected"),
                    ("other", "Rejected for another reason"),
                ],
                max_length=16,
            ),
        ),
    ]
