"""Amounts due: the unpaid shared bills of each client of a portal account."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Min, Sum

from portico.domain.billing.models import Invoice
from portico.domain.clients.models import Client


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


def amounts_due_of(clients: Iterable[Client]) -> dict[int, AmountDue]:
    """Returns the amounts due by client id, in one query. Clients with nothing to pay are missing."""
    rows = Invoice.objects.filter(client__in=[client.pk for client in clients]).shared().not_processing()
    found = rows.values("client").annotate(
        number_of=Count("pk"), open_sum=Sum("open_minor"), next_due=Min("due_on"), first=Min("number")
    )
    return {
        row["client"]: AmountDue(row["number_of"], row["open_sum"], row["next_due"], row["first"])
        for row in found.order_by()
    }
