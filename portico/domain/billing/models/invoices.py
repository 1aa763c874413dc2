"""Invoices, their lines, and the counter of invoice numbers."""

from datetime import date

from django.apps import apps
from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Q, Subquery, Sum, Value, When
from django.db.models.functions import Cast, Coalesce
from django.utils.translation import gettext_lazy as _

from portico.domain.billing.account_sums import Sums
from portico.domain.billing.models.attempt_states import STATES_IN_PROGRESS
from portico.domain.billing.models.service_items import ServiceItem
from portico.domain.clients.models import Client
from portico.plumbing import clock
from portico.plumbing.database.base_models import PracticeRow, RefField, RowQuerySet
from portico.plumbing.database.constraints import SamePractice


class InvoiceKind(models.TextChoices):
    CHARGES = "charges", _("Invoice")
    # The balance owed before the practice started to use Portico.
    OPENING = "opening", _("Balance brought forward")


class InvoiceStatus(models.TextChoices):
    """The status of an invoice. Computed and never stored: it changes at midnight and when an attempt ends."""

    DRAFT = "draft", _("Draft")
    UNPAID = "unpaid", _("Unpaid")
    PAST_DUE = "past_due", _("Past due")
    PROCESSING = "processing", _("Processing")
    PAID = "paid", _("Paid")
    VOID = "void", _("Void")


# The amount that the client owes on an invoice; NULL for a draft or a void invoice.
OWED = Case(When(issued_at__isnull=False, voided_at=None, then=F("open_minor")), default=None)
# Where `totaled_minor` is not OWED. A generated column may not use another one: what is open is written out.
_IS_UNCHANGED = Q(totaled_minor=F("total_minor") - F("paid_minor") - F("credited_minor"))
_NOT_TOTALED = (Q(issued_at__isnull=False, voided_at=None) & ~_IS_UNCHANGED) | Q(
    voided_at__isnull=False, totaled_minor__isnull=False
)


class InvoiceQuerySet(RowQuerySet["Invoice"]):
    def drafts(self) -> "InvoiceQuerySet":
        return self.filter(issued_at=None)

    def issued(self) -> "InvoiceQuerySet":
        """Issued invoices, including void ones."""
        return self.filter(issued_at__isnull=False)

    def valid(self) -> "InvoiceQuerySet":
        """Issued invoices that are not void: the ones that count in the books."""
        return self.filter(issued_at__isnull=False, voided_at=None)

    def shared(self) -> "InvoiceQuerySet":
        return self.filter(shared_at__isnull=False)

    def unshared(self) -> "InvoiceQuerySet":
        """Valid invoices that the client does not see."""
        return self.valid().filter(shared_at=None)

    def outstanding(self) -> "InvoiceQuerySet":
        """Valid invoices with an amount still to pay."""
        return self.valid().filter(open_minor__gt=0)

    def settled(self) -> "InvoiceQuerySet":
        return self.valid().filter(open_minor=0)

    def not_totaled(self) -> "InvoiceQuerySet":
        """Invoices of which another amount is owed than `OwedTotal` includes."""
        return self.filter(is_totaled=False)

    def payable(self) -> "InvoiceQuerySet":
        """Invoices that a client may pay: shared, outstanding, and without an open attempt."""
        return self.outstanding().shared().exclude(Exists(_open_attempts()))

    def processing(self) -> "InvoiceQuerySet":
        """Outstanding invoices with an attempt for which money may have moved."""
        # There are few open attempts: the invoices are found from them.
        open_attempts = _related_rows("AttemptInvoice", is_open=True, attempt__state__in=STATES_IN_PROGRESS)
        return self.outstanding().filter(pk__in=open_attempts.values("invoice"))

    def not_processing(self) -> "InvoiceQuerySet":
        return self.outstanding().exclude(Exists(_open_attempts(moving=True)))

    def undisputed(self) -> "InvoiceQuerySet":
        """Excludes invoices paid by a card payment that is disputed, or was lost in a dispute."""
        disputes = _related_rows("Dispute", payment__allocations__invoice=OuterRef("pk")).exclude(state="won")
        return self.exclude(Exists(disputes))

    def with_attempts(self) -> "InvoiceQuerySet":
        """Annotates what `is_processing` and `status_on` need."""
        return self.annotate(moving=Exists(_open_attempts(moving=True)))

    def with_sums(self) -> "InvoiceQuerySet":
        """Annotates what `sums` needs: the part of `paid_minor` that is credit, and the amount lost in disputes."""
        credit = _related_rows("Allocation", invoice=OuterRef("pk"), credit__isnull=False)
        lost = _related_rows("Reversal", allocation__invoice=OuterRef("pk"), cause="dispute", undone_at=None)
        return self.annotate(credit_put=_sum_of(credit, "live_minor"), lost=_sum_of(lost, "amount_minor"))


# Models are looked up by name: their modules import this one.


def _open_attempts(*, moving: bool = False) -> models.QuerySet[models.Model]:
    rows = _related_rows("AttemptInvoice", invoice_id=OuterRef("pk"), is_open=True)
    return rows.filter(attempt__state__in=STATES_IN_PROGRESS) if moving else rows


def _related_rows(model: str, **conditions: object) -> models.QuerySet[models.Model]:
    rows: models.QuerySet[models.Model] = apps.get_model("billing", model)._default_manager.filter(**conditions)
    return rows


def _sum_of(rows: models.QuerySet[models.Model], column: str) -> Coalesce:
    sums = rows.order_by().values(_all=Value(1)).annotate(sum_of=Sum(column)).values("sum_of")
    # PostgreSQL's sum of a bigint column is numeric.
    return Coalesce(Cast(Subquery(sums), models.BigIntegerField()), Value(0))


class Invoice(PracticeRow):
    """An invoice. A draft can be edited; an issued invoice can only be shared, paid or voided.

    `paid_minor` and `credited_minor` are written only by `ledger.allocation`, in the transaction that changes them.
    """

    ref = RefField()
    client = models.ForeignKey(Client, models.PROTECT, related_name="invoices")
    kind = models.CharField(max_length=8, choices=InvoiceKind.choices, default=InvoiceKind.CHARGES)
    # Assigned when it is issued, without gaps; a void invoice keeps it.
    number = models.PositiveIntegerField(null=True)
    dated_on = models.DateField()
    # None if it never becomes past due.
    due_on = models.DateField(null=True, blank=True)
    currency = models.CharField(max_length=3)
    note = models.TextField(max_length=1000, blank=True)
    total_minor = models.BigIntegerField(default=0)
    paid_minor = models.BigIntegerField(default=0)
    credited_minor = models.BigIntegerField(default=0)
    open_minor = models.GeneratedField(
        expression=F("total_minor") - F("paid_minor") - F("credited_minor"),
        output_field=models.BigIntegerField(),
        db_persist=True,
    )
    # The amount owed that `OwedTotal` includes, NULL for nothing; written only by `ledger.practice_owed_total`.
    totaled_minor = models.BigIntegerField(null=True, editable=False)
    # A column, since PostgreSQL knows how few rows have False; of the condition itself it expects nearly all.
    is_totaled = models.GeneratedField(
        expression=Case(When(_NOT_TOTALED, then=False), default=True),
        output_field=models.BooleanField(),
        db_persist=True,
    )
    issued_at = models.DateTimeField(null=True)
    shared_at = models.DateTimeField(null=True)
    voided_at = models.DateTimeField(null=True)
    void_reason = models.CharField(max_length=300, blank=True)
    # The void invoice that this one replaces.
    replaces = models.OneToOneField("self", models.PROTECT, null=True, related_name="replaced_by")
    # The raw form input of a draft that is not valid yet; cleared when the draft is saved.
    typed = models.JSONField(null=True, blank=True)
    # The random key of the form that created it, so that submitting it twice creates one invoice.
    form_key = models.CharField(max_length=43, blank=True, editable=False)
    version = models.PositiveIntegerField(default=1)
    created_by = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    changed_at = models.DateTimeField(default=clock.now, editable=False)

    objects = InvoiceQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("client", name="billing_invoice_client"),
            SamePractice("replaces", name="billing_invoice_replaces"),
            models.UniqueConstraint(fields=("practice", "number"), name="billing_invoice_one_a_number"),
            models.UniqueConstraint(
                fields=("practice", "form_key"), condition=~Q(form_key=""), name="billing_invoice_one_per_form_key"
            ),
            models.CheckConstraint(
                condition=Q(issued_at__isnull=True, number__isnull=True)
                | Q(issued_at__isnull=False, number__isnull=False, number__gt=0, total_minor__gt=0),
                name="billing_invoice_numbered_when_issued",
            ),
            models.CheckConstraint(
                condition=Q(issued_at__isnull=False) | Q(shared_at=None, voided_at=None, paid_minor=0),
                name="billing_invoice_issued_before_all_else",
            ),
            models.CheckConstraint(
                condition=Q(voided_at=None, void_reason="") | (Q(voided_at__isnull=False) & ~Q(void_reason="")),
                name="billing_invoice_void_with_reason",
            ),
            models.CheckConstraint(
                condition=Q(paid_minor__gte=0, credited_minor__gte=0)
                & Q(total_minor__gte=F("paid_minor") + F("credited_minor")),
                name="billing_invoice_never_overpaid",
            ),
            models.CheckConstraint(
                condition=Q(due_on=None) | Q(due_on__gte=F("dated_on")), name="billing_invoice_due_after_date"
            ),
        )
        indexes = (
            models.Index(fields=("practice", "-id"), name="billing_invoices_newest"),
            models.Index(fields=("client", "-id"), name="billing_invoices_of_client"),
            models.Index(
                fields=("practice", "due_on", "id"),
                condition=Q(issued_at__isnull=False, voided_at=None, open_minor__gt=0),
                name="billing_invoices_owing",
            ),
            # Of all practices: the automatic reminders of a day.
            models.Index(
                fields=("due_on", "id"),
                condition=Q(issued_at__isnull=False, voided_at=None, open_minor__gt=0),
                name="billing_owing_by_due_date",
            ),
            models.Index(fields=("practice", "-id"), condition=Q(issued_at=None), name="billing_drafts_newest"),
            models.Index(fields=("practice", "-id"), condition=Q(voided_at__isnull=False), name="billing_void_newest"),
            models.Index(
                fields=("practice", "-id"),
                condition=Q(issued_at__isnull=False, voided_at=None, open_minor=0),
                name="billing_paid_newest",
            ),
            models.Index(
                fields=("practice", "id"),
                condition=Q(issued_at__isnull=False, voided_at=None, shared_at=None),
                name="billing_unshared",
            ),
            models.Index(fields=("practice", "id"), condition=Q(is_totaled=False), name="billing_not_totaled"),
            # The reports' sums by month are read from it alone. Its condition is that of no other index: of two that
            # fit, SQLite takes the one that was created last.
            models.Index(
                fields=("practice", "dated_on", "total_minor", "issued_at", "voided_at"),
                condition=Q(issued_at__isnull=False),
                name="billing_invoiced_by_day",
            ),
        )

    def __str__(self) -> str:
        return self.ref

    @property
    def is_draft(self) -> bool:
        return self.issued_at is None

    @property
    def is_void(self) -> bool:
        return self.voided_at is not None

    @property
    def is_shared(self) -> bool:
        return self.shared_at is not None

    @property
    def still_open_minor(self) -> int:
        """The amount left to pay, computed from the columns in memory."""
        return self.total_minor - self.paid_minor - self.credited_minor

    @property
    def owed_minor(self) -> int:
        """The amount its client owes on it; 0 for a draft or a void invoice."""
        return 0 if self.is_draft or self.is_void else self.still_open_minor

    @property
    def is_paid(self) -> bool:
        return not self.is_draft and not self.is_void and self.still_open_minor == 0

    @property
    def is_partly_paid(self) -> bool:
        return 0 < self.owed_minor < self.total_minor

    @property
    def sums(self) -> Sums:
        """The part of the client's sums that belongs to this invoice. Needs the row from `with_sums`.

        Drafts and void invoices are not invoiced. Money that paid the invoice and was refunded or lost later counts.
        """
        credit, lost = int(self.__dict__["credit_put"]), int(self.__dict__["lost"])
        counts = not self.is_draft and not self.is_void
        return Sums(
            invoiced_minor=self.total_minor if counts else 0,
            # A credit note has exactly the amount by which a refund reduces the invoice.
            paid_minor=self.paid_minor - credit + self.credited_minor + lost,
            refunded_minor=self.credited_minor,
            adjusted_minor=lost - credit - (self.credited_minor if counts else 0),
        )

    @property
    def is_processing(self) -> bool:
        """True if money may have moved for it. Needs the row from `with_attempts`."""
        return bool(self.__dict__["moving"])

    def status_on(self, today: date) -> InvoiceStatus:
        """Returns its status on a day in the practice's time zone. Needs the row from `with_attempts`."""
        if self.is_draft:
            return InvoiceStatus.DRAFT
        if self.is_void:
            return InvoiceStatus.VOID
        if self.is_paid:
            return InvoiceStatus.PAID
        if self.is_processing:
            return InvoiceStatus.PROCESSING
        is_past_due = self.due_on is not None and self.due_on < today
        return InvoiceStatus.PAST_DUE if is_past_due else InvoiceStatus.UNPAID


class InvoiceLine(PracticeRow):
    """An invoice line. Quantities are whole, so that nothing is rounded. A line may be negative, the total may not."""

    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="lines")
    position = models.PositiveSmallIntegerField()
    item = models.ForeignKey(ServiceItem, models.PROTECT, null=True, blank=True, related_name="+")
    given_on = models.DateField(null=True, blank=True)
    label = models.CharField(max_length=150)
    quantity = models.PositiveIntegerField(default=1)
    unit_minor = models.BigIntegerField()
    amount_minor = models.GeneratedField(
        expression=F("quantity") * F("unit_minor"), output_field=models.BigIntegerField(), db_persist=True
    )

    objects = RowQuerySet.as_manager()

    class Meta(PracticeRow.Meta):
        constraints = (
            *PracticeRow.Meta.constraints,
            SamePractice("invoice", name="billing_invoiceline_invoice"),
            SamePractice("item", name="billing_invoiceline_item"),
            models.UniqueConstraint(fields=("invoice", "position"), name="billing_invoiceline_one_a_position"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="billing_invoiceline_quantity"),
        )

    def __str__(self) -> str:
        return str(self.pk)
