"""Renames the validity counter to epoch, and the idempotency key of a form to form key."""

from django.db import migrations, models


def renamed(model: str, old: str, new: str) -> migrations.RenameField:
    return migrations.RenameField(model_name=model, old_name=old, new_name=new)


class Migration(migrations.Migration):
    dependencies = [("access", "0004_kept_posts")]

    operations = [
        renamed("portalaccount", "counter", "epoch"),
        renamed("portalaccess", "changed_number", "changed_epoch"),
        renamed("portalaccess", "ended_number", "ended_epoch"),
        renamed("portalaccess", "consent_number", "consent_epoch"),
        renamed("signinlink", "number", "epoch"),
        renamed("pin", "number", "epoch"),
        renamed("portalsession", "number", "epoch"),
        renamed("portalsession", "proof_number", "proof_epoch"),
        migrations.RemoveConstraint(model_name="invitation", name="access_invitation_one_a_press"),
        renamed("invitation", "press", "form_key"),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.UniqueConstraint(
                fields=("client", "form_key"), name="access_invitation_one_per_form_key"
            ),
        ),
        migrations.RemoveConstraint(model_name="pin", name="access_pin_one_a_press"),
        renamed("pin", "press", "form_key"),
        migrations.AddConstraint(
            model_name="pin",
            constraint=models.UniqueConstraint(fields=("client", "form_key"), name="access_pin_one_per_form_key"),
        ),
    ]
