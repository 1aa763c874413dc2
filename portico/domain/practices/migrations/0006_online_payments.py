import django.db.models.deletion
from django.db import migrations, models

import portico.plumbing.clock
import portico.plumbing.database.base_models
import portico.plumbing.database.constraints


class Migration(migrations.Migration):
    dependencies = [
        ("practices", "0005_team"),
    ]

    operations = [
        migrations.AddField(
            model_name="practice",
            name="card_state",
            field=models.CharField(
                blank=True,
                choices=[("", "Not set up"), ("trouble", "Needs attention"), ("test", "Test mode"), ("live", "Ready")],
                editable=False,
                max_length=10,
            ),
        ),
        migrations.CreateModel(
            name="StripeKey",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("ref", portico.plumbing.database.base_models.RefField()),
                ("box", models.BinaryField()),
                ("ending", models.CharField(max_length=4)),
                ("account_id", models.CharField(blank=True, max_length=64)),
                ("livemode", models.BooleanField()),
                ("entered_at", models.DateTimeField(default=portico.plumbing.clock.now, editable=False)),
                ("replaced_at", models.DateTimeField(null=True)),
                (
                    "practice",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="practices.practice",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="practices_stripekey_of_practice"),
                    models.UniqueConstraint(
                        condition=models.Q(("replaced_at__isnull", True)),
                        fields=("practice",),
                        name="practices_stripekey_one_current",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="OnlinePayments",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("ref", portico.plumbing.database.base_models.RefField()),
                ("account_name", models.CharField(blank=True, max_length=200)),
                ("country", models.CharField(blank=True, max_length=2)),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("checked_at", models.DateTimeField(null=True)),
                (
                    "trouble",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "None"),
                            ("key_refused", "Stripe doesn’t accept the key"),
                            ("key_restricted", "The key lacks permissions"),
                            ("key_unreadable", "The key can’t be decrypted"),
                            ("charges_off", "Charges are disabled for the account"),
                            ("currency", "The account has a different currency"),
                        ],
                        max_length=20,
                    ),
                ),
                ("webhook_box", models.BinaryField(null=True)),
                ("webhook_id", models.CharField(blank=True, max_length=64)),
                ("webhook_saved_at", models.DateTimeField(null=True)),
                (
                    "practice",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="practices.practice",
                    ),
                ),
                (
                    "key",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="practices.stripekey",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="practices_onlinepayments_of_practice"),
                    portico.plumbing.database.constraints.SamePractice("key", name="practices_onlinepayments_key"),
                    models.UniqueConstraint(fields=("practice",), name="practices_onlinepayments_one_a_practice"),
                ],
            },
        ),
    ]
