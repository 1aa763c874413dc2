"""When the list of what to set up was closed; practices that exist already have been set up."""

from django.db import migrations, models

import portico.plumbing.clock


class Migration(migrations.Migration):
    dependencies = (("practices", "0014_help_notices"),)

    operations = (
        migrations.AddField(
            model_name="practice",
            name="set_up_closed_at",
            field=models.DateTimeField(blank=True, default=portico.plumbing.clock.now, editable=False, null=True),
            preserve_default=False,
        ),
    )
