"""Renames columns of sign-in links, PINs, sessions, queued requests and bursts, and the constraints of saved forms."""

from django.db import migrations, models

from portico.plumbing.database.constraints import SamePractice


class Migration(migrations.Migration):
    dependencies = [("access", "0006_sign_in_requests_and_saved_forms")]

    operations = [
        migrations.RenameField("Burst", "from_one_place", "from_one_network"),
        migrations.RenameField("SignInRequest", "tries", "attempts"),
        migrations.RenameIndex("SignInRequest", old_name="access_waiting_asks", new_name="access_waiting_requests"),
        migrations.RemoveConstraint("SignInLink", "access_signinlink_ask"),
        migrations.RemoveConstraint("SignInLink", "access_signinlink_code_tries"),
        migrations.RenameField("SignInLink", "ask", "request"),
        migrations.RenameField("SignInLink", "code_tries", "code_attempts"),
        migrations.AddConstraint("SignInLink", SamePractice("request", name="access_signinlink_request")),
        migrations.AddConstraint(
            "SignInLink",
            models.CheckConstraint(condition=models.Q(code_attempts__lte=5), name="access_signinlink_code_attempts"),
        ),
        migrations.RemoveConstraint("Pin", "access_pin_tries"),
        migrations.RenameField("Pin", "tries", "attempts"),
        migrations.AddConstraint(
            "Pin", models.CheckConstraint(condition=models.Q(attempts__lte=5), name="access_pin_attempts")
        ),
        migrations.RemoveConstraint("PortalSession", "access_portalsession_pin_shows_one"),
        migrations.RenameField("PortalSession", "way", "method"),
        migrations.AddConstraint(
            "PortalSession",
            models.CheckConstraint(
                condition=models.Q(method="pin", only_client__isnull=False)
                | (~models.Q(method="pin") & models.Q(only_client__isnull=True)),
                name="access_portalsession_pin_shows_one",
            ),
        ),
        migrations.AlterField(
            "PortalSavedForm",
            "account",
            models.ForeignKey("access.PortalAccount", models.PROTECT, related_name="saved_forms"),
        ),
        migrations.RemoveConstraint("PortalSavedForm", "access_portalkeptpost_account"),
        migrations.AddConstraint("PortalSavedForm", SamePractice("account", name="access_portalsavedform_account")),
        migrations.RemoveConstraint("PortalSavedForm", "access_portalkeptpost_client"),
        migrations.AddConstraint("PortalSavedForm", SamePractice("client", name="access_portalsavedform_client")),
        migrations.RenameIndex(
            "PortalSavedForm", old_name="access_kept_by_created", new_name="access_savedform_by_created"
        ),
    ]
