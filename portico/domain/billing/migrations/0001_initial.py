import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models

import portico.plumbing.clock
import portico.plumbing.database.base_models
import portico.plumbing.database.constraints


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("access", "0002_front_door"),
        ("clients", "0001_initial"),
        ("practices", "0004_currency_fixed"),
        ("practices", "__first__"),
    ]

    operations = [
        migrations.CreateModel(
            name="Credit",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("ref", portico.plumbing.database.base_models.RefField()),
                ("amount_minor", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                ("allocated_minor", models.BigIntegerField(default=0)),
                ("created_at", models.DateTimeField(default=portico.plumbing.clock.now, editable=False)),
                ("taken_back_at", models.DateTimeField(null=True)),
                ("taken_back_by", models.CharField(blank=True, max_length=100)),
                ("taken_back_reason", models.CharField(blank=True, max_length=300)),
                ("reason", models.CharField(max_length=300)),
                ("given_by", models.CharField(blank=True, max_length=100)),
                ("press", models.CharField(blank=True, editable=False, max_length=43)),
                (
                    "unused_minor",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.db.models.expressions.CombinedExpression(
                            models.F("amount_minor"), "-", models.F("allocated_minor")
                        ),
                        output_field=models.BigIntegerField(),
                    ),
                ),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="credits", to="clients.client"
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
                    models.UniqueConstraint(fields=("practice", "id"), name="billing_credit_of_practice"),
                    portico.plumbing.database.constraints.SamePractice("client", name="billing_credit_client"),
                    models.CheckConstraint(condition=models.Q(("amount_minor__gt", 0)), name="billing_credit_amount"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("allocated_minor__gte", 0), ("amount_minor__gte", models.F("allocated_minor"))
                        ),
                        name="billing_credit_never_overspent",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("taken_back_at", None), ("taken_back_reason", "")),
                            models.Q(
                                ("allocated_minor", 0),
                                ("taken_back_at__isnull", False),
                                models.Q(("taken_back_reason", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="billing_credit_taken_back_with_reason",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("press", ""), _negated=True),
                        fields=("practice", "press"),
                        name="billing_credit_one_a_press",
                    ),
                ],
                "indexes": [
                    models.Index(fields=["client", "-id"], name="billing_credits_of_client"),
                    models.Index(
                        condition=models.Q(("taken_back_at", None), ("unused_minor__gt", 0)),
                        fields=["practice", "client"],
                        name="billing_credits_left_over",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Invoice",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("ref", portico.plumbing.database.base_models.RefField()),
                (
                    "kind",
                    models.CharField(
                        choices=[("charges", "Invoice"), ("opening", "Balance brought forward")],
                        default="charges",
                        max_length=8,
                    ),
                ),
                ("number", models.PositiveIntegerField(null=True)),
                ("dated_on", models.DateField()),
                ("due_on", models.DateField(blank=True, null=True)),
                ("currency", models.CharField(max_length=3)),
                ("note", models.TextField(blank=True, max_length=1000)),
                ("total_minor", models.BigIntegerField(default=0)),
                ("paid_minor", models.BigIntegerField(default=0)),
                ("credited_minor", models.BigIntegerField(default=0)),
                (
                    "open_minor",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.db.models.expressions.CombinedExpression(
                            django.db.models.expressions.CombinedExpression(
                                models.F("total_minor"), "-", models.F("paid_minor")
                            ),
                            "-",
                            models.F("credited_minor"),
                        ),
                        output_field=models.BigIntegerField(),
                    ),
                ),
                ("issued_at", models.DateTimeField(null=True)),
                ("shared_at", models.DateTimeField(null=True)),
                ("voided_at", models.DateTimeField(null=True)),
                ("void_reason", models.CharField(blank=True, max_length=300)),
                ("typed", models.JSONField(blank=True, null=True)),
                ("press", models.CharField(blank=True, editable=False, max_length=43)),
                ("version", models.PositiveIntegerField(default=1)),
                ("created_by", models.CharField(blank=True, max_length=100)),
                ("created_at", models.DateTimeField(default=portico.plumbing.clock.now, editable=False)),
                ("changed_at", models.DateTimeField(default=portico.plumbing.clock.now, editable=False)),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="invoices", to="clients.client"
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
                    "replaces",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="replaced_by",
                        to="billing.invoice",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="billing_invoice_of_practice"),
                    portico.plumbing.database.constraints.SamePractice("client", name="billing_invoice_client"),
                    portico.plumbing.database.constraints.SamePractice("replaces", name="billing_invoice_replaces"),
                    models.UniqueConstraint(fields=("practice", "number"), name="billing_invoice_one_a_number"),
                    models.UniqueConstraint(
                        condition=models.Q(("press", ""), _negated=True),
                        fields=("practice", "press"),
                        name="billing_invoice_one_a_press",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("issued_at__isnull", True), ("number__isnull", True)),
                            models.Q(
                                ("issued_at__isnull", False),
                                ("number__gt", 0),
                                ("number__isnull", False),
                                ("total_minor__gt", 0),
                            ),
                            _connector="OR",
                        ),
                        name="billing_invoice_numbered_when_issued",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("issued_at__isnull", False),
                            models.Q(("paid_minor", 0), ("shared_at", None), ("voided_at", None)),
                            _connector="OR",
                        ),
                        name="billing_invoice_issued_before_all_else",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("void_reason", ""), ("voided_at", None)),
                            models.Q(("voided_at__isnull", False), models.Q(("void_reason", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="billing_invoice_void_with_reason",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("credited_minor__gte", 0),
                            ("paid_minor__gte", 0),
                            (
                                "total_minor__gte",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("paid_minor"), "+", models.F("credited_minor")
                                ),
                            ),
                        ),
                        name="billing_invoice_never_overpaid",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("due_on", None), ("due_on__gte", models.F("dated_on")), _connector="OR"),
                        name="billing_invoice_due_after_date",
                    ),
                ],
                "indexes": [
                    models.Index(fields=["practice", "-id"], name="billing_invoices_newest"),
                    models.Index(fields=["client", "-id"], name="billing_invoices_of_client"),
                    models.Index(
                        condition=models.Q(("issued_at__isnull", False), ("open_minor__gt", 0), ("voided_at", None)),
                        fields=["practice", "due_on", "id"],
                        name="billing_invoices_owing",
                    ),
                    models.Index(
                        condition=models.Q(("issued_at", None)),
                        fields=["practice", "-id"],
                        name="billing_drafts_newest",
                    ),
                    models.Index(
                        condition=models.Q(("voided_at__isnull", False)),
                        fields=["practice", "-id"],
                        name="billing_void_newest",
                    ),
                    models.Index(
                        condition=models.Q(("issued_at__isnull", False), ("open_minor", 0), ("voided_at", None)),
                        fields=["practice", "-id"],
                        name="billing_paid_newest",
                    ),
                    models.Index(
                        condition=models.Q(("issued_at__isnull", False), ("shared_at", None), ("voided_at", None)),
                        fields=["practice", "id"],
                        name="billing_unshared",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="InvoiceCounter",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("next_number", models.PositiveIntegerField(default=1)),
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
                    models.UniqueConstraint(fields=("practice", "id"), name="billing_invoicecounter_of_practice"),
                    models.UniqueConstraint(fields=("practice",), name="billing_invoicecounter_one_a_practice"),
                    models.CheckConstraint(
                        condition=models.Q(("next_number__gt", 0)), name="billing_invoicecounter_counts"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StripeCustomer",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("stripe_account_id", models.CharField(max_length=64)),
                ("livemode", models.BooleanField()),
                ("customer_id", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField(default=portico.plumbing.clock.now, editable=False)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="stripe_customers",
                        to="access.portalaccount",
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
                    models.UniqueConstraint(fields=("practice", "id"), name="billing_stripecustomer_of_practice"),
                    portico.plumbing.database.constraints.SamePractice(
                        "account", name="billing_stripecustomer_account"
                    ),
                    models.UniqueConstraint(
                        fields=("account", "stripe_account_id", "livemode"), name="billing_stripecustomer_one_a_mode"
                    ),
                    models.UniqueConstraint(
                        fields=("practice", "customer_id"), name="billing_stripecustomer_one_an_id"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SavedCard",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("ref", portico.plumbing.database.base_models.RefField()),
                ("payment_method_id", models.CharField(max_length=64)),
                ("brand", models.CharField(max_length=20)),
                ("last4", models.CharField(max_length=4)),
                ("expires_month", models.PositiveSmallIntegerField()),
                ("expires_year", models.PositiveSmallIntegerField()),
                ("consent_text", models.CharField(max_length=500)),
                ("consented_at", models.DateTimeField()),
                ("created_at", models.DateTimeField(default=portico.plumbing.clock.now, editable=False)),
                ("removed_at", models.DateTimeField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="saved_cards",
                        to="access.portalaccount",
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
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="cards", to="billing.stripecustomer"
                    ),
                ),
            ],
            options={
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="billing_savedcard_of_practice"),
                    portico.plumbing.database.constraints.SamePractice("account", name="billing_savedcard_account"),
                    models.UniqueConstraint(
                        fields=("practice", "payment_method_id"), name="billing_savedcard_one_a_method"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("consent_text", ""), _negated=True), name="billing_savedcard_with_consent"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("expires_month__gte", 1), ("expires_month__lte", 12)),
                        name="billing_savedcard_month",
                    ),
                    portico.plumbing.database.constraints.SamePractice("customer", name="billing_savedcard_customer"),
                ],
                "indexes": [models.Index(fields=["account", "-id"], name="billing_cards_of_account")],
            },
        ),
        migrations.CreateModel(
            name="PaymentAttempt",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("lease_until", models.DateTimeField(editable=False, null=True)),
                ("not_before", models.DateTimeField(editable=False, null=True)),
                ("tries", models.PositiveIntegerField(default=0, editable=False)),
                ("ref", portico.plumbing.database.base_models.RefField()),
                (
                    "way",
                    models.CharField(
                        choices=[("checkout", "Stripe’s page"), ("saved_card", "Saved card")], max_length=10
                    ),
                ),
                ("amount_minor", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                ("is_balance", models.BooleanField(default=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Started"),
                            ("processing", "Processing"),
                            ("succeeded", "Succeeded"),
                            ("failed", "Declined"),
                            ("expired", "Canceled"),
                            ("released", "Released"),
                            ("quarantined", "Doesn’t match"),
                        ],
                        default="open",
                        max_length=11,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=300)),
                ("idempotency_key", models.CharField(max_length=64, unique=True)),
                ("metadata", models.JSONField(blank=True, default=dict)),
                ("livemode", models.BooleanField()),
                ("stripe_account_id", models.CharField(blank=True, max_length=64)),
                ("stripe_customer_id", models.CharField(blank=True, max_length=64)),
                ("checkout_session_id", models.CharField(blank=True, max_length=100)),
                ("checkout_url", models.TextField(blank=True)),
                ("payment_intent_id", models.CharField(blank=True, max_length=64)),
                ("bank_url", models.TextField(blank=True)),
                ("save_card", models.BooleanField(default=False)),
                ("consent_text", models.CharField(blank=True, max_length=500)),
                ("consented_at", models.DateTimeField(null=True)),
                ("written_at", models.DateTimeField(default=portico.plumbing.clock.now, editable=False)),
                ("called_at", models.DateTimeField(null=True)),
                ("expires_at", models.DateTimeField(null=True)),
                ("unknown_since", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="attempts", to="access.portalaccount"
                    ),
                ),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="attempts", to="clients.client"
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
                    "card",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attempts",
                        to="billing.savedcard",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="billing_paymentattempt_of_practice"),
                    portico.plumbing.database.constraints.SamePractice(
                        "account", name="billing_paymentattempt_account"
                    ),
                    portico.plumbing.database.constraints.SamePractice("client", name="billing_paymentattempt_client"),
                    models.CheckConstraint(
                        condition=models.Q(("amount_minor__gt", 0)), name="billing_paymentattempt_amount"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                ["open", "processing", "succeeded", "failed", "expired", "released", "quarantined"],
                            )
                        ),
                        name="billing_paymentattempt_known_state",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("save_card", False),
                            models.Q(("consented_at__isnull", False), models.Q(("consent_text", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="billing_paymentattempt_saves_with_consent",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("checkout_session_id", ""), _negated=True),
                        fields=("practice", "checkout_session_id"),
                        name="billing_paymentattempt_one_a_session",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("payment_intent_id", ""), _negated=True),
                        fields=("practice", "payment_intent_id"),
                        name="billing_paymentattempt_one_an_intent",
                    ),
                    portico.plumbing.database.constraints.SamePractice("card", name="billing_paymentattempt_card"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at", None), ("state__in", ("open", "processing", "quarantined"))),
                            models.Q(
                                models.Q(("state__in", ("open", "processing", "quarantined")), _negated=True),
                                ("ended_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="billing_paymentattempt_holding_or_ended",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("card", None), ("way", "checkout")),
                            models.Q(("card__isnull", False), ("way", "saved_card")),
                            _connector="OR",
                        ),
                        name="billing_paymentattempt_card_of_way",
                    ),
                ],
                "indexes": [
                    models.Index(fields=["account", "-id"], name="billing_attempts_of_account"),
                    models.Index(fields=["client", "-id"], name="billing_attempts_of_client"),
                    models.Index(
                        condition=models.Q(("state__in", ("open", "processing"))),
                        fields=["id"],
                        name="billing_waiting_attempts",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Payment",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("ref", portico.plumbing.database.base_models.RefField()),
                ("amount_minor", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                ("allocated_minor", models.BigIntegerField(default=0)),
                ("created_at", models.DateTimeField(default=portico.plumbing.clock.now, editable=False)),
                ("taken_back_at", models.DateTimeField(null=True)),
                ("taken_back_by", models.CharField(blank=True, max_length=100)),
                ("taken_back_reason", models.CharField(blank=True, max_length=300)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("online", "Card, charged online"),
                            ("cash", "Cash"),
                            ("check", "Check"),
                            ("card_elsewhere", "External card"),
                        ],
                        max_length=14,
                    ),
                ),
                ("received_on", models.DateField()),
                ("number", models.PositiveIntegerField()),
                ("check_number", models.CharField(blank=True, max_length=30)),
                ("note", models.CharField(blank=True, max_length=500)),
                ("recorded_by", models.CharField(blank=True, max_length=100)),
                ("press", models.CharField(blank=True, editable=False, max_length=43)),
                ("stripe_charge_id", models.CharField(blank=True, max_length=64)),
                ("payment_intent_id", models.CharField(blank=True, max_length=64)),
                ("livemode", models.BooleanField(default=False)),
                ("card_brand", models.CharField(blank=True, max_length=20)),
                ("card_last4", models.CharField(blank=True, max_length=4)),
                ("refunded_minor", models.BigIntegerField(default=0)),
                ("disputed_minor", models.BigIntegerField(default=0)),
                (
                    "unused_minor",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.db.models.expressions.CombinedExpression(
                            django.db.models.expressions.CombinedExpression(
                                django.db.models.expressions.CombinedExpression(
                                    models.F("amount_minor"), "-", models.F("allocated_minor")
                                ),
                                "-",
                                models.F("refunded_minor"),
                            ),
                            "-",
                            models.F("disputed_minor"),
                        ),
                        output_field=models.BigIntegerField(),
                    ),
                ),
                ("refund_asked_at", models.DateTimeField(null=True)),
                ("refund_asked_reason", models.CharField(blank=True, max_length=300)),
                (
                    "account",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payments",
                        to="access.portalaccount",
                    ),
                ),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="payments", to="clients.client"
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
                    "attempt",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payment",
                        to="billing.paymentattempt",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="billing_payment_of_practice"),
                    portico.plumbing.database.constraints.SamePractice("client", name="billing_payment_client"),
                    portico.plumbing.database.constraints.SamePractice("account", name="billing_payment_account"),
                    models.CheckConstraint(condition=models.Q(("amount_minor__gt", 0)), name="billing_payment_amount"),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["online", "cash", "check", "card_elsewhere"])),
                        name="billing_payment_known_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("allocated_minor__gte", 0),
                            ("disputed_minor__gte", 0),
                            ("refunded_minor__gte", 0),
                            (
                                "amount_minor__gte",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("allocated_minor"), "+", models.F("refunded_minor")
                                    ),
                                    "+",
                                    models.F("disputed_minor"),
                                ),
                            ),
                        ),
                        name="billing_payment_never_overspent",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("taken_back_at", None), ("taken_back_reason", "")),
                            models.Q(
                                ("allocated_minor", 0),
                                ("taken_back_at__isnull", False),
                                models.Q(("taken_back_reason", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="billing_payment_taken_back_with_reason",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("stripe_charge_id", ""), _negated=True),
                        fields=("practice", "stripe_charge_id"),
                        name="billing_payment_one_a_charge",
                    ),
                    models.UniqueConstraint(fields=("practice", "number"), name="billing_payment_one_a_number"),
                    models.UniqueConstraint(
                        condition=models.Q(("press", ""), _negated=True),
                        fields=("practice", "press"),
                        name="billing_payment_one_a_press",
                    ),
                    portico.plumbing.database.constraints.SamePractice("attempt", name="billing_payment_attempt"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "online"), models.Q(("stripe_charge_id", ""), _negated=True)),
                            models.Q(
                                models.Q(("kind", "online"), _negated=True), ("attempt", None), ("stripe_charge_id", "")
                            ),
                            _connector="OR",
                        ),
                        name="billing_payment_charged_or_recorded",
                    ),
                ],
                "indexes": [
                    models.Index(fields=["client", "-id"], name="billing_payments_of_client"),
                    models.Index(fields=["practice", "-id"], name="billing_payments_newest"),
                    models.Index(
                        condition=models.Q(("taken_back_at", None), ("unused_minor__gt", 0)),
                        fields=["practice", "client"],
                        name="billing_payments_left_over",
                    ),
                    models.Index(
                        condition=models.Q(("refund_asked_at__isnull", False), ("taken_back_at", None)),
                        fields=["practice", "id"],
                        name="billing_refunds_asked",
                    ),
                    models.Index(
                        condition=models.Q(("payment_intent_id", ""), _negated=True),
                        fields=["practice", "payment_intent_id"],
                        name="billing_payments_of_intent",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Dispute",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("ref", portico.plumbing.database.base_models.RefField()),
                ("stripe_dispute_id", models.CharField(max_length=64)),
                ("amount_minor", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Disputed"), ("won", "Won"), ("lost", "Lost")], default="open", max_length=4
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=60)),
                ("opened_at", models.DateTimeField(default=portico.plumbing.clock.now)),
                ("closed_at", models.DateTimeField(null=True)),
                ("lost_minor", models.BigIntegerField(default=0)),
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
                    "payment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="disputes", to="billing.payment"
                    ),
                ),
            ],
            options={
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="billing_dispute_of_practice"),
                    portico.plumbing.database.constraints.SamePractice("payment", name="billing_dispute_payment"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("amount_minor__gt", 0),
                            ("lost_minor__gte", 0),
                            ("amount_minor__gte", models.F("lost_minor")),
                        ),
                        name="billing_dispute_amount",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state", "lost"), ("lost_minor", 0), _connector="OR"),
                        name="billing_dispute_takes_when_lost",
                    ),
                    models.UniqueConstraint(fields=("practice", "stripe_dispute_id"), name="billing_dispute_one_an_id"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Allocation",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("amount_minor", models.BigIntegerField()),
                ("from_credit", models.BooleanField(default=False)),
                ("reversed_minor", models.BigIntegerField(default=0)),
                (
                    "live_minor",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.db.models.expressions.CombinedExpression(
                            models.F("amount_minor"), "-", models.F("reversed_minor")
                        ),
                        output_field=models.BigIntegerField(),
                    ),
                ),
                ("at", models.DateTimeField(default=portico.plumbing.clock.now, editable=False)),
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
                    "credit",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="allocations",
                        to="billing.credit",
                    ),
                ),
                (
                    "invoice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="allocations", to="billing.invoice"
                    ),
                ),
                (
                    "payment",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="allocations",
                        to="billing.payment",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="billing_allocation_of_practice"),
                    portico.plumbing.database.constraints.SamePractice("invoice", name="billing_allocation_invoice"),
                    portico.plumbing.database.constraints.SamePractice("payment", name="billing_allocation_payment"),
                    portico.plumbing.database.constraints.SamePractice("credit", name="billing_allocation_credit"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("credit", None), ("payment__isnull", False)),
                            models.Q(("credit__isnull", False), ("payment", None)),
                            _connector="OR",
                        ),
                        name="billing_allocation_of_one_source",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount_minor__gt", 0)), name="billing_allocation_amount"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("reversed_minor__gte", 0), ("amount_minor__gte", models.F("reversed_minor"))
                        ),
                        name="billing_allocation_reversed_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("from_credit", False), ("payment__isnull", False)),
                        fields=("payment", "invoice"),
                        name="billing_allocation_once_a_payment",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AttemptInvoice",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("amount_minor", models.BigIntegerField()),
                ("is_open", models.BooleanField(default=True)),
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
                    "invoice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="attempts", to="billing.invoice"
                    ),
                ),
                (
                    "attempt",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="covers", to="billing.paymentattempt"
                    ),
                ),
            ],
            options={
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="billing_attemptinvoice_of_practice"),
                    portico.plumbing.database.constraints.SamePractice(
                        "attempt", name="billing_attemptinvoice_attempt"
                    ),
                    portico.plumbing.database.constraints.SamePractice(
                        "invoice", name="billing_attemptinvoice_invoice"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount_minor__gt", 0)), name="billing_attemptinvoice_amount"
                    ),
                    models.UniqueConstraint(
                        fields=("attempt", "invoice"), name="billing_attemptinvoice_once_an_attempt"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("is_open", True)),
                        fields=("invoice",),
                        name="billing_attemptinvoice_one_open",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ReceiptCounter",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("next_number", models.PositiveIntegerField(default=1)),
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
                    models.UniqueConstraint(fields=("practice", "id"), name="billing_receiptcounter_of_practice"),
                    models.UniqueConstraint(fields=("practice",), name="billing_receiptcounter_one_a_practice"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Refund",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("ref", portico.plumbing.database.base_models.RefField()),
                ("amount_minor", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                (
                    "way",
                    models.CharField(
                        choices=[("stripe", "Through Stripe"), ("by_hand", "Refunded manually")], max_length=7
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("pending", "Pending"), ("succeeded", "Refunded"), ("failed", "Failed")],
                        default="pending",
                        max_length=9,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=300)),
                ("note", models.CharField(blank=True, max_length=500)),
                ("failure", models.CharField(blank=True, max_length=300)),
                ("stripe_refund_id", models.CharField(blank=True, max_length=64)),
                ("idempotency_key", models.CharField(blank=True, max_length=64)),
                ("made_by", models.CharField(blank=True, max_length=100)),
                ("press", models.CharField(blank=True, editable=False, max_length=43)),
                ("created_at", models.DateTimeField(default=portico.plumbing.clock.now, editable=False)),
                ("settled_at", models.DateTimeField(null=True)),
                (
                    "payment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="refunds", to="billing.payment"
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
                    models.UniqueConstraint(fields=("practice", "id"), name="billing_refund_of_practice"),
                    portico.plumbing.database.constraints.SamePractice("payment", name="billing_refund_payment"),
                    models.CheckConstraint(condition=models.Q(("amount_minor__gt", 0)), name="billing_refund_amount"),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["pending", "succeeded", "failed"])),
                        name="billing_refund_known_state",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("way", "stripe"), models.Q(("stripe_refund_id", ""), ("way", "by_hand")), _connector="OR"
                        ),
                        name="billing_refund_by_stripe_or_hand",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("stripe_refund_id", ""), _negated=True),
                        fields=("practice", "stripe_refund_id"),
                        name="billing_refund_one_an_id",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("idempotency_key", ""), _negated=True),
                        fields=("practice", "idempotency_key"),
                        name="billing_refund_one_a_key",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("press", ""), _negated=True),
                        fields=("practice", "press"),
                        name="billing_refund_one_a_press",
                    ),
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "pending")),
                        fields=["practice", "id"],
                        name="billing_refunds_pending",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CreditNote",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("amount_minor", models.BigIntegerField()),
                ("at", models.DateTimeField(default=portico.plumbing.clock.now, editable=False)),
                ("undone_at", models.DateTimeField(null=True)),
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
                    "invoice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="credit_notes", to="billing.invoice"
                    ),
                ),
                (
                    "refund",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="credit_notes", to="billing.refund"
                    ),
                ),
            ],
            options={
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="billing_creditnote_of_practice"),
                    portico.plumbing.database.constraints.SamePractice("invoice", name="billing_creditnote_invoice"),
                    portico.plumbing.database.constraints.SamePractice("refund", name="billing_creditnote_refund"),
                    models.CheckConstraint(
                        condition=models.Q(("amount_minor__gt", 0)), name="billing_creditnote_amount"
                    ),
                    models.UniqueConstraint(fields=("refund", "invoice"), name="billing_creditnote_once_a_refund"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Reversal",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("amount_minor", models.BigIntegerField()),
                (
                    "cause",
                    models.CharField(
                        choices=[
                            ("refund", "Refunded"),
                            ("dispute", "Dispute lost"),
                            ("void", "Invoice voided"),
                            ("unshared", "Invoice no longer shared"),
                            ("taken_back", "Voided"),
                        ],
                        max_length=10,
                    ),
                ),
                ("at", models.DateTimeField(default=portico.plumbing.clock.now, editable=False)),
                ("undone_at", models.DateTimeField(null=True)),
                (
                    "allocation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="reversals", to="billing.allocation"
                    ),
                ),
                (
                    "dispute",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reversals",
                        to="billing.dispute",
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
                    "refund",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reversals",
                        to="billing.refund",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="billing_reversal_of_practice"),
                    portico.plumbing.database.constraints.SamePractice(
                        "allocation", name="billing_reversal_allocation"
                    ),
                    portico.plumbing.database.constraints.SamePractice("refund", name="billing_reversal_refund"),
                    portico.plumbing.database.constraints.SamePractice("dispute", name="billing_reversal_dispute"),
                    models.CheckConstraint(condition=models.Q(("amount_minor__gt", 0)), name="billing_reversal_amount"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("cause", "refund"), ("dispute", None), ("refund__isnull", False)),
                            models.Q(("cause", "dispute"), ("dispute__isnull", False), ("refund", None)),
                            models.Q(
                                ("cause__in", ("void", "unshared", "taken_back")), ("dispute", None), ("refund", None)
                            ),
                            _connector="OR",
                        ),
                        name="billing_reversal_named_cause",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ServiceItem",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("ref", portico.plumbing.database.base_models.RefField()),
                ("code", models.CharField(max_length=20)),
                ("label", models.CharField(max_length=100)),
                ("price_minor", models.BigIntegerField()),
                ("retired_at", models.DateTimeField(blank=True, null=True)),
                ("version", models.PositiveIntegerField(default=1)),
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
                    models.UniqueConstraint(fields=("practice", "id"), name="billing_serviceitem_of_practice"),
                    models.CheckConstraint(
                        condition=models.Q(("price_minor__gte", 0)), name="billing_serviceitem_price"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("retired_at", None)),
                        fields=("practice", "code"),
                        name="billing_serviceitem_one_a_code",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="InvoiceLine",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("position", models.PositiveSmallIntegerField()),
                ("given_on", models.DateField(blank=True, null=True)),
                ("label", models.CharField(max_length=150)),
                ("quantity", models.PositiveIntegerField(default=1)),
                ("unit_minor", models.BigIntegerField()),
                (
                    "amount_minor",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.db.models.expressions.CombinedExpression(
                            models.F("quantity"), "*", models.F("unit_minor")
                        ),
                        output_field=models.BigIntegerField(),
                    ),
                ),
                (
                    "invoice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="lines", to="billing.invoice"
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
                    "item",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.serviceitem",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("practice", "id"), name="billing_invoiceline_of_practice"),
                    portico.plumbing.database.constraints.SamePractice("invoice", name="billing_invoiceline_invoice"),
                    portico.plumbing.database.constraints.SamePractice("item", name="billing_invoiceline_item"),
                    models.UniqueConstraint(fields=("invoice", "position"), name="billing_invoiceline_one_a_position"),
                    models.CheckConstraint(
                        condition=models.Q(("quantity__gt", 0)), name="billing_invoiceline_quantity"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SharingRun",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("lease_until", models.DateTimeField(editable=False, null=True)),
                ("not_before", models.DateTimeField(editable=False, null=True)),
                ("tries", models.PositiveIntegerField(default=0, editable=False)),
                ("ref", portico.plumbing.database.base_models.RefField()),
                ("last_invoice_id", models.BigIntegerField()),
                ("reached_id", models.BigIntegerField(default=0)),
                ("total", models.PositiveIntegerField()),
                ("shared", models.PositiveIntegerField(default=0)),
                ("not_told", models.PositiveIntegerField(default=0)),
                ("written_at", models.DateTimeField(default=portico.plumbing.clock.now, editable=False)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "asked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
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
                    models.UniqueConstraint(fields=("practice", "id"), name="billing_sharingrun_of_practice"),
                    portico.plumbing.database.constraints.SamePractice("asked_by", name="billing_sharingrun_asked_by"),
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at", None)),
                        fields=("practice",),
                        name="billing_sharingrun_one_at_a_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("not_told__lte", models.F("shared"))),
                        name="billing_sharingrun_told_of_shared",
                    ),
                ],
                "indexes": [
                    models.Index(condition=models.Q(("ended_at", None)), fields=["id"], name="billing_waiting_runs"),
                    models.Index(fields=["practice", "-id"], name="billing_runs_newest"),
                ],
            },
        ),
    ]
