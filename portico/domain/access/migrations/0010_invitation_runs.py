import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import portico.plumbing.clock
import portico.plumbing.database.base_models
import portico.plumbing.database.constraints


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0009_accounts_without_address"),
        ("clients", "0006_index_of_phone_numbers"),
        ("practices", "0011_card_payment_by_default"),
        ("practices", "__first__"),
    ]

    operations = [
        migrations.CreateModel(
            name="InvitationRun",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("ref", portico.plumbing.database.base_models.RefField()),
                ("kind", models.CharField(choices=[("invite", "Invite"), ("resend", "Resend")], max_length=10)),
                ("form_key", models.CharField(max_length=43)),
                ("total", models.PositiveIntegerField()),
                ("created_at", models.DateTimeField(default=portico.plumbing.clock.now, editable=False)),
                ("paused_at", models.DateTimeField(null=True)),
                ("stopped_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "practice",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="practices.practice",
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(condition=models.Q(("ended_at", None)), fields=["id"], name="access_unfinished_runs"),
                    models.Index(fields=["practice", "-id"], name="access_runs_newest"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="access_invitationrun_of_practice"),
                    portico.plumbing.database.constraints.SamePractice(
                        "requested_by", name="access_invitationrun_requested_by"
                    ),
                    models.UniqueConstraint(
                        fields=("practice", "form_key"), name="access_invitationrun_one_per_form_key"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["invite", "resend"])), name="access_invitationrun_known_kind"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("stopped_at__isnull", True), ("ended_at__isnull", False), _connector="OR"),
                        name="access_invitationrun_stopped_has_ended",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="InvitationRunItem",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("invited", "Invited"),
                            ("left_out", "Left out"),
                            ("stopped", "Stopped"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("archived", "Archived"),
                            ("access_off", "Client Portal Access is off"),
                            ("no_address", "No email address is chosen"),
                            ("several_addresses", "Several email addresses could be used. Choose one in Client Portal"),
                            ("no_email_ok", "No Email ok"),
                            ("mail_stopped", "The last email was rejected"),
                            ("signed_in", "Already signed in"),
                            ("already_invited", "Already invited"),
                            ("not_invited", "Not invited yet"),
                            ("error", "Something went wrong. Open the client and send the invitation there"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="clients.client"
                    ),
                ),
                (
                    "invitation",
                    models.OneToOneField(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="access.invitation"
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
                (
                    "run",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="items",
                        to="access.invitationrun",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["run", "state", "id"], name="access_run_items_by_state")],
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="access_invitationrunitem_of_practice"),
                    portico.plumbing.database.constraints.SamePractice("run", name="access_invitationrunitem_run"),
                    portico.plumbing.database.constraints.SamePractice(
                        "client", name="access_invitationrunitem_client"
                    ),
                    portico.plumbing.database.constraints.SamePractice(
                        "invitation", name="access_invitationrunitem_invitation"
                    ),
                    models.UniqueConstraint(fields=("run", "client"), name="access_invitationrunitem_once_a_run"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("invitation__isnull", False), ("reason", ""), ("state", "invited")),
                            models.Q(
                                ("invitation__isnull", True),
                                (
                                    "reason__in",
                                    [
                                        "archived",
                                        "access_off",
                                        "no_address",
                                        "several_addresses",
                                        "no_email_ok",
                                        "mail_stopped",
                                        "signed_in",
                                        "already_invited",
                                        "not_invited",
                                        "error",
                                    ],
                                ),
                                ("state", "left_out"),
                            ),
                            models.Q(
                                ("invitation__isnull", True), ("reason", ""), ("state__in", ("waiting", "stopped"))
                            ),
                            _connector="OR",
                        ),
                        name="access_invitationrunitem_state_fits",
                    ),
                ],
            },
        ),
    ]
