"""More kinds of manual payments, the staff member who recorded one, and an index for the list by day."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import portico.plumbing.database.constraints

KINDS = {
    "online": "Card, charged online",
    "cash": "Cash",
    "check": "Check",
    "bank_transfer": "Bank transfer",
    "card_elsewhere": "External card",
    "hsa_fsa_card": "HSA/FSA card",
    "other": "Other",
}


class Migration(migrations.Migration):
    dependencies = (("billing", "0010_card_fingerprints"), ("practices", "0009_last_reconciliation"))

    operations = (
        migrations.RemoveConstraint(model_name="payment", name="billing_payment_known_kind"),
        migrations.AlterField(
            model_name="payment",
            name="kind",
            field=models.CharField(choices=list(KINDS.items()), max_length=14),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", list(KINDS))), name="billing_payment_known_kind"
            ),
        ),
        migrations.AddField(
            model_name="payment",
            name="recorded_by_staff",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=portico.plumbing.database.constraints.SamePractice(
                "recorded_by_staff", name="billing_payment_recorded_by"
            ),
        ),
        migrations.AddIndex(
            model_name="payment",
            index=models.Index(
                condition=models.Q(("taken_back_at", None)),
                fields=["practice", "received_on", "id", "kind", "amount_minor"],
                name="billing_payments_by_day",
            ),
        ),
    )
