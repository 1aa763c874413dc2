"""What waits to be paid, for each of the clients that a mailbox sees."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Min, Sum

from portico.domain.billing.models import Invoice
from portico.domain.clients.models import Client


@dataclass(frozen=True)
class AmountDue:
    """Shared bills that are to pay and not Processing; minor units. `next_due_on` is the earliest, None for never."""

    number: int
    open_minor: int
    next_due_on: date | None
    # Of the oldest; the only one's when there is one.
    first_number: int


def amounts_due_of(clients: Iterable[Client]) -> dict[int, AmountDue]:
    """By the client's id, in one query; who has nothing to pay is missing."""
    rows = Invoice.objects.filter(client__in=[client.pk for client in clients]).shared().not_processing()
    found = rows.values("client").annotate(
        number_of=Count("pk"), open_sum=Sum("open_minor"), next_due=Min("due_on"), first=Min("number")
    )
    return {
        row["client"]: AmountDue(row["number_of"], row["open_sum"], row["next_due"], row["first"])
        for row in found.order_by()
    }
