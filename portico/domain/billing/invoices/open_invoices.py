"""A client's open invoices, to which a payment that is recorded by hand can be applied."""

from collections.abc import Collection

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


def named(client: Client, refs: Collection[str], *, listed: Collection[Invoice]) -> list[Invoice]:
    """Returns those of the client's invoices that have one of the refs and are not listed, open or not.

    A form that is sent again names invoices that are no longer open: the first time, it paid them.
    """
    others = set(refs) - {invoice.ref for invoice in listed}
    found = list(Invoice.objects.filter(client=client, ref__in=others).order_by("id")) if others else []
    for invoice in found:
        invoice.client, invoice.practice = client, client.practice
    return found


@CompiledQuery
def _of_client(client: Parameter) -> QuerySet[Invoice]:
    rows = Invoice.objects.filter(client=client).not_processing()
    return rows.order_by(F("due_on").asc(nulls_last=True), "id")[:MAX_LISTED]
