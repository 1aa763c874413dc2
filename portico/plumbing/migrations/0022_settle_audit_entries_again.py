from django.db import migrations


class Migration(migrations.Migration):
    """`settled_id` was about the entries of one practice; now it is about those of all practices."""

    dependencies = [
        ("plumbing", "0021_mail_to_many_recipients"),
    ]

    operations = [
        migrations.RunSQL("UPDATE plumbing_auditchainhead SET settled_id = 0", migrations.RunSQL.noop),
    ]
