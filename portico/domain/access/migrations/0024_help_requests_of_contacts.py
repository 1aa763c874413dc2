"""Stores by which access a help request from the portal was sent: the client's own, or that of a contact."""

import django.db.models.deletion
from django.db import migrations, models

import portico.plumbing.database.constraints


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0023_runs_without_guardian"),
        ("clients", "0007_contacts"),
        ("practices", "0017_document_reminder_days"),
    ]

    operations = [
        migrations.AddField(
            model_name="helprequest",
            name="access",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="help_requests",
                to="access.portalaccess",
            ),
        ),
        migrations.AddConstraint(
            model_name="helprequest",
            constraint=portico.plumbing.database.constraints.SamePractice("access", name="access_helprequest_access"),
        ),
    ]
