"""Money that came, credit that was given, what either was put against, and what went back."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from portico.domain.access.models import PortalAccount
from portico.domain.billing.models.attempts import PaymentAttempt
from portico.domain.billing.models.invoices import Invoice
from portico.domain.clients.models import Client
from portico.plumbing import clock
from portico.plumbing.constraints import SamePractice
from portico.plumbing.rows import PracticeRow, RefField, RowQuerySet


class PaymentKind(models.TextChoices):
    """Charged online and recorded by hand are different things, and different words everywhere."""

    ONLINE = "online", _("Card, charged online")
    CASH = "cash", _("Cash")
    CHECK = "check", _("Check")
    CARD_ELSEWHERE = "card_elsewhere", _("Card taken elsewhere")


BY_HAND = (PaymentKind.CASH, PaymentKind.CHECK, PaymentKind.CARD_ELSEWHERE)


class Source(PracticeRow):
    """Something that is put against invoices. What is left over is the client's credit."""

    ref = RefField()
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    # What stands against invoices at present; written by `settling` alone.
    allocated_minor = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    taken_back_at = models.DateTimeField(null=True)
    taken_back_by = models.CharField(max_length=100, blank=True)
    taken_back_reason = models.CharField(max_length=300, blank=True)

    class Meta(PracticeRow.Meta):
        abstract = True

    @property
    def is_taken_back(self) -> bool:
        return self.taken_back_at is not None


class PaymentQuerySet(RowQuerySet["Payment"]):
    def counting(self) -> "PaymentQuerySet":
        return self.filter(taken_back_at=None)

    def with_credit(self) -> "PaymentQuerySet":
        """Those of which something is left over, that waits for a refund too."""
        return self.filter(taken_back_at=None, unused_minor__gt=0)

    def spendable(self) -> "PaymentQuerySet":
        """Of which something is left over and may be put against an invoice."""
        return self.with_credit().filter(refund_asked_at=None)


class Payment(Source):
    """Money that came. One that was charged online has its charge's id, once in the practice."""

    client = models.ForeignKey(Client, models.PROTECT, related_name="payments")
    kind = models.CharField(max_length=14, choices=PaymentKind.choices)
    received_on = models.DateField()
    # The receipt's number, without gaps in a practice.
    number = models.PositiveIntegerField()
    check_number = models.CharField(max_length=30, blank=True)
    note = models.CharField(max_length=500, blank=True)
    recorded_by = models.CharField(max_length=100, blank=True)
    press = models.CharField(max_length=43, blank=True, editable=False)
    # Charged online only.
    attempt = models.OneToOneField(PaymentAttempt, models.PROTECT, null=True, related_name="payment")
    account = models.ForeignKey(PortalAccount, models.PROTECT, null=True, related_name="payments")
    stripe_charge_id = models.CharField(max_length=64, blank=True)
    payment_intent_id = models.CharField(max_length=64, blank=True)
    livemode = models.BooleanField(default=False)
    card_brand = models.CharField(max_length=20, blank=True)
    card_last4 = models.CharField(max_length=4, blank=True)
    # What went back or was lost; written by `settling` alone.
    refunded_minor = models.BigIntegerField(default=0)
    disputed_minor = models.BigIntegerField(default=0)
    unused_minor = models.GeneratedField(
        expression=F("amount_minor") - F("allocated_minor") - F("refunded_minor") - F("disputed_minor"),
        output_field=models.BigIntegerField(),
        db_persist=True,
    )
    # What is left over waits for staff to refund it, and is not put against invoices meanwhile.
    refund_asked_at = models.DateTimeField(null=True)
    refund_asked_reason = models.CharField(max_length=300, blank=True)

    objects = PaymentQuerySet.as_manager()

    class Meta(Source.Meta):
        constraints = (
            *Source.Meta.constraints,
            SamePractice("client", name="billing_payment_client"),
            SamePractice("attempt", name="billing_payment_attempt"),
            SamePractice("account", name="billing_payment_account"),
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
                fields=("practice", "press"), condition=~Q(press=""), name="billing_payment_one_a_press"
            ),
        )
        indexes = (
            models.Index(fields=("client", "-id"), name="billing_payments_of_client"),
            models.Index(fields=("practice", "-id"), name="billing_payments_newest"),
            models.Index(
                fields=("practice", "client"),
                condition=Q(taken_back_at=None, unused_minor__gt=0),
                name="billing_payments_left_over",
            ),
            models.Index(
                fields=("practice", "id"),
                condition=Q(taken_back_at=None, refund_asked_at__isnull=False),
                name="billing_refunds_asked",
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
    def left_minor(self) -> int:
        """What has neither gone back nor been lost: the most that can be refunded."""
        return 0 if self.is_taken_back else self.amount_minor - self.refunded_minor - self.disputed_minor

    @property
    def still_unused_minor(self) -> int:
        """What is left over as credit, from the columns in memory."""
        return self.left_minor - self.allocated_minor


class ReceiptCounter(PracticeRow):
    """The next number of a practice's receipts; locked with the same care as that of invoices."""

    next_number = models.PositiveIntegerField(default=1)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            models.UniqueConstraint(fields=("practice",), name="billing_receiptcounter_one_a_practice"),
        )

    def __str__(self) -> str:
        return str(self.pk)


class CreditQuerySet(RowQuerySet["Credit"]):
    def counting(self) -> "CreditQuerySet":
        return self.filter(taken_back_at=None)

    def spendable(self) -> "CreditQuerySet":
        return self.filter(taken_back_at=None, unused_minor__gt=0)


class Credit(Source):
    """What the practice gives without money having come: goodwill, or credit brought forward."""

    client = models.ForeignKey(Client, models.PROTECT, related_name="credits")
    reason = models.CharField(max_length=300)
    given_by = models.CharField(max_length=100, blank=True)
    press = models.CharField(max_length=43, blank=True, editable=False)
    unused_minor = models.GeneratedField(
        expression=F("amount_minor") - F("allocated_minor"), output_field=models.BigIntegerField(), db_persist=True
    )

    objects = CreditQuerySet.as_manager()

    class Meta(Source.Meta):
        constraints = (
            *Source.Meta.constraints,
            SamePractice("client", name="billing_credit_client"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="billing_credit_amount"),
            models.CheckConstraint(
                condition=Q(allocated_minor__gte=0) & Q(amount_minor__gte=F("allocated_minor")),
                name="billing_credit_never_overspent",
            ),
            models.CheckConstraint(
                condition=Q(taken_back_at=None, taken_back_reason="")
                | (Q(taken_back_at__isnull=False, allocated_minor=0) & ~Q(taken_back_reason="")),
                name="billing_credit_taken_back_with_reason",
            ),
            models.UniqueConstraint(
                fields=("practice", "press"), condition=~Q(press=""), name="billing_credit_one_a_press"
            ),
        )
        indexes = (
            models.Index(fields=("client", "-id"), name="billing_credits_of_client"),
            models.Index(
                fields=("practice", "client"),
                condition=Q(taken_back_at=None, unused_minor__gt=0),
                name="billing_credits_left_over",
            ),
        )

    def __str__(self) -> str:
        return self.ref

    @property
    def still_unused_minor(self) -> int:
        return 0 if self.is_taken_back else self.amount_minor - self.allocated_minor


class AllocationQuerySet(RowQuerySet["Allocation"]):
    def live(self) -> "AllocationQuerySet":
        return self.filter(live_minor__gt=0)


class Allocation(PracticeRow):
    """Money or credit put against an invoice. Its amount never changes; reversals say what was undone of it."""

    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="allocations")
    payment = models.ForeignKey(Payment, models.PROTECT, null=True, related_name="allocations")
    credit = models.ForeignKey(Credit, models.PROTECT, null=True, related_name="allocations")
    amount_minor = models.BigIntegerField()
    # Put there from what was left over, not from money meant for this invoice: unsharing gives it back.
    from_credit = models.BooleanField(default=False)
    # Written by `settling` alone.
    reversed_minor = models.BigIntegerField(default=0)
    live_minor = models.GeneratedField(
        expression=F("amount_minor") - F("reversed_minor"), output_field=models.BigIntegerField(), db_persist=True
    )
    at = models.DateTimeField(default=clock.now, editable=False)

    objects = AllocationQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("invoice", name="billing_allocation_invoice"),
            SamePractice("payment", name="billing_allocation_payment"),
            SamePractice("credit", name="billing_allocation_credit"),
            models.CheckConstraint(
                condition=Q(payment__isnull=False, credit=None) | Q(payment=None, credit__isnull=False),
                name="billing_allocation_of_one_source",
            ),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="billing_allocation_amount"),
            models.CheckConstraint(
                condition=Q(reversed_minor__gte=0) & Q(amount_minor__gte=F("reversed_minor")),
                name="billing_allocation_reversed_once",
            ),
            # What was meant for an invoice is put there once: a second settling of one payment cannot double it.
            models.UniqueConstraint(
                fields=("payment", "invoice"),
                condition=Q(from_credit=False, payment__isnull=False),
                name="billing_allocation_once_a_payment",
            ),
        )

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def still_live_minor(self) -> int:
        return self.amount_minor - self.reversed_minor


class RefundWay(models.TextChoices):
    STRIPE = "stripe", _("Through Stripe")
    BY_HAND = "by_hand", _("Given back by hand")


class RefundState(models.TextChoices):
    # Counted in the books already; undone if it fails.
    PENDING = "pending", _("On its way")
    SUCCEEDED = "succeeded", _("Refunded")
    FAILED = "failed", _("Failed")


class RefundQuerySet(RowQuerySet["Refund"]):
    def counting(self) -> "RefundQuerySet":
        return self.exclude(state=RefundState.FAILED)


class Refund(PracticeRow):
    """Money that went back. Through Stripe by the charge's id; by hand only for what was recorded by hand."""

    ref = RefField()
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="refunds")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    way = models.CharField(max_length=7, choices=RefundWay.choices)
    state = models.CharField(max_length=9, choices=RefundState.choices, default=RefundState.PENDING)
    reason = models.CharField(max_length=300, blank=True)
    note = models.CharField(max_length=500, blank=True)
    failure = models.CharField(max_length=300, blank=True)
    stripe_refund_id = models.CharField(max_length=64, blank=True)
    idempotency_key = models.CharField(max_length=64, blank=True)
    made_by = models.CharField(max_length=100, blank=True)
    press = models.CharField(max_length=43, blank=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    settled_at = models.DateTimeField(null=True)

    objects = RefundQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("payment", name="billing_refund_payment"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="billing_refund_amount"),
            models.CheckConstraint(condition=Q(state__in=RefundState.values), name="billing_refund_known_state"),
            models.CheckConstraint(
                condition=Q(way=RefundWay.STRIPE) | Q(way=RefundWay.BY_HAND, stripe_refund_id=""),
                name="billing_refund_by_stripe_or_hand",
            ),
            models.UniqueConstraint(
                fields=("practice", "stripe_refund_id"),
                condition=~Q(stripe_refund_id=""),
                name="billing_refund_one_an_id",
            ),
            models.UniqueConstraint(
                fields=("practice", "idempotency_key"),
                condition=~Q(idempotency_key=""),
                name="billing_refund_one_a_key",
            ),
            models.UniqueConstraint(
                fields=("practice", "press"), condition=~Q(press=""), name="billing_refund_one_a_press"
            ),
        )
        indexes = (
            models.Index(fields=("practice", "id"), condition=Q(state="pending"), name="billing_refunds_pending"),
        )

    def __str__(self) -> str:
        return self.ref


class DisputeState(models.TextChoices):
    OPEN = "open", _("Disputed")
    WON = "won", _("Won")
    LOST = "lost", _("Lost")


class Dispute(PracticeRow):
    """A charge that the card's owner disputes. Lost, the money is gone and the debt is back."""

    ref = RefField()
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="disputes")
    stripe_dispute_id = models.CharField(max_length=64)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=4, choices=DisputeState.choices, default=DisputeState.OPEN)
    reason = models.CharField(max_length=60, blank=True)
    opened_at = models.DateTimeField(default=clock.now)
    closed_at = models.DateTimeField(null=True)
    # What of it was taken out of the books when it was lost: refunded before, there is less left to lose.
    lost_minor = models.BigIntegerField(default=0)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("payment", name="billing_dispute_payment"),
            models.CheckConstraint(
                condition=Q(amount_minor__gt=0, lost_minor__gte=0) & Q(amount_minor__gte=F("lost_minor")),
                name="billing_dispute_amount",
            ),
            models.CheckConstraint(
                condition=Q(state=DisputeState.LOST) | Q(lost_minor=0), name="billing_dispute_takes_when_lost"
            ),
            models.UniqueConstraint(fields=("practice", "stripe_dispute_id"), name="billing_dispute_one_an_id"),
        )
        indexes = (models.Index(fields=("practice", "id"), condition=Q(state="open"), name="billing_open_disputes"),)

    def __str__(self) -> str:
        return self.ref


class CreditNote(PracticeRow):
    """What an invoice no longer asks for: it stays Paid after its money went back."""

    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="credit_notes")
    refund = models.ForeignKey(Refund, models.PROTECT, related_name="credit_notes")
    amount_minor = models.BigIntegerField()
    at = models.DateTimeField(default=clock.now, editable=False)
    # The refund failed later.
    undone_at = models.DateTimeField(null=True)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("invoice", name="billing_creditnote_invoice"),
            SamePractice("refund", name="billing_creditnote_refund"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="billing_creditnote_amount"),
            models.UniqueConstraint(fields=("refund", "invoice"), name="billing_creditnote_once_a_refund"),
        )

    def __str__(self) -> str:
        return str(self.pk)


class ReversalCause(models.TextChoices):
    REFUND = "refund", _("Refunded")
    DISPUTE = "dispute", _("Dispute lost")
    VOID = "void", _("Invoice voided")
    UNSHARED = "unshared", _("Invoice no longer shared")
    TAKEN_BACK = "taken_back", _("Taken back")


class Reversal(PracticeRow):
    """What was undone of an allocation, and why. A refund that fails is undone in its turn."""

    allocation = models.ForeignKey(Allocation, models.PROTECT, related_name="reversals")
    amount_minor = models.BigIntegerField()
    cause = models.CharField(max_length=10, choices=ReversalCause.choices)
    refund = models.ForeignKey(Refund, models.PROTECT, null=True, related_name="reversals")
    dispute = models.ForeignKey(Dispute, models.PROTECT, null=True, related_name="reversals")
    at = models.DateTimeField(default=clock.now, editable=False)
    undone_at = models.DateTimeField(null=True)

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("allocation", name="billing_reversal_allocation"),
            SamePractice("refund", name="billing_reversal_refund"),
            SamePractice("dispute", name="billing_reversal_dispute"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="billing_reversal_amount"),
            models.CheckConstraint(
                condition=Q(cause=ReversalCause.REFUND, refund__isnull=False, dispute=None)
                | Q(cause=ReversalCause.DISPUTE, refund=None, dispute__isnull=False)
                | (
                    Q(cause__in=(ReversalCause.VOID, ReversalCause.UNSHARED, ReversalCause.TAKEN_BACK))
                    & Q(refund=None, dispute=None)
                ),
                name="billing_reversal_named_cause",
            ),
        )

    def __str__(self) -> str:
        return str(self.pk)
