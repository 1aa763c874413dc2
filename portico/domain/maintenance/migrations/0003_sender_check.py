"""Adds the results of the sender check."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("upkeep", "0002_scheduled_tasks"),
    ]

    operations = [
        migrations.CreateModel(
            name="SenderCheck",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("domain", models.CharField(max_length=253)),
                (
                    "name",
                    models.CharField(
                        choices=[("spf", "SPF"), ("dkim", "DKIM"), ("dmarc", "DMARC"), ("mx", "MX")], max_length=10
                    ),
                ),
                (
                    "verdict",
                    models.CharField(
                        choices=[
                            ("ok", "In order"),
                            ("warn", "Could be better"),
                            ("broken", "Needs a fix"),
                            ("unknown", "Not known"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("good", "The record is in order."),
                            ("not_answered", "The DNS server did not answer."),
                            (
                                "no_spf",
                                "There is no SPF record, so receiving servers can’t tell your emails from forged ones.",
                            ),
                            (
                                "several_spf",
                                "There are several SPF records, so receiving servers ignore all of them. Keep one.",
                            ),
                            ("spf_malformed", "The SPF record has an error, so receiving servers ignore it."),
                            (
                                "spf_too_many",
                                "The SPF record needs more than 10 DNS lookups, so receiving servers ignore it.",
                            ),
                            (
                                "spf_include_missing",
                                "The SPF record includes a domain without one SPF record, so receiving servers ignore it.",
                            ),
                            ("spf_allows_all", "The SPF record ends in +all, so anyone may send emails in your name."),
                            (
                                "spf_no_end",
                                "The SPF record doesn’t end in ~all or -all, so it doesn’t stop forged emails.",
                            ),
                            ("spf_other_provider", "The SPF record doesn’t name the provider that sends your emails."),
                            (
                                "no_selector",
                                "The name of the DKIM key isn’t known. Your system administrator can set DKIM_SELECTOR.",
                            ),
                            (
                                "no_dkim",
                                "There is no DKIM key, so receiving servers can’t check your emails’ signature.",
                            ),
                            (
                                "several_dkim",
                                "There are several DKIM keys under one name. Keep the one your provider shows.",
                            ),
                            ("dkim_revoked", "The DKIM key was withdrawn. Add the key your email provider shows."),
                            ("dkim_malformed", "The DKIM key has an error. Copy it again from your email provider."),
                            (
                                "dkim_short_key",
                                "The DKIM key is too short, so receiving servers ignore it. Use 2048 bits.",
                            ),
                            ("dkim_weak_key", "The DKIM key is short. Create one of 2048 bits."),
                            ("dkim_testing", "The DKIM key is marked as a test (t=y). Remove the mark."),
                            ("no_dmarc", "There is no DMARC policy. Some receiving servers ask for one."),
                            (
                                "several_dmarc",
                                "There are several DMARC policies, so receiving servers ignore all of them. Keep one.",
                            ),
                            ("dmarc_malformed", "The DMARC policy has an error, so receiving servers ignore it."),
                            ("dmarc_monitors", "The DMARC policy only monitors (p=none): forged emails still arrive."),
                            (
                                "dmarc_not_met",
                                "The DMARC policy requires SPF or DKIM, and neither is in order. Fix them first.",
                            ),
                            (
                                "no_mx",
                                "No mail server receives emails for this domain, so bounces and replies are lost.",
                            ),
                            ("mx_by_address", "There is no MX record. Emails go to the domain’s own address."),
                            ("mx_refuses", "The MX record says that this domain receives no emails."),
                            ("mx_without_address", "None of the mail servers in the MX records has an address."),
                        ],
                        max_length=30,
                    ),
                ),
                ("host", models.CharField(max_length=300)),
                ("found", models.TextField(blank=True)),
                ("wanted", models.TextField(blank=True)),
                ("checked_at", models.DateTimeField()),
                ("known_at", models.DateTimeField(null=True)),
                ("ok_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("domain", "name"), name="upkeep_sendercheck_one_each"),
                    models.CheckConstraint(
                        condition=models.Q(("verdict__in", ["ok", "warn", "broken", "unknown"])),
                        name="upkeep_sendercheck_known_verdict",
                    ),
                ],
            },
        ),
    ]
