"""Changes the words for a mailbox that gets no more mail; no column changes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0016_signs_documents"),
    ]

    operations = [
        migrations.AlterField(
            model_name="invitationrunitem",
            name="reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("archived", "Archived"),
                    ("access_off", "Client Portal Access is off"),
                    ("no_address", "No email address is chosen"),
                    ("several_addresses", "Several email addresses could be used. Choose one in Client Portal"),
                    ("no_email_ok", "No Email ok"),
                    ("mail_stopped", "We stopped emailing this address"),
                    ("signed_in", "Already signed in"),
                    ("already_invited", "Already invited"),
                    ("not_invited", "Not invited yet"),
                    ("still_waiting", "The last invitation has not been sent yet"),
                    ("just_invited", "Invited less than an hour ago"),
                    ("error", "Something went wrong. Open the client and send the invitation there"),
                ],
                max_length=20,
            ),
        ),
    ]
