"""Allocations of payments and credits to invoices, their reversals, and credit notes."""

from django.db import models
from django.db.models import F, Q, Sum
from django.utils.translation import gettext_lazy as _

from portico.domain.billing.models.credits import Credit
from portico.domain.billing.models.disputes import Dispute
from portico.domain.billing.models.invoices import Invoice
from portico.domain.billing.models.payments import Payment
from portico.domain.billing.models.refunds import Refund
from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RowQuerySet
from portico.plumbing.database.constraints import SamePractice

# The causes of reversals that cancel an allocation, as if it had never been made.
CANCELLING_CAUSES = ("void", "unshared", "taken_back")


class AllocationQuerySet(RowQuerySet["Allocation"]):
    def live(self) -> "AllocationQuerySet":
        return self.filter(live_minor__gt=0)

    def paying(self) -> "AllocationQuerySet":
        """Allocations that paid the invoice, annotated with `put_minor` and its part `lost_minor`, lost in disputes.

        Amounts that were refunded or lost later count; amounts reversed because the invoice was voided or unshared, or
        the source taken back, do not.
        """
        in_force = Q(reversals__undone_at=None)
        canceled = Sum(
            "reversals__amount_minor", filter=in_force & Q(reversals__cause__in=CANCELLING_CAUSES), default=0
        )
        lost = Sum("reversals__amount_minor", filter=in_force & Q(reversals__cause="dispute"), default=0)
        return self.annotate(put=F("amount_minor") - canceled, lost=lost).filter(put__gt=0)


class Allocation(PracticeRow):
    """Part of a payment or credit allocated to an invoice. Its amount never changes; reversals reduce it."""

    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="allocations")
    payment = models.ForeignKey(Payment, models.PROTECT, null=True, related_name="allocations")
    credit = models.ForeignKey(Credit, models.PROTECT, null=True, related_name="allocations")
    amount_minor = models.BigIntegerField()
    # True if it came from unused credit, not from a payment for this invoice: unsharing releases it.
    from_credit = models.BooleanField(default=False)
    # Written only by `ledger.allocation`.
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
            # A payment is allocated to the invoice it is for only once: settling it twice cannot double the amount.
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

    @property
    def put_minor(self) -> int:
        """The amount it paid of the invoice, even if refunded or lost since. Needs the row from `paying`."""
        return int(self.__dict__["put"])

    @property
    def lost_minor(self) -> int:
        """The part of `put_minor` that was lost in disputes. Needs the row from `paying`."""
        return int(self.__dict__["lost"])


class CreditNote(PracticeRow):
    """An amount no longer owed on an invoice, so that it stays Paid after a refund."""

    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="credit_notes")
    refund = models.ForeignKey(Refund, models.PROTECT, related_name="credit_notes")
    amount_minor = models.BigIntegerField()
    at = models.DateTimeField(default=clock.now, editable=False)
    # Set when the refund failed later.
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
    TAKEN_BACK = "taken_back", _("Voided")


class Reversal(PracticeRow):
    """A reduction of an allocation, with its cause. `undone_at` is set if the refund behind it fails."""

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
