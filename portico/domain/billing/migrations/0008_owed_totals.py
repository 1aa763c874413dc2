"""Keeps the total that each practice is owed.

Nothing is added up here: to the pages every invoice is a difference that the total does not include yet, and the worker
includes them, 20,000 a minute.
"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0007_names_of_columns"),
        ("practices", "0009_last_reconciliation"),
    ]

    operations = [
        migrations.CreateModel(
            name="OwedTotal",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "practice",
                    models.ForeignKey(
                        "practices.practice", django.db.models.deletion.PROTECT, db_index=False, related_name="+"
                    ),
                ),
                ("minor", models.BigIntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="billing_owedtotal_of_practice"),
                    models.UniqueConstraint(fields=("practice",), name="billing_owedtotal_one_a_practice"),
                ],
            },
        ),
        migrations.AddField("invoice", "totaled_minor", models.BigIntegerField(null=True, editable=False)),
        migrations.AddIndex(
            "invoice",
            models.Index(
                fields=["practice", "id"],
                condition=(
                    models.Q(issued_at__isnull=False, voided_at=None) & ~models.Q(totaled_minor=models.F("open_minor"))
                )
                | models.Q(voided_at__isnull=False, totaled_minor__isnull=False),
                name="billing_not_totaled",
            ),
        ),
    ]
