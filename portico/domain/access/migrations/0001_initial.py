import django.db.models.deletion
from django.db import migrations, models

import portico.plumbing.clock
import portico.plumbing.database.base_models
import portico.plumbing.database.constraints


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("clients", "0001_initial"),
        ("plumbing", "0001_initial"),
        ("practices", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="PortalAccount",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("ref", portico.plumbing.database.base_models.RefField()),
                ("mailbox_key", models.CharField(max_length=320)),
                ("counter", models.PositiveBigIntegerField(default=1)),
                ("created_at", models.DateTimeField(default=portico.plumbing.clock.now, editable=False)),
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
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="access_portalaccount_of_practice"),
                    models.UniqueConstraint(
                        fields=("practice", "mailbox_key"), name="access_portalaccount_one_a_mailbox"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PortalAccess",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("enabled_at", models.DateTimeField(null=True)),
                ("enabled_by", models.CharField(blank=True, max_length=100)),
                ("changed_number", models.PositiveBigIntegerField(default=0)),
                ("consent_number", models.PositiveBigIntegerField(default=0)),
                ("access_billing_documents", models.BooleanField(default=True)),
                ("pay_by_card", models.BooleanField(default=False)),
                ("invited_at", models.DateTimeField(null=True)),
                ("first_signed_in_at", models.DateTimeField(null=True)),
                ("last_signed_in_at", models.DateTimeField(null=True)),
                ("mail_stopped_at", models.DateTimeField(null=True)),
                ("mail_stopped_reason", models.CharField(blank=True, max_length=300)),
                ("had_signed_in_before", models.BooleanField(default=False)),
                ("draft_subject", models.CharField(blank=True, max_length=150)),
                ("draft_message", models.TextField(blank=True, max_length=5000)),
                ("version", models.PositiveIntegerField(default=1)),
                (
                    "address",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="clients.emailaddress",
                    ),
                ),
                (
                    "client",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="portal_access", to="clients.client"
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
                    "account",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="accesses",
                        to="access.portalaccount",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="access_portalaccess_of_practice"),
                    portico.plumbing.database.constraints.SamePractice("client", name="access_portalaccess_client"),
                    portico.plumbing.database.constraints.SamePractice("account", name="access_portalaccess_account"),
                    portico.plumbing.database.constraints.SamePractice("address", name="access_portalaccess_address"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("account__isnull", True), ("address__isnull", True)),
                            models.Q(("account__isnull", False), ("address__isnull", False)),
                            _connector="OR",
                        ),
                        name="access_portalaccess_account_with_address",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Invitation",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("ref", portico.plumbing.database.base_models.RefField()),
                ("press", models.CharField(max_length=43)),
                ("sent_by", models.CharField(max_length=100)),
                ("created_at", models.DateTimeField(default=portico.plumbing.clock.now, editable=False)),
                (
                    "address",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="clients.emailaddress"
                    ),
                ),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="invitations", to="clients.client"
                    ),
                ),
                (
                    "email",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="invitation",
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
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="access.portalaccount"
                    ),
                ),
            ],
            options={
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="access_invitation_of_practice"),
                    portico.plumbing.database.constraints.SamePractice("client", name="access_invitation_client"),
                    portico.plumbing.database.constraints.SamePractice("account", name="access_invitation_account"),
                    portico.plumbing.database.constraints.SamePractice("address", name="access_invitation_address"),
                    portico.plumbing.database.constraints.SamePractice("email", name="access_invitation_email"),
                    models.UniqueConstraint(fields=("client", "press"), name="access_invitation_one_a_press"),
                ],
            },
        ),
        migrations.CreateModel(
            name="PortalSession",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("ref", portico.plumbing.database.base_models.RefField()),
                ("key_hash", models.CharField(max_length=64, unique=True)),
                ("number", models.PositiveBigIntegerField()),
                ("browser", models.CharField(blank=True, max_length=100)),
                ("created_at", models.DateTimeField(default=portico.plumbing.clock.now, editable=False)),
                ("seen_at", models.DateTimeField(default=portico.plumbing.clock.now)),
                ("ended_at", models.DateTimeField(null=True)),
                ("ended_by", models.CharField(blank=True, max_length=100)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="sessions", to="access.portalaccount"
                    ),
                ),
                (
                    "client",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="clients.client"
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
                        condition=models.Q(("ended_at", None)), fields=["account", "-id"], name="access_open_sessions"
                    ),
                    models.Index(
                        condition=models.Q(("ended_at", None)), fields=["seen_at"], name="access_sessions_by_seen"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="access_portalsession_of_practice"),
                    portico.plumbing.database.constraints.SamePractice("account", name="access_portalsession_account"),
                    portico.plumbing.database.constraints.SamePractice("client", name="access_portalsession_client"),
                ],
            },
        ),
        migrations.CreateModel(
            name="SignInLink",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("is_invitation", models.BooleanField(default=False)),
                ("token_hash", models.CharField(max_length=64, unique=True)),
                ("number", models.PositiveBigIntegerField()),
                ("created_at", models.DateTimeField(default=portico.plumbing.clock.now, editable=False)),
                ("fetched_at", models.DateTimeField(null=True)),
                ("used_at", models.DateTimeField(null=True)),
                ("voided_at", models.DateTimeField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="links", to="access.portalaccount"
                    ),
                ),
                (
                    "address",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="clients.emailaddress"
                    ),
                ),
                (
                    "email",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sign_in_link",
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
                        condition=models.Q(("used_at", None), ("voided_at", None)),
                        fields=["account", "-id"],
                        name="access_unspent_links",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="access_signinlink_of_practice"),
                    portico.plumbing.database.constraints.SamePractice("account", name="access_signinlink_account"),
                    portico.plumbing.database.constraints.SamePractice("email", name="access_signinlink_email"),
                    portico.plumbing.database.constraints.SamePractice("address", name="access_signinlink_address"),
                ],
            },
        ),
    ]
