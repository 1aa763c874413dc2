"""Adds views of the portal by staff."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import portico.plumbing.clock
import portico.plumbing.database.base_models
import portico.plumbing.database.constraints


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0010_invitation_runs"),
        ("clients", "0006_index_of_phone_numbers"),
        ("practices", "0011_card_payment_by_default"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ClientView",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("ref", portico.plumbing.database.base_models.RefField()),
                ("staff_session", models.CharField(max_length=26)),
                ("key_hash", models.CharField(max_length=64, unique=True)),
                ("reason", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField(default=portico.plumbing.clock.now, editable=False)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "ended_because",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("by_staff", "Ended by staff"),
                            ("expired", "Expired"),
                            ("replaced", "Replaced by another view"),
                            ("not_allowed", "No longer allowed"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="clients.client"
                    ),
                ),
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
                    "staff",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [models.Index(fields=["created_at"], name="access_client_views_by_time")],
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="access_clientview_of_practice"),
                    portico.plumbing.database.constraints.SamePractice("client", name="access_clientview_client"),
                    portico.plumbing.database.constraints.SamePractice("staff", name="access_clientview_staff"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at__isnull", True), ("ended_because", "")),
                            models.Q(
                                ("ended_at__isnull", False),
                                ("ended_because__in", ["by_staff", "expired", "replaced", "not_allowed"]),
                            ),
                            _connector="OR",
                        ),
                        name="access_clientview_open_or_ended",
                    ),
                ],
            },
        ),
    ]
