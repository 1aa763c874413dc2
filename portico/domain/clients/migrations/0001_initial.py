import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import portico.plumbing.clock
import portico.plumbing.database.base_models
import portico.plumbing.database.constraints


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("practices", "0001_initial"),
        ("practices", "__first__"),
    ]

    operations = [
        migrations.CreateModel(
            name="Client",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("ref", portico.plumbing.database.base_models.RefField()),
                ("first_name", models.CharField(max_length=100)),
                ("last_name", models.CharField(blank=True, max_length=100)),
                ("preferred_name", models.CharField(blank=True, max_length=100)),
                ("date_of_birth", models.DateField(blank=True, null=True)),
                (
                    "language",
                    models.CharField(choices=[("en", "English"), ("es", "Español")], default="en", max_length=5),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("active", "Active"), ("inactive", "Inactive"), ("archived", "Archived")],
                        default="active",
                        max_length=10,
                    ),
                ),
                (
                    "is_archived",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Case(
                            models.When(status="archived", then=models.Value(value=True)),
                            default=models.Value(value=False),
                        ),
                        output_field=models.BooleanField(),
                    ),
                ),
                (
                    "portal_state",
                    models.CharField(
                        choices=[
                            ("no_access", "No access"),
                            ("invited", "Invited"),
                            ("signed_in", "Signed in"),
                            ("needs_attention", "Needs attention"),
                        ],
                        default="no_access",
                        max_length=16,
                    ),
                ),
                ("portal_reason", models.CharField(blank=True, max_length=30)),
                ("sort_key", models.CharField(max_length=210)),
                ("version", models.PositiveIntegerField(default=1)),
                ("press", models.CharField(blank=True, editable=False, max_length=43)),
                ("created_at", models.DateTimeField(default=portico.plumbing.clock.now, editable=False)),
                ("last_signed_in_at", models.DateTimeField(blank=True, null=True)),
                (
                    "clinician",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
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
                    models.Index(fields=["practice", "is_archived", "sort_key", "id"], name="clients_by_name"),
                    models.Index(
                        fields=["practice", "is_archived", "portal_state", "sort_key", "id"], name="clients_by_state"
                    ),
                    models.Index(fields=["practice", "is_archived", "-created_at", "-id"], name="clients_by_newest"),
                    models.Index(
                        fields=["practice", "is_archived", "portal_state", "-created_at", "-id"],
                        name="clients_newest_by_state",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="clients_client_of_practice"),
                    portico.plumbing.database.constraints.SamePractice("clinician", name="clients_client_clinician"),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["active", "inactive", "archived"])),
                        name="clients_client_known_status",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("portal_state__in", ["no_access", "invited", "signed_in", "needs_attention"])
                        ),
                        name="clients_client_known_portal_state",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("press", ""), _negated=True),
                        fields=("practice", "press"),
                        name="clients_client_one_a_press",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="EmailAddress",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("ref", portico.plumbing.database.base_models.RefField()),
                ("address", models.CharField(max_length=254)),
                ("mailbox_key", models.CharField(max_length=320)),
                (
                    "kind",
                    models.CharField(
                        choices=[("home", "Home"), ("work", "Work"), ("other", "Other")], default="home", max_length=10
                    ),
                ),
                ("email_ok_at", models.DateTimeField(null=True)),
                ("email_ok_by", models.CharField(blank=True, max_length=100)),
                ("email_ok_withdrawn_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(default=portico.plumbing.clock.now, editable=False)),
                ("closed_at", models.DateTimeField(null=True)),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="email_addresses", to="clients.client"
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
                "indexes": [models.Index(fields=["practice", "mailbox_key"], name="clients_by_mailbox")],
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="clients_emailaddress_of_practice"),
                    portico.plumbing.database.constraints.SamePractice("client", name="clients_emailaddress_client"),
                    models.UniqueConstraint(
                        condition=models.Q(("closed_at", None)),
                        fields=("client", "mailbox_key"),
                        name="clients_emailaddress_once_a_client",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PhoneNumber",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("number", models.CharField(max_length=16)),
                (
                    "kind",
                    models.CharField(
                        choices=[("mobile", "Mobile"), ("home", "Home"), ("work", "Work")],
                        default="mobile",
                        max_length=10,
                    ),
                ),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="phone_numbers", to="clients.client"
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
                    models.UniqueConstraint(fields=("practice", "id"), name="clients_phonenumber_of_practice"),
                    portico.plumbing.database.constraints.SamePractice("client", name="clients_phonenumber_client"),
                    models.UniqueConstraint(fields=("client", "number"), name="clients_phonenumber_once_a_client"),
                ],
            },
        ),
        migrations.CreateModel(
            name="SearchTerm",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("term", models.CharField(max_length=320)),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="search_terms", to="clients.client"
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
                        fields=["practice", "term", "client"],
                        name="clients_by_term",
                        opclasses=("int8_ops", "varchar_pattern_ops", "int8_ops"),
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="clients_searchterm_of_practice"),
                    portico.plumbing.database.constraints.SamePractice("client", name="clients_searchterm_client"),
                    models.UniqueConstraint(
                        fields=("practice", "client", "term"),
                        name="clients_searchterm_once_a_client",
                        opclasses=("int8_ops", "int8_ops", "varchar_pattern_ops"),
                    ),
                ],
            },
        ),
    ]
