import django.db.models.deletion
from django.db import migrations, models

import portico.plumbing.clock
import portico.plumbing.database.base_models
import portico.plumbing.database.constraints


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("clients", "0001_initial"),
        ("practices", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="LimitSpent",
            fields=[
                ("key", models.CharField(max_length=100, primary_key=True, serialize=False)),
                ("started_at", models.DateTimeField(db_index=True)),
                ("n", models.PositiveIntegerField()),
            ],
            options={
                "db_table": "limits_spent",
            },
        ),
        migrations.CreateModel(
            name="OutgoingEmail",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("lease_until", models.DateTimeField(editable=False, null=True)),
                ("not_before", models.DateTimeField(editable=False, null=True)),
                ("tries", models.PositiveIntegerField(default=0, editable=False)),
                ("ref", portico.plumbing.database.base_models.RefField()),
                ("kind", models.CharField(max_length=40)),
                (
                    "lane",
                    models.CharField(
                        choices=[("entrance", "Sign-in email"), ("rest", "Other email")], default="rest", max_length=10
                    ),
                ),
                ("key", models.CharField(max_length=120, unique=True)),
                ("to_address", models.CharField(max_length=254)),
                ("to_name", models.CharField(blank=True, max_length=210)),
                ("subject", models.CharField(max_length=150)),
                ("content", models.JSONField(default=dict)),
                ("body_text", models.TextField(blank=True)),
                ("body_html", models.TextField(blank=True)),
                ("message_id", models.CharField(editable=False, max_length=320, unique=True)),
                ("link_nonce", models.BinaryField(null=True)),
                ("written_at", models.DateTimeField(default=portico.plumbing.clock.now, editable=False)),
                ("written_by", models.CharField(blank=True, max_length=100)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Waiting"),
                            ("handed_over", "Sent"),
                            ("delivered", "Delivered"),
                            ("delayed", "Retrying"),
                            ("bounced", "Bounced"),
                            ("complained", "Marked as spam"),
                            ("failed", "Failed"),
                            ("dropped", "Not sent"),
                        ],
                        default="queued",
                        max_length=12,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=300)),
                ("detail", models.CharField(blank=True, max_length=300)),
                ("handing_over_at", models.DateTimeField(null=True)),
                ("handed_over_at", models.DateTimeField(null=True)),
                ("delayed_at", models.DateTimeField(null=True)),
                (
                    "delayed_by",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("ours", "Our mail server"),
                            ("recipient", "The recipient's mail server"),
                            ("answer", "A lost reply"),
                        ],
                        max_length=10,
                    ),
                ),
                ("mistakes", models.PositiveSmallIntegerField(default=0)),
                ("parked_at", models.DateTimeField(null=True)),
                ("settled_at", models.DateTimeField(null=True)),
                (
                    "client",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="outgoing_emails",
                        to="clients.client",
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
                        condition=models.Q(("settled_at__isnull", True)), fields=["lane", "id"], name="outgoing_waiting"
                    ),
                    models.Index(
                        condition=models.Q(("delayed_at__isnull", False)),
                        fields=["practice", "delayed_at"],
                        name="outgoing_delayed",
                    ),
                    models.Index(fields=["practice", "-id"], name="outgoing_newest"),
                    models.Index(fields=["practice", "state", "-id"], name="outgoing_by_state"),
                    models.Index(fields=["client", "-id"], name="outgoing_of_client"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="plumbing_outgoingemail_of_practice"),
                    portico.plumbing.database.constraints.SamePractice("client", name="plumbing_outgoingemail_client"),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                [
                                    "queued",
                                    "handed_over",
                                    "delivered",
                                    "delayed",
                                    "bounced",
                                    "complained",
                                    "failed",
                                    "dropped",
                                ],
                            )
                        ),
                        name="plumbing_outgoingemail_known_state",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("delayed_at__isnull", False), ("state", "delayed")),
                            models.Q(models.Q(("state", "delayed"), _negated=True), ("delayed_at__isnull", True)),
                            _connector="OR",
                        ),
                        name="plumbing_outgoingemail_delayed_since",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("parked_at__isnull", True), ("state", "failed"), _connector="OR"),
                        name="plumbing_outgoingemail_parked_failed",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("settled_at__isnull", True), ("state__in", ("queued", "delayed"))),
                            models.Q(
                                models.Q(("state__in", ("queued", "delayed")), _negated=True),
                                ("settled_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="plumbing_outgoingemail_waits_or_settled",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="EmailEvent",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
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
                        ],
                        max_length=12,
                    ),
                ),
                ("at", models.DateTimeField(default=portico.plumbing.clock.now, editable=False)),
                ("words", models.CharField(blank=True, max_length=300)),
                ("detail", models.CharField(blank=True, max_length=300)),
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
                    "email",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="plumbing.outgoingemail",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [models.Index(fields=["email", "id"], name="emailevent_of_email")],
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="plumbing_emailevent_of_practice"),
                    portico.plumbing.database.constraints.SamePractice("email", name="plumbing_emailevent_email"),
                ],
            },
        ),
        migrations.CreateModel(
            name="TrailEntry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("ref", portico.plumbing.database.base_models.RefField()),
                ("at", models.DateTimeField()),
                (
                    "verb",
                    models.CharField(
                        choices=[
                            ("practice.created", "Practice created"),
                            ("staff.added", "Staff member added"),
                            ("set_up_link.made", "Set-up link created"),
                            ("password.chosen", "Password chosen"),
                            ("staff.signed_in", "Staff member signed in"),
                            ("staff.sign_in_refused", "Staff sign-in failed"),
                            ("staff.sign_in_beyond_limit", "Staff sign-in over the limit"),
                            ("staff.signed_out", "Staff member signed out"),
                            ("denied.role", "Page denied for this role"),
                            ("denied.practice", "Another practice’s page requested"),
                            ("client.created", "Client created"),
                            ("client.edited", "Client Info changed"),
                            ("client.archived", "Client archived"),
                            ("client.restored", "Client restored"),
                            ("address.added", "Email address added"),
                            ("address.closed", "Email address removed"),
                            ("consent.recorded", "Email ok recorded"),
                            ("consent.withdrawn", "Email ok withdrawn"),
                            ("overview.viewed", "Overview viewed"),
                            ("client_info.viewed", "Client Info viewed"),
                            ("client_portal.viewed", "Client Portal viewed"),
                            ("activity.viewed", "Activity viewed"),
                            ("email.viewed", "Email viewed"),
                            ("access.turned_on", "Client Portal Access turned on"),
                            ("access.turned_off", "Client Portal Access turned off"),
                            ("access.address_chosen", "Portal email changed"),
                            ("access.options_changed", "Portal options changed"),
                            ("invitation.queued", "Invitation sent"),
                            ("invitation.refused", "Invitation not sent"),
                            ("email.dropped", "Email canceled"),
                            ("email.restarted", "Email retried"),
                            ("link.refused", "Sign-in link rejected"),
                            ("client.signed_in", "Client signed in by link"),
                            ("client.signed_out", "Client signed out"),
                            ("session.ended", "Portal session ended"),
                        ],
                        max_length=60,
                    ),
                ),
                (
                    "actor_kind",
                    models.CharField(
                        choices=[
                            ("staff", "Staff member"),
                            ("client", "Client"),
                            ("system", "System"),
                            ("operator", "System administrator"),
                            ("nobody", "Not signed in"),
                        ],
                        max_length=10,
                    ),
                ),
                ("actor_name", models.CharField(blank=True, max_length=200)),
                ("staff_id", models.BigIntegerField(null=True)),
                ("account_id", models.BigIntegerField(null=True)),
                ("about", models.CharField(blank=True, max_length=200)),
                ("details", models.JSONField(default=dict)),
                (
                    "client",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="clients.client",
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
                "indexes": [models.Index(fields=["client", "id"], name="plumbing_trail_of_client")],
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="plumbing_trailentry_of_practice"),
                    portico.plumbing.database.constraints.SamePractice(
                        "client", name="plumbing_trailentry_client_same_practice"
                    ),
                    portico.plumbing.database.constraints.AppendOnly(name="plumbing_trailentry_append_only"),
                ],
            },
        ),
        migrations.CreateModel(
            name="TrailHead",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("position", models.BigIntegerField(default=0)),
                ("digest", models.BinaryField(default=bytes, max_length=32)),
                ("settled_id", models.BigIntegerField(default=0)),
                (
                    "practice",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="practices.practice"
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="TrailSeal",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("position", models.BigIntegerField()),
                ("digest", models.BinaryField(max_length=32)),
                ("key_id", models.CharField(max_length=50)),
                ("at", models.DateTimeField()),
                (
                    "entry",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="seal", to="plumbing.trailentry"
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
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="plumbing_trailseal_of_practice"),
                    models.UniqueConstraint(fields=("practice", "position"), name="plumbing_trailseal_position"),
                    portico.plumbing.database.constraints.SamePractice(
                        "entry", name="plumbing_trailseal_entry_same_practice"
                    ),
                    portico.plumbing.database.constraints.AppendOnly(name="plumbing_trailseal_append_only"),
                ],
            },
        ),
    ]
