"""A client's open invoices, to which a payment that is recorded by hand can be applied."""

from django.db.models import F, QuerySet

from portico.domain.billing.models import Invoice
from portico.domain.clients.models import Client
from portico.plumbing.database.compiled import CompiledQuery, Parameter

MAX_LISTED = 25


def of_client(client: Client) -> list[Invoice]:
    """Returns the invoices with a balance due that are not Processing, oldest due first, at most MAX_LISTED."""
    found = _of_client.rows(client=client.pk)
    for invoice in found:
        invoice.client, invoice.practice = client, client.practice
    return found


@CompiledQuery
def _of_client(client: Parameter) -> QuerySet[Invoice]:
    rows = Invoice.objects.filter(client=client).not_processing()
    return rows.order_by(F("due_on").asc(nulls_last=True), "id")[:MAX_LISTED]
