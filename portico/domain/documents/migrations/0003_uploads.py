"""Adds the files that clients send for a request."""

import django.db.models.deletion
from django.db import migrations, models

import portico.plumbing.clock
import portico.plumbing.database.base_models
import portico.plumbing.database.constraints


class Migration(migrations.Migration):
    dependencies = [
        ("clients", "0006_index_of_phone_numbers"),
        ("documents", "0002_draft_saved_from"),
        ("plumbing", "0020_files"),
        ("practices", "0015_set_up_closed"),
    ]

    operations = [
        migrations.CreateModel(
            name="Upload",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("ref", portico.plumbing.database.base_models.RefField()),
                ("link_id", models.CharField(blank=True, max_length=64)),
                ("uploaded_at", models.DateTimeField(default=portico.plumbing.clock.now, editable=False)),
                ("removed_at", models.DateTimeField(null=True)),
                (
                    "client",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="uploads",
                        to="clients.client",
                    ),
                ),
                (
                    "file",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="upload", to="plumbing.storedfile"
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
                    "request",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="uploads",
                        to="documents.documentrequest",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(fields=["request", "id"], name="documents_uploads_of_request"),
                    models.Index(
                        condition=models.Q(("removed_at", None)),
                        fields=["client", "-id"],
                        name="documents_uploads_of_client",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="documents_upload_of_practice"),
                    portico.plumbing.database.constraints.SamePractice("request", name="documents_upload_request"),
                    portico.plumbing.database.constraints.SamePractice("client", name="documents_upload_client"),
                    portico.plumbing.database.constraints.SamePractice("file", name="documents_upload_file"),
                ],
            },
        ),
    ]
