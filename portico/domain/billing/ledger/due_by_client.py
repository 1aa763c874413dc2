"""Amounts due: the unpaid shared bills of each client of a portal account."""

from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Min, QuerySet, Sum

from portico.domain.access.models import PortalAccess, PortalAccount
from portico.domain.billing.models import Invoice
from portico.domain.billing.models.invoices import InvoiceQuerySet
from portico.domain.clients.models import Client
from portico.plumbing.database.compiled import CompiledQuery, Parameter


@dataclass(frozen=True)
class AmountDue:
    """A client's unpaid shared bills that are not Processing.

    `open_minor` is in minor units. `next_due_on` is the earliest due date, None if no bill has one. `first_number` is
    the number of the oldest bill.
    """

    number: int
    open_minor: int
    next_due_on: date | None
    first_number: int


def amounts_due_of(account: PortalAccount) -> dict[int, AmountDue]:
    """Returns the amounts due of the account's clients by id, in one query. Clients with nothing to pay are missing."""
    found = _by_client.rows(account=account.pk)
    return {client: AmountDue(number, minor, due_on, first) for client, number, minor, due_on, first in found}


def amount_due_of(client: Client) -> AmountDue | None:
    """Returns the client's amount due, whether access is on or not; None if there is nothing to pay."""
    rows = _with_sums(Invoice.objects.filter(client=client))
    return next((AmountDue(number, minor, due_on, first) for _pk, number, minor, due_on, first in rows), None)


@CompiledQuery
def _by_client(account: Parameter) -> QuerySet[Invoice, tuple[int, int, int, date | None, int]]:
    opened = PortalAccess.objects.filter(account=account)
    return _with_sums(Invoice.objects.filter(client__in=opened.values("client")))


def _with_sums(invoices: InvoiceQuerySet) -> QuerySet[Invoice, tuple[int, int, int, date | None, int]]:
    rows = invoices.shared().not_processing().order_by()
    return (
        rows.values("client")
        .annotate(number_of=Count("pk"), open_sum=Sum("open_minor"), next_due=Min("due_on"), first=Min("number"))
        .values_list("client", "number_of", "open_sum", "next_due", "first")
    )
