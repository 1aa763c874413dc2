"""Drops two indexes of search terms that no query uses: 457 bytes a client, and the work of writing them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("clients", "0003_form_keys")]

    operations = [
        migrations.RemoveConstraint("searchterm", "clients_searchterm_of_practice"),
        migrations.AlterField(
            "searchterm",
            "client",
            models.ForeignKey("clients.client", models.CASCADE, db_index=False, related_name="search_terms"),
        ),
    ]
