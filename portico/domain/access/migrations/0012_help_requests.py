"""Adds requests for help, which clients send from the entrance or the portal."""

import django.db.models.deletion
from django.db import migrations, models

import portico.plumbing.clock
import portico.plumbing.database.base_models
import portico.plumbing.database.constraints


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0011_client_views"),
        ("clients", "0006_index_of_phone_numbers"),
        ("practices", "0014_help_notices"),
    ]

    operations = [
        migrations.CreateModel(
            name="HelpRequest",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("ref", portico.plumbing.database.base_models.RefField()),
                ("name", models.CharField(max_length=100)),
                ("contact", models.CharField(max_length=254)),
                ("message", models.TextField(max_length=1000)),
                ("address", models.CharField(blank=True, max_length=254)),
                ("mailbox_key", models.CharField(blank=True, max_length=320)),
                ("language", models.CharField(choices=[("en", "English"), ("es", "Español")], max_length=5)),
                ("form_digest", models.CharField(max_length=64)),
                ("is_beyond_limit", models.BooleanField(default=False)),
                ("asked_at", models.DateTimeField(default=portico.plumbing.clock.now, editable=False)),
                ("announced_at", models.DateTimeField(null=True)),
                ("done_at", models.DateTimeField(null=True)),
                ("done_by", models.CharField(blank=True, max_length=100)),
                ("note", models.CharField(blank=True, max_length=500)),
                (
                    "client",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="help_requests",
                        to="clients.client",
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
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(
                        condition=models.Q(("done_at", None)),
                        fields=["practice", "is_beyond_limit", "id"],
                        name="access_open_help_requests",
                    ),
                    models.Index(
                        condition=models.Q(("done_at__isnull", False)),
                        fields=["practice", "-id"],
                        name="access_done_help_requests",
                    ),
                    models.Index(
                        condition=models.Q(("announced_at", None), ("done_at", None), ("is_beyond_limit", False)),
                        fields=["practice"],
                        name="access_unannounced_help",
                    ),
                    models.Index(fields=["practice", "announced_at"], name="access_help_announced"),
                    models.Index(
                        condition=models.Q(("done_at__isnull", False)), fields=["done_at"], name="access_help_by_done"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="access_helprequest_of_practice"),
                    portico.plumbing.database.constraints.SamePractice("client", name="access_helprequest_client"),
                    models.UniqueConstraint(fields=("practice", "form_digest"), name="access_helprequest_once"),
                ],
            },
        ),
    ]
