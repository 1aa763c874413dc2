"""Adds the files that staff put into documents."""

import django.db.models.deletion
from django.db import migrations, models

import portico.plumbing.clock
import portico.plumbing.database.constraints


class Migration(migrations.Migration):
    dependencies = [
        ("documents", "0003_uploads"),
        ("plumbing", "0021_mail_to_many_recipients"),
        ("practices", "0016_age_of_majority"),
    ]

    operations = [
        migrations.CreateModel(
            name="TemplateFile",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("added_at", models.DateTimeField(default=portico.plumbing.clock.now, editable=False)),
                (
                    "file",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="template_file",
                        to="plumbing.storedfile",
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
                    "template",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="files",
                        to="documents.documenttemplate",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="documents_templatefile_of_practice"),
                    portico.plumbing.database.constraints.SamePractice(
                        "template", name="documents_templatefile_template"
                    ),
                    portico.plumbing.database.constraints.SamePractice("file", name="documents_templatefile_file"),
                    portico.plumbing.database.constraints.AppendOnly(name="documents_templatefile_append_only"),
                ],
            },
        ),
    ]
