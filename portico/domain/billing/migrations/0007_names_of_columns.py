"""Renames columns of payment attempts, refunds, requested refunds and sharing runs."""

from django.db import migrations, models

from portico.plumbing.database.constraints import SamePractice


class Migration(migrations.Migration):
    dependencies = [("billing", "0006_form_keys")]

    operations = [
        migrations.RemoveConstraint("PaymentAttempt", "billing_paymentattempt_card_of_way"),
        migrations.RenameField("PaymentAttempt", "way", "method"),
        migrations.RenameField("PaymentAttempt", "tries", "attempts"),
        migrations.AddConstraint(
            "PaymentAttempt",
            models.CheckConstraint(
                condition=models.Q(method="checkout", card=None) | models.Q(method="saved_card", card__isnull=False),
                name="billing_paymentattempt_card_of_method",
            ),
        ),
        migrations.RemoveConstraint("Refund", "billing_refund_by_stripe_or_hand"),
        migrations.RenameField("Refund", "way", "method"),
        migrations.AddConstraint(
            "Refund",
            models.CheckConstraint(
                condition=models.Q(method="stripe") | models.Q(method="by_hand", stripe_refund_id=""),
                name="billing_refund_by_stripe_or_hand",
            ),
        ),
        migrations.RemoveIndex("Payment", "billing_refunds_asked"),
        migrations.RenameField("Payment", "refund_asked_at", "refund_requested_at"),
        migrations.RenameField("Payment", "refund_asked_reason", "refund_request_reason"),
        migrations.AddIndex(
            "Payment",
            models.Index(
                condition=models.Q(refund_requested_at__isnull=False, taken_back_at=None),
                fields=["practice", "id"],
                name="billing_refunds_requested",
            ),
        ),
        migrations.RemoveConstraint("SharingRun", "billing_sharingrun_asked_by"),
        migrations.RemoveConstraint("SharingRun", "billing_sharingrun_told_of_shared"),
        migrations.RenameField("SharingRun", "asked_by", "requested_by"),
        migrations.RenameField("SharingRun", "reached_id", "last_shared_id"),
        migrations.RenameField("SharingRun", "not_told", "not_notified"),
        migrations.RenameField("SharingRun", "tries", "attempts"),
        migrations.AddConstraint("SharingRun", SamePractice("requested_by", name="billing_sharingrun_requested_by")),
        migrations.AddConstraint(
            "SharingRun",
            models.CheckConstraint(
                condition=models.Q(not_notified__lte=models.F("shared")),
                name="billing_sharingrun_not_notified_of_shared",
            ),
        ),
    ]
