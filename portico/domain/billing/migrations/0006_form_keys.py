"""Renames the idempotency key of a form to form key."""

from django.db import migrations, models


def renamed(model: str) -> list[migrations.operations.base.Operation]:
    """Returns the operations that rename the column `press` and its unique constraint."""
    return [
        migrations.RemoveConstraint(model_name=model, name=f"billing_{model}_one_a_press"),
        migrations.RenameField(model_name=model, old_name="press", new_name="form_key"),
        migrations.AddConstraint(
            model_name=model,
            constraint=models.UniqueConstraint(
                condition=models.Q(("form_key", ""), _negated=True),
                fields=("practice", "form_key"),
                name=f"billing_{model}_one_per_form_key",
            ),
        ),
    ]


class Migration(migrations.Migration):
    dependencies = [("billing", "0005_stripe_refusals")]

    operations = [*renamed("invoice"), *renamed("payment"), *renamed("refund"), *renamed("credit")]
