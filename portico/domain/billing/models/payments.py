"""Payments: money received by card, in cash or otherwise."""

from django.apps import apps
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from portico.domain.access.models import PortalAccount
from portico.domain.billing.models.attempts import PaymentAttempt
from portico.domain.billing.models.funding_sources import FundingSource
from portico.domain.clients.models import Client
from portico.domain.practices.models import StaffMember
from portico.plumbing.database.base_models import RowQuerySet
from portico.plumbing.database.constraints import SamePractice


class PaymentKind(models.TextChoices):
    """The kinds of payment. A card charged online and a card taken elsewhere are always told apart."""

    ONLINE = "online", _("Card, charged online")
    CASH = "cash", _("Cash")
    CHECK = "check", _("Check")
    BANK_TRANSFER = "bank_transfer", _("Bank transfer")
    CARD_ELSEWHERE = "card_elsewhere", _("External card")
    HSA_FSA = "hsa_fsa_card", _("HSA/FSA card")
    OTHER = "other", _("Other")


MANUAL_KINDS = tuple(kind for kind in PaymentKind if kind != PaymentKind.ONLINE)


class PaymentQuerySet(RowQuerySet["Payment"]):
    def not_taken_back(self) -> "PaymentQuerySet":
        return self.filter(taken_back_at=None)

    def with_credit(self) -> "PaymentQuerySet":
        """Payments with an unused amount, including those that wait for a refund."""
        return self.filter(taken_back_at=None, unused_minor__gt=0)

    def with_disputes(self) -> "PaymentQuerySet":
        """Annotates what `has_open_dispute` needs."""
        # Looked up by name: the module of disputes imports this one.
        disputes = apps.get_model("billing", "Dispute")._default_manager.filter(payment_id=OuterRef("pk"), state="open")
        return self.annotate(open_dispute=Exists(disputes))

    def spendable(self) -> "PaymentQuerySet":
        """Payments with an unused amount that may be allocated to invoices."""
        return self.with_credit().filter(refund_requested_at=None)


class Payment(FundingSource):
    """A payment by a client. One that was charged online has the id of its charge, unique in the practice."""

    client = models.ForeignKey(Client, models.PROTECT, related_name="payments")
    kind = models.CharField(max_length=14, choices=PaymentKind.choices)
    received_on = models.DateField()
    # The receipt's number, without gaps in a practice.
    number = models.PositiveIntegerField()
    check_number = models.CharField(max_length=30, blank=True)
    note = models.CharField(max_length=500, blank=True)
    recorded_by = models.CharField(max_length=100, blank=True)
    # The staff member who recorded it and may undo that; None for older payments.
    recorded_by_staff = models.ForeignKey(
        StaffMember, models.PROTECT, null=True, related_name="+", db_index=False, editable=False
    )
    form_key = models.CharField(max_length=43, blank=True, editable=False)
    # Charged online only.
    attempt = models.OneToOneField(PaymentAttempt, models.PROTECT, null=True, related_name="payment")
    account = models.ForeignKey(PortalAccount, models.PROTECT, null=True, related_name="payments")
    stripe_charge_id = models.CharField(max_length=64, blank=True)
    payment_intent_id = models.CharField(max_length=64, blank=True)
    livemode = models.BooleanField(default=False)
    card_brand = models.CharField(max_length=20, blank=True)
    card_last4 = models.CharField(max_length=4, blank=True)
    # The refunded and lost amounts; written only by `ledger.allocation`.
    refunded_minor = models.BigIntegerField(default=0)
    disputed_minor = models.BigIntegerField(default=0)
    unused_minor = models.GeneratedField(
        expression=F("amount_minor") - F("allocated_minor") - F("refunded_minor") - F("disputed_minor"),
        output_field=models.BigIntegerField(),
        db_persist=True,
    )
    # While set, the unused amount waits for staff to refund it and is not allocated to invoices.
    refund_requested_at = models.DateTimeField(null=True)
    refund_request_reason = models.CharField(max_length=300, blank=True)

    objects = PaymentQuerySet.as_manager()

    class Meta(FundingSource.Meta):
        constraints = (
            *FundingSource.Meta.constraints,
            SamePractice("client", name="billing_payment_client"),
            SamePractice("attempt", name="billing_payment_attempt"),
            SamePractice("account", name="billing_payment_account"),
            SamePractice("recorded_by_staff", name="billing_payment_recorded_by"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="billing_payment_amount"),
            models.CheckConstraint(condition=Q(kind__in=PaymentKind.values), name="billing_payment_known_kind"),
            models.CheckConstraint(
                condition=(Q(kind=PaymentKind.ONLINE) & ~Q(stripe_charge_id=""))
                | (~Q(kind=PaymentKind.ONLINE) & Q(stripe_charge_id="", attempt=None)),
                name="billing_payment_charged_or_recorded",
            ),
            models.CheckConstraint(
                condition=Q(allocated_minor__gte=0, refunded_minor__gte=0, disputed_minor__gte=0)
                & Q(amount_minor__gte=F("allocated_minor") + F("refunded_minor") + F("disputed_minor")),
                name="billing_payment_never_overspent",
            ),
            models.CheckConstraint(
                condition=Q(taken_back_at=None, taken_back_reason="")
                | (Q(taken_back_at__isnull=False, allocated_minor=0) & ~Q(taken_back_reason="")),
                name="billing_payment_taken_back_with_reason",
            ),
            models.UniqueConstraint(
                fields=("practice", "stripe_charge_id"),
                condition=~Q(stripe_charge_id=""),
                name="billing_payment_one_a_charge",
            ),
            models.UniqueConstraint(fields=("practice", "number"), name="billing_payment_one_a_number"),
            models.UniqueConstraint(
                fields=("practice", "form_key"), condition=~Q(form_key=""), name="billing_payment_one_per_form_key"
            ),
        )
        indexes = (
            models.Index(fields=("client", "-id"), name="billing_payments_of_client"),
            models.Index(fields=("practice", "-id"), name="billing_payments_newest"),
            # The list of payments by day; with kind and amount it also answers its totals.
            models.Index(
                fields=("practice", "received_on", "id", "kind", "amount_minor"),
                condition=Q(taken_back_at=None),
                name="billing_payments_by_day",
            ),
            # When a card was last charged.
            models.Index(
                fields=("practice", "-id"), condition=Q(kind=PaymentKind.ONLINE), name="billing_payments_by_card"
            ),
            models.Index(
                fields=("practice", "client"),
                condition=Q(taken_back_at=None, unused_minor__gt=0),
                name="billing_payments_left_over",
            ),
            models.Index(
                fields=("practice", "id"),
                condition=Q(taken_back_at=None, refund_requested_at__isnull=False),
                name="billing_refunds_requested",
            ),
            models.Index(
                fields=("practice", "id"),
                condition=Q(kind="online", livemode=False, taken_back_at=None),
                name="billing_test_payments",
            ),
            models.Index(
                fields=("practice", "payment_intent_id"),
                condition=~Q(payment_intent_id=""),
                name="billing_payments_of_intent",
            ),
        )

    def __str__(self) -> str:
        return self.ref

    @property
    def is_online(self) -> bool:
        return self.kind == PaymentKind.ONLINE

    @property
    def stripe_account_id(self) -> str:
        """The Stripe account that received it; empty if the attempt is not in the database."""
        return self.attempt.stripe_account_id if self.attempt else ""

    @property
    def has_open_dispute(self) -> bool:
        """True if a dispute of it is open. Needs the row from `with_disputes`."""
        return bool(self.__dict__["open_dispute"])

    @property
    def left_minor(self) -> int:
        """The amount neither refunded nor lost: the refundable amount."""
        return 0 if self.is_taken_back else self.amount_minor - self.refunded_minor - self.disputed_minor

    @property
    def still_unused_minor(self) -> int:
        """The unused amount, which is credit, computed from the columns in memory."""
        return self.left_minor - self.allocated_minor
