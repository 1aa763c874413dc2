"""Locks on a client's books: every operation that changes them takes these, so that they run one at a time."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.db import transaction

from portico.domain.access import access_locks
from portico.domain.billing.models import STATES_IN_PROGRESS, AttemptInvoice, Invoice
from portico.domain.billing.refusals import BeingPaid, Processing
from portico.domain.clients import client_details
from portico.domain.clients.models import Client


@contextmanager
def lock_books(client: Client, *, with_account: bool = False) -> Iterator[Client]:
    """Opens a transaction and locks the client in it; before that its accounts, if mails with a link may be written.

    Locks are always taken in this order: accounts, client, invoices by id, attempt, counter.
    """
    with transaction.atomic():
        if with_account:
            access_locks.lock_accounts(client)
        yield client_details.lock(client)


def lock_invoice(client: Client, pk: int) -> Invoice:
    """Locks and returns the current row of an invoice of the locked client."""
    found = Invoice.objects.locked().get(pk=pk, client=client)
    found.client = client
    return found


def lock_invoices(client: Client, pks: Iterable[int]) -> list[Invoice]:
    """Locks and returns several invoices of the locked client, in the order of their ids."""
    found = list(Invoice.objects.locked().filter(client=client, pk__in=list(pks)).order_by("id"))
    for each in found:
        each.client = client
    return found


def refuse_while_paying(invoice: Invoice) -> None:
    """Raises Processing or BeingPaid while an attempt is open on the invoice."""
    open_attempts = AttemptInvoice.objects.filter(invoice=invoice, is_open=True)
    state = open_attempts.values_list("attempt__state", flat=True).first()
    if state in STATES_IN_PROGRESS:
        raise Processing
    if state is not None:
        raise BeingPaid
