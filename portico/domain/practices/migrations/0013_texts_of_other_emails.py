"""Lets a practice write its own text of other emails than the invitation."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("practices", "0012_support_hours_in_spanish")]

    operations = [
        migrations.AddField("defaulttext", "kind", models.CharField(default="invitation", max_length=40)),
        migrations.RemoveConstraint("defaulttext", "practices_defaulttext_one_a_language"),
        migrations.AddConstraint(
            "defaulttext",
            models.UniqueConstraint(
                fields=("practice", "kind", "language"), name="practices_defaulttext_one_a_kind_and_language"
            ),
        ),
    ]
