"""Names the encrypted columns and the problem of the Stripe connection, and the constraints of saved forms."""

from django.conf import settings
from django.db import migrations, models

from portico.plumbing.database.constraints import SamePractice


class Migration(migrations.Migration):
    dependencies = [("practices", "0007_reset_requests_and_saved_forms")]

    operations = [
        migrations.RenameField("StripeKey", "box", "encrypted_secret"),
        migrations.RenameField("OnlinePayments", "webhook_box", "encrypted_webhook_secret"),
        migrations.RenameField("OnlinePayments", "trouble", "problem"),
        migrations.RemoveConstraint("StaffSavedForm", "practices_keptpost_staff"),
        migrations.AddConstraint("StaffSavedForm", SamePractice("staff", name="practices_staffsavedform_staff")),
        migrations.AlterField(
            "staffsavedform",
            "staff",
            models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="saved_forms"),
        ),
        migrations.RenameIndex(
            "staffsavedform", old_name="practices_kept_by_created", new_name="practices_savedform_by_created"
        ),
    ]
