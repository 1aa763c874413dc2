"""Renames the tables of password reset requests and saved forms."""

from django.db import migrations

from portico.plumbing.database.migration_operations import RenameConstraint


class Migration(migrations.Migration):
    dependencies = [("practices", "0006_online_payments")]

    operations = [
        migrations.RenameModel("PasswordAsk", "PasswordResetRequest"),
        migrations.RenameModel("KeptPost", "StaffSavedForm"),
        RenameConstraint(
            "staffsavedform", old_name="practices_keptpost_of_practice", new_name="practices_staffsavedform_of_practice"
        ),
    ]
