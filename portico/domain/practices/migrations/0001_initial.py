import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import portico.domain.practices.models.practices
import portico.plumbing.clock
import portico.plumbing.database.base_models
import portico.plumbing.database.constraints


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Practice",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("ref", portico.plumbing.database.base_models.RefField()),
                (
                    "slug",
                    models.CharField(
                        max_length=50,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z0-9](?:-?[a-z0-9]){1,49}\\Z", "Use lowercase letters, digits and single hyphens."
                            )
                        ],
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                (
                    "time_zone",
                    models.CharField(
                        default="UTC",
                        max_length=50,
                        validators=[portico.domain.practices.models.practices.refuse_unknown_zone],
                    ),
                ),
                ("currency", models.CharField(default="USD", max_length=3)),
                ("country", models.CharField(default="US", max_length=2)),
                ("phone", models.CharField(blank=True, max_length=20)),
                ("support_hours", models.CharField(blank=True, max_length=150)),
                ("reply_to", models.CharField(blank=True, max_length=254)),
                ("sender_name", models.CharField(blank=True, max_length=100)),
                ("created_at", models.DateTimeField(default=portico.plumbing.clock.now, editable=False)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="StaffMember",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                ("ref", portico.plumbing.database.base_models.RefField()),
                ("email", models.EmailField(max_length=254, unique=True)),
                ("name", models.CharField(max_length=100)),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("owner", "Owner"),
                            ("clinician", "Clinician"),
                            ("front_desk", "Front desk"),
                            ("biller", "Biller"),
                        ],
                        max_length=20,
                    ),
                ),
                ("deactivated_at", models.DateTimeField(blank=True, null=True)),
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
                "indexes": [models.Index(fields=["practice", "name"], name="practices_staff_by_name")],
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="practices_staffmember_of_practice"),
                    models.CheckConstraint(
                        condition=models.Q(("role__in", ["owner", "clinician", "front_desk", "biller"])),
                        name="practices_staffmember_known_role",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SetUpLink",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("token_hash", models.CharField(max_length=64, unique=True)),
                ("created_at", models.DateTimeField(default=portico.plumbing.clock.now)),
                ("used_at", models.DateTimeField(null=True)),
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
                    "staff",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="set_up_links",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="practices_setuplink_of_practice"),
                    portico.plumbing.database.constraints.SamePractice("staff", name="practices_setuplink_staff"),
                ],
            },
        ),
        migrations.CreateModel(
            name="StaffSession",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("key_hash", models.CharField(max_length=64, unique=True)),
                ("contents", models.BinaryField()),
                ("created_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField()),
                (
                    "staff",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sessions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["seen_at"], name="practices_session_by_seen")],
            },
        ),
        migrations.CreateModel(
            name="KeptPost",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("ref", portico.plumbing.database.base_models.RefField()),
                ("path", models.TextField()),
                ("contents", models.BinaryField()),
                ("created_at", models.DateTimeField(default=portico.plumbing.clock.now, editable=False)),
                (
                    "staff",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="kept_posts",
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
                "indexes": [models.Index(fields=["created_at"], name="practices_kept_by_created")],
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="practices_keptpost_of_practice"),
                    portico.plumbing.database.constraints.SamePractice("staff", name="practices_keptpost_staff"),
                ],
            },
        ),
    ]
