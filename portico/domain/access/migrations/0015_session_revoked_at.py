from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0014_more_reasons_to_leave_out"),
    ]

    operations = [
        migrations.AddField(
            model_name="portalsession",
            name="revoked_at",
            field=models.DateTimeField(null=True),
        ),
    ]
