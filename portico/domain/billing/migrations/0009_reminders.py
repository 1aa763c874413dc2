"""Adds the automatic reminders that were queued, and an index to find the bills of a day."""

import django.db.models.deletion
from django.db import migrations, models

import portico.plumbing.clock
import portico.plumbing.database.constraints


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0008_owed_totals"),
        ("clients", "0005_reminders_off"),
        ("practices", "0010_reminder_days"),
    ]

    operations = [
        migrations.CreateModel(
            name="Reminder",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "practice",
                    models.ForeignKey(
                        "practices.practice", django.db.models.deletion.PROTECT, db_index=False, related_name="+"
                    ),
                ),
                (
                    "invoice",
                    models.ForeignKey(
                        "billing.invoice", django.db.models.deletion.PROTECT, db_index=False, related_name="reminders"
                    ),
                ),
                ("day", models.DateField()),
                ("queued_at", models.DateTimeField(default=portico.plumbing.clock.now, editable=False)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="billing_reminder_of_practice"),
                    portico.plumbing.database.constraints.SamePractice("invoice", name="billing_reminder_invoice"),
                    models.UniqueConstraint(fields=("invoice", "day"), name="billing_reminder_one_a_day"),
                ],
            },
        ),
        migrations.AddIndex(
            "invoice",
            models.Index(
                fields=["due_on", "id"],
                condition=models.Q(issued_at__isnull=False, voided_at=None, open_minor__gt=0),
                name="billing_owing_by_due_date",
            ),
        ),
    ]
