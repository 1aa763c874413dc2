import django.db.models.deletion
from django.db import migrations, models

import portico.plumbing.database.constraints


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0026_runs_that_share_documents"),
        ("documents", "0009_version_changed_at"),
        ("practices", "0017_document_reminder_days"),
    ]

    operations = [
        migrations.CreateModel(
            name="DocumentRun",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "recipients",
                    models.CharField(
                        choices=[
                            ("client", "The clients"),
                            ("contacts", "Their contacts who may sign documents"),
                            ("both", "Both"),
                        ],
                        max_length=10,
                    ),
                ),
                ("asks_again", models.BooleanField(default=False)),
                ("texts", models.JSONField()),
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
                    "run",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="document_run",
                        to="access.invitationrun",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="documents_documentrun_of_practice"),
                    portico.plumbing.database.constraints.SamePractice("run", name="documents_documentrun_run"),
                    models.CheckConstraint(
                        condition=models.Q(("recipients__in", ["client", "contacts", "both"])),
                        name="documents_documentrun_known_recipients",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DocumentRunVersion",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("position", models.PositiveIntegerField(default=0)),
                (
                    "document_run",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="versions",
                        to="documents.documentrun",
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
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="documents.templateversion",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="documents_documentrunversion_of_practice"),
                    portico.plumbing.database.constraints.SamePractice(
                        "document_run", name="documents_documentrunversion_document_run"
                    ),
                    portico.plumbing.database.constraints.SamePractice(
                        "version", name="documents_documentrunversion_version"
                    ),
                    models.UniqueConstraint(
                        fields=("document_run", "version"), name="documents_documentrunversion_once"
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="packet",
            name="document_run",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="packets",
                to="documents.documentrun",
            ),
        ),
        migrations.AddIndex(
            model_name="packet",
            index=models.Index(
                condition=models.Q(("document_run__isnull", False)),
                fields=["document_run", "id"],
                name="documents_packets_of_run",
            ),
        ),
        migrations.AddConstraint(
            model_name="packet",
            constraint=portico.plumbing.database.constraints.SamePractice(
                "document_run", name="documents_packet_document_run"
            ),
        ),
    ]
