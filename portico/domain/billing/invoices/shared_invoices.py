"""A client's shared invoices with the payments allocated to them, as the portal lists and shows them."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date
from itertools import groupby
from operator import attrgetter
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from portico.domain.billing.models import Allocation, Invoice, InvoiceLine, Refund
from portico.domain.clients.models import Client
from portico.plumbing.database import keyset_pagination
from portico.plumbing.database.compiled import CompiledQuery, Parameter

# Per section of the list. The totals cover the rest, and the page says so.
MAX_UNPAID = 100
PAGE_SIZE = 25
_LISTED_COLUMNS = (
    *("ref", "number", "currency", "due_on", "issued_at", "voided_at"),
    *("total_minor", "paid_minor", "credited_minor"),
)


@dataclass(slots=True)
class InvoicePayment:
    """A payment of an invoice, with what the portal shows of it; a page may hide its card."""

    id: int
    ref: str
    kind: str
    number: int
    received_on: date
    check_number: str
    account_id: int | None
    card_brand: str
    card_last4: str


_PAYMENT_FIELDS = tuple(field.name for field in fields(InvoicePayment))
# The same, as they are annotated to an invoice.
_PAYMENT_COLUMNS = tuple(f"payment_{name}" for name in _PAYMENT_FIELDS)


@dataclass(frozen=True)
class SharedInvoice:
    """An invoice, from `with_attempts` and `with_sums`, and the payments that paid it, in the order of allocation."""

    invoice: Invoice
    payments: tuple[InvoicePayment, ...]


@dataclass(frozen=True)
class SharedInvoices:
    """The first invoices to pay, oldest due first; those Processing; and a page of paid ones, newest first.

    `next_before` is the ref after which the next page begins; empty on the last page.
    """

    to_pay: list[SharedInvoice]
    processing: list[SharedInvoice]
    paid: list[SharedInvoice]
    next_before: str
    is_later_page: bool


def list_for(client: Client, *, before: str = "") -> SharedInvoices:
    """Returns the client's shared invoices; the paid ones after the one with the ref `before`."""
    after = keyset_pagination.position_of(client.invoices.all(), before)
    rows = _listed.rows(client=client.pk, before=keyset_pagination.AT_THE_TOP if after is None else after)
    found = _grouped(rows)
    owing = [each for each in found if not each.invoice.is_paid]
    paid = [each for each in found if each.invoice.is_paid]
    page = keyset_pagination.page_of([each.invoice for each in paid], is_first=after is None, size=PAGE_SIZE)
    return SharedInvoices(
        to_pay=sorted((each for each in owing if not each.invoice.is_processing), key=_oldest_due_first),
        processing=[each for each in owing if each.invoice.is_processing],
        paid=paid[:PAGE_SIZE],
        next_before=page.next_ref,
        is_later_page=not page.is_first,
    )


def find(client: Client, ref: str) -> SharedInvoice | None:
    """Returns a shared invoice of the client, if it is one."""
    return next(iter(_grouped(_by_ref.rows(client=client.pk, ref=ref))), None)


def lines_of(invoice: Invoice) -> list[InvoiceLine]:
    """Returns the lines in their order."""
    return _lines.rows(invoice=invoice.pk)


def refunds_of(invoice: Invoice) -> list[Refund]:
    """Returns the refunds by which less is owed on the invoice, oldest first."""
    return _refunds.rows(invoice=invoice.pk) if invoice.credited_minor else []


@CompiledQuery
def _lines(invoice: Parameter) -> QuerySet[InvoiceLine]:
    return InvoiceLine.objects.filter(invoice=invoice).order_by("position")


@CompiledQuery
def _refunds(invoice: Parameter) -> QuerySet[Refund]:
    reducing = Refund.objects.filter(credit_notes__invoice=invoice, credit_notes__undone_at=None)
    return reducing.not_failed().order_by("id")


@CompiledQuery
def _listed(client: Parameter, before: Parameter) -> QuerySet[Invoice]:
    shared = Invoice.objects.filter(client=client).shared()
    sections = (
        shared.not_processing().order_by("due_on", "id")[:MAX_UNPAID],
        shared.processing().order_by("-id")[:MAX_UNPAID],
        # One more, if there is a next page.
        shared.settled().filter(pk__lt=before).order_by("-id")[: PAGE_SIZE + 1],
    )
    listed = Q()
    for section in sections:
        listed |= Q(pk__in=section.values("pk"))
    return _with_payments(shared.filter(listed).only(*_LISTED_COLUMNS))


@CompiledQuery
def _by_ref(client: Parameter, ref: Parameter) -> QuerySet[Invoice]:
    return _with_payments(Invoice.objects.filter(client=client, ref=ref).shared())


def _with_payments(invoices: Any) -> QuerySet[Invoice]:  # Any: an InvoiceQuerySet.
    """Returns a row for each allocation of an invoice, newest invoice first, with the columns of its payment."""
    paying = Allocation.objects.paying().filter(pk=OuterRef("allocations__pk"))
    columns = {
        column: F(f"allocations__payment__{name}")
        for column, name in zip(_PAYMENT_COLUMNS, _PAYMENT_FIELDS, strict=True)
    }
    rows = invoices.with_attempts().with_sums().annotate(is_paying=Exists(paying), **columns)
    ordered: QuerySet[Invoice] = rows.order_by("-id", "allocations__id")
    return ordered


def _grouped(rows: Iterable[Invoice]) -> list[SharedInvoice]:
    found = []
    for _pk, allocations in groupby(rows, key=attrgetter("pk")):
        each = list(allocations)
        # Without a payment, the allocation is of a credit.
        paying = (row for row in map(vars, each) if row["is_paying"] and row["payment_id"] is not None)
        payments = tuple(InvoicePayment(*[row[name] for name in _PAYMENT_COLUMNS]) for row in paying)
        found.append(SharedInvoice(each[0], payments))
    return found


def _oldest_due_first(each: SharedInvoice) -> tuple[bool, object, int]:
    return each.invoice.due_on is None, each.invoice.due_on, each.invoice.pk
