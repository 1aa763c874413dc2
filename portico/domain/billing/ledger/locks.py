"""A client's books held still: everything that changes them passes here, one after the other."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.db import transaction

from portico.domain.billing.models import STATES_IN_PROGRESS, AttemptInvoice, Invoice
from portico.domain.billing.refusals import BeingPaid, Processing
from portico.domain.clients.models import Client


@contextmanager
def lock_books(client: Client) -> Iterator[Client]:
    """A transaction that holds the client. Locks follow in one order: account before it, invoices by id after it,
    then attempt, then counter.
    """
    with transaction.atomic():
        yield Client.objects.locked().select_related("practice").get(pk=client.pk)


def invoice(client: Client, pk: int) -> Invoice:
    """One invoice of the held client, locked, as it stands now."""
    found = Invoice.objects.locked().get(pk=pk, client=client)
    found.client = client
    return found


def invoices(client: Client, pks: Iterable[int]) -> list[Invoice]:
    """Several of them, locked in the order of their ids."""
    found = list(Invoice.objects.locked().filter(client=client, pk__in=list(pks)).order_by("id"))
    for each in found:
        each.client = client
    return found


def refuse_while_paying(held: Invoice) -> None:
    """Raises Processing or BeingPaid while an attempt is open on the invoice."""
    open_on_it = AttemptInvoice.objects.filter(invoice=held, is_open=True)
    state = open_on_it.values_list("attempt__state", flat=True).first()
    if state in STATES_IN_PROGRESS:
        raise Processing
    if state is not None:
        raise BeingPaid
