"""Renames the tables of sign-in requests and saved forms."""

from django.db import migrations

from portico.plumbing.database.migration_operations import RenameConstraint


class Migration(migrations.Migration):
    dependencies = [("access", "0005_epochs_and_form_keys")]

    operations = [
        migrations.RenameModel("SignInAsk", "SignInRequest"),
        migrations.RenameModel("PortalKeptPost", "PortalSavedForm"),
        RenameConstraint(
            "portalsavedform",
            old_name="access_portalkeptpost_of_practice",
            new_name="access_portalsavedform_of_practice",
        ),
        RenameConstraint(
            "signinrequest", old_name="access_signinask_of_practice", new_name="access_signinrequest_of_practice"
        ),
    ]
