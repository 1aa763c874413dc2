"""Adds delivery reports, stopped mailboxes and the mailbox that collects reports."""

import django.db.models.deletion
from django.db import migrations, models

import portico.plumbing.clock
import portico.plumbing.database.base_models
import portico.plumbing.database.constraints


class Migration(migrations.Migration):
    dependencies = [
        ("plumbing", "0013_emails_by_hand_over"),
        ("practices", "0011_card_payment_by_default"),
    ]

    operations = [
        migrations.CreateModel(
            name="ReportMailbox",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("uid_validity", models.PositiveBigIntegerField(default=0)),
                ("last_uid", models.PositiveBigIntegerField(default=0)),
                ("lease_until", models.DateTimeField(null=True)),
                ("attempts", models.PositiveBigIntegerField(default=0)),
                ("read_at", models.DateTimeField(null=True)),
                ("problem", models.CharField(blank=True, max_length=300)),
                ("problem_since", models.DateTimeField(null=True)),
                ("unmatched", models.PositiveBigIntegerField(default=0)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddField(
            model_name="outgoingemail",
            name="accepted_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="outgoingemail",
            name="accepted_by",
            field=models.CharField(blank=True, max_length=254),
        ),
        migrations.AlterField(
            model_name="emailevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("written", "Created"),
                    ("handed_over", "Sent"),
                    ("delayed", "Delayed"),
                    ("refused", "Rejected"),
                    ("dropped", "Not sent"),
                    ("parked", "On hold"),
                    ("restarted", "Retried"),
                    ("fetched", "Link opened (maybe by a mail scanner)"),
                    ("pressed", "Link used"),
                    ("code_typed", "Code entered"),
                    ("accepted", "Accepted by the recipient’s mail server"),
                    ("still_trying", "The recipient’s mail server is still trying"),
                    ("bounced", "Bounced"),
                    ("complained", "Marked as spam"),
                    ("auto_replied", "Automatic reply"),
                ],
                max_length=12,
            ),
        ),
        migrations.CreateModel(
            name="DeliveryReport",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("lease_until", models.DateTimeField(editable=False, null=True)),
                ("not_before", models.DateTimeField(editable=False, null=True)),
                ("attempts", models.PositiveIntegerField(default=0, editable=False)),
                ("source", models.CharField(max_length=40)),
                ("event_key", models.CharField(max_length=128)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("relayed", "Accepted"),
                            ("delivered", "Delivered"),
                            ("delayed", "Delayed"),
                            ("failed", "Bounced"),
                            ("complained", "Marked as spam"),
                            ("auto_replied", "Automatic reply"),
                        ],
                        max_length=12,
                    ),
                ),
                ("status_code", models.CharField(blank=True, max_length=12)),
                ("words", models.CharField(blank=True, max_length=300)),
                ("remote_server", models.CharField(blank=True, max_length=254)),
                ("happened_at", models.DateTimeField()),
                ("written_at", models.DateTimeField(default=portico.plumbing.clock.now, editable=False)),
                ("applied_at", models.DateTimeField(null=True)),
                (
                    "email",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="delivery_reports",
                        to="plumbing.outgoingemail",
                    ),
                ),
                (
                    "practice",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="practices.practice",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(
                        condition=models.Q(("applied_at__isnull", True)), fields=["id"], name="report_waiting"
                    ),
                    models.Index(fields=["email", "id"], name="report_of_email"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="plumbing_deliveryreport_of_practice"),
                    portico.plumbing.database.constraints.SamePractice("email", name="plumbing_deliveryreport_email"),
                    models.UniqueConstraint(fields=("source", "event_key"), name="plumbing_deliveryreport_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("kind__in", ["relayed", "delivered", "delayed", "failed", "complained", "auto_replied"])
                        ),
                        name="plumbing_deliveryreport_known_kind",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="MailStop",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("ref", portico.plumbing.database.base_models.RefField()),
                ("mailbox_key", models.CharField(max_length=320)),
                (
                    "kind",
                    models.CharField(
                        choices=[("refused", "The mailbox doesn’t exist"), ("complained", "Marked as spam")],
                        max_length=12,
                    ),
                ),
                ("words", models.CharField(blank=True, max_length=300)),
                ("stopped_at", models.DateTimeField(default=portico.plumbing.clock.now)),
                ("lifted_at", models.DateTimeField(null=True)),
                ("lifted_by", models.CharField(blank=True, max_length=100)),
                (
                    "email",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="plumbing.outgoingemail",
                    ),
                ),
                (
                    "practice",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="practices.practice",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [models.Index(fields=["practice", "mailbox_key", "-id"], name="mailstop_of_mailbox")],
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="plumbing_mailstop_of_practice"),
                    portico.plumbing.database.constraints.SamePractice("email", name="plumbing_mailstop_email"),
                    models.UniqueConstraint(
                        condition=models.Q(("lifted_at__isnull", True)),
                        fields=("practice", "mailbox_key"),
                        name="plumbing_mailstop_one_live",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["refused", "complained"])), name="plumbing_mailstop_known_kind"
                    ),
                ],
            },
        ),
    ]
