import django.db.models.deletion
from django.db import migrations, models

import portico.plumbing.clock
import portico.plumbing.database.base_models
import portico.plumbing.database.constraints


class Migration(migrations.Migration):
    dependencies = [
        ("plumbing", "0019_words_for_stopped_mail"),
        ("practices", "0015_set_up_closed"),
    ]

    operations = [
        migrations.CreateModel(
            name="StoredFile",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("lease_until", models.DateTimeField(editable=False, null=True)),
                ("not_before", models.DateTimeField(editable=False, null=True)),
                ("attempts", models.PositiveIntegerField(default=0, editable=False)),
                ("ref", portico.plumbing.database.base_models.RefField()),
                ("name", models.CharField(max_length=120)),
                (
                    "kind",
                    models.CharField(
                        choices=[("pdf", "PDF"), ("jpeg", "JPEG"), ("png", "PNG"), ("heic", "HEIC")], max_length=10
                    ),
                ),
                ("has_scripts", models.BooleanField(default=False)),
                ("size", models.PositiveIntegerField(default=0)),
                ("sha256", models.CharField(blank=True, max_length=64)),
                (
                    "state",
                    models.CharField(
                        choices=[("receiving", "Receiving"), ("complete", "Complete"), ("removed", "Removed")],
                        default="receiving",
                        max_length=10,
                    ),
                ),
                (
                    "virus_check",
                    models.CharField(
                        choices=[
                            ("checking", "Being checked for viruses"),
                            ("clean", "Checked for viruses"),
                            ("infected", "A virus was found"),
                            ("not_checked", "Not checked for viruses"),
                        ],
                        default="not_checked",
                        max_length=12,
                    ),
                ),
                ("virus_name", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField(default=portico.plumbing.clock.now, editable=False)),
                ("completed_at", models.DateTimeField(editable=False, null=True)),
                ("checked_at", models.DateTimeField(editable=False, null=True)),
                ("content_deleted_at", models.DateTimeField(editable=False, null=True)),
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
                        condition=models.Q(("state", "complete"), ("virus_check", "checking")),
                        fields=["practice", "id"],
                        name="plumbing_files_to_check",
                    ),
                    models.Index(
                        condition=models.Q(("state", "receiving")),
                        fields=["created_at"],
                        name="plumbing_files_receiving",
                    ),
                    models.Index(
                        condition=models.Q(("content_deleted_at", None), ("state", "removed")),
                        fields=["id"],
                        name="plumbing_files_to_delete",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="plumbing_storedfile_of_practice"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "complete"), _negated=True),
                            models.Q(
                                ("completed_at__isnull", False),
                                ("content_deleted_at", None),
                                ("size__gt", 0),
                                models.Q(("sha256", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="plumbing_storedfile_complete_has_content",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="FileChunk",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("position", models.PositiveIntegerField()),
                ("content", models.BinaryField()),
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
                    "file",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="chunks",
                        to="plumbing.storedfile",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="plumbing_filechunk_of_practice"),
                    portico.plumbing.database.constraints.SamePractice("file", name="plumbing_filechunk_file"),
                    models.UniqueConstraint(fields=("file", "position"), name="plumbing_filechunk_position"),
                    portico.plumbing.database.constraints.AppendOnly(
                        may_delete=True, name="plumbing_filechunk_never_changes"
                    ),
                ],
            },
        ),
    ]
