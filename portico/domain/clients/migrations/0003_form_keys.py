"""Renames the idempotency key of a form to form key."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("clients", "0002_rebuild_search_terms")]

    operations = [
        migrations.RemoveConstraint(model_name="client", name="clients_client_one_a_press"),
        migrations.RenameField(model_name="client", old_name="press", new_name="form_key"),
        migrations.AddConstraint(
            model_name="client",
            constraint=models.UniqueConstraint(
                condition=models.Q(("form_key", ""), _negated=True),
                fields=("practice", "form_key"),
                name="clients_client_one_per_form_key",
            ),
        ),
    ]
