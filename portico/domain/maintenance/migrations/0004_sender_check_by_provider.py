"""Adds reasons of the sender check behind an email provider."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("upkeep", "0003_sender_check"),
    ]

    operations = [
        migrations.AlterField(
            model_name="sendercheck",
            name="reason",
            field=models.CharField(
                choices=[
                    ("good", "The record is OK."),
                    ("not_answered", "The DNS server did not answer."),
                    ("no_spf", "There is no SPF record, so receiving servers can’t tell your emails from forged ones."),
                    (
                        "spf_not_needed",
                        "There is no SPF record, and none is needed: your email provider sends with its own domain. DKIM counts.",
                    ),
                    (
                        "several_spf",
                        "There are several SPF records, so receiving servers ignore all of them. Keep one.",
                    ),
                    ("spf_malformed", "The SPF record has an error, so receiving servers ignore it."),
                    ("spf_too_many", "The SPF record needs more than 10 DNS lookups, so receiving servers ignore it."),
                    (
                        "spf_include_missing",
                        "The SPF record includes a domain without one SPF record, so receiving servers ignore it.",
                    ),
                    ("spf_allows_all", "The SPF record ends in +all, so anyone may send emails in your name."),
                    ("spf_no_end", "The SPF record doesn’t end in ~all or -all, so it doesn’t stop forged emails."),
                    ("spf_other_provider", "The SPF record doesn’t name the provider that sends your emails."),
                    (
                        "no_selector",
                        "The name of the DKIM key isn’t known. Your system administrator can set DKIM_SELECTOR.",
                    ),
                    ("no_dkim", "There is no DKIM key, so receiving servers can’t check your emails’ signature."),
                    ("several_dkim", "There are several DKIM keys under one name. Keep the one your provider shows."),
                    ("dkim_revoked", "The DKIM key was revoked. Add the key your email provider shows."),
                    ("dkim_malformed", "The DKIM key has an error. Copy it again from your email provider."),
                    ("dkim_short_key", "The DKIM key is too short, so receiving servers ignore it. Use 2048 bits."),
                    ("dkim_weak_key", "The DKIM key is short. Create one of 2048 bits."),
                    ("dkim_testing", "The DKIM key is marked as a test (t=y). Remove the mark."),
                    ("no_dmarc", "There is no DMARC policy. Some receiving servers ask for one."),
                    (
                        "several_dmarc",
                        "There are several DMARC policies, so receiving servers ignore all of them. Keep one.",
                    ),
                    ("dmarc_malformed", "The DMARC policy has an error, so receiving servers ignore it."),
                    ("dmarc_monitors", "The DMARC policy only monitors (p=none): forged emails still arrive."),
                    ("dmarc_not_met", "The DMARC policy requires SPF or DKIM, and neither is OK. Fix them first."),
                    (
                        "dmarc_needs_dkim",
                        "The DMARC policy requires DKIM when an email provider sends your emails, and DKIM isn’t OK. Fix it first.",
                    ),
                    ("no_mx", "No mail server receives emails for this domain, so bounces and replies are lost."),
                    ("mx_by_address", "There is no MX record. Emails go to the domain’s own address."),
                    ("mx_refuses", "The MX record says that this domain receives no emails."),
                    ("mx_without_address", "None of the mail servers in the MX records has an address."),
                ],
                max_length=30,
            ),
        ),
        migrations.AlterField(
            model_name="sendercheck",
            name="verdict",
            field=models.CharField(
                choices=[
                    ("ok", "OK"),
                    ("warn", "Could be better"),
                    ("broken", "Needs a fix"),
                    ("unknown", "Not known"),
                ],
                max_length=10,
            ),
        ),
    ]
