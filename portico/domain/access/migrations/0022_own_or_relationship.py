from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("access", "0021_own_accesses")]

    operations = [
        migrations.AlterField(
            model_name="nearmiss",
            name="access",
            field=models.ForeignKey(
                db_index=False,
                on_delete=models.deletion.PROTECT,
                related_name="near_misses",
                to="access.portalaccess",
            ),
        ),
        migrations.AlterField(
            model_name="invitation",
            name="access",
            field=models.ForeignKey(
                on_delete=models.deletion.PROTECT, related_name="invitations", to="access.portalaccess"
            ),
        ),
        migrations.AddConstraint(
            model_name="portalaccess",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("own_client", models.F("client")), ("own_client__isnull", False), ("relationship", None)
                )
                | models.Q(("own_client", None), ("relationship__isnull", False)),
                name="access_portalaccess_own_or_relationship",
            ),
        ),
        migrations.AddConstraint(
            model_name="portalaccess",
            constraint=models.UniqueConstraint(
                condition=models.Q(("enabled_at__isnull", False)),
                fields=("account", "client"),
                name="access_portalaccess_one_a_mailbox",
            ),
        ),
    ]
