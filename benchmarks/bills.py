"""The list of invoices at the size of a very large practice: each chip, pages far on, searches, sums, one client."""

import random
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from itertools import batched

from django.db import transaction

from benchmarks.lookups import LookUp
from portico.domain.billing.invoices import invoice_list
from portico.domain.billing.invoices.invoice_list import ListQuery, StatusFilter
from portico.domain.billing.ledger import balances, reports
from portico.domain.billing.models import (
    Allocation,
    Invoice,
    InvoiceCounter,
    InvoiceLine,
    Payment,
    PaymentKind,
    ReceiptCounter,
)
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import clock

BATCH = 4_000
# Of a hundred invoices: the rest are paid.
DRAFTS, VOID, UNSHARED, OPEN = 2, 2, 2, 10
# One client has this many, as the page of a person who has come for a year.
OF_ONE = 25


def fill(practice: Practice, count: int) -> Client:
    """So many invoices, spread over the clients; gives the one who has OF_ONE of them."""
    draw = random.Random(5)
    clients = list(Client.objects.filter(practice=practice).order_by("id"))
    one = clients[len(clients) // 2]
    owners = (one if number < OF_ONE else draw.choice(clients) for number in range(count))
    number = 0
    for batch in batched(owners, BATCH, strict=False):
        with transaction.atomic():
            number = _write(practice, batch, draw, number)
    for counter in (InvoiceCounter, ReceiptCounter):
        counter.objects.update_or_create(practice=practice, defaults={"next_number": number + 1})
    return one


def _write(practice: Practice, owners: tuple[Client, ...], draw: random.Random, number: int) -> int:
    now, today = clock.now(), clock.today(practice.time_zone)
    invoices = []
    for owner in owners:
        lot, age = draw.randrange(100), draw.randrange(720)
        is_draft, is_void = lot < DRAFTS, DRAFTS <= lot < DRAFTS + VOID
        is_open = DRAFTS + VOID <= lot < DRAFTS + VOID + UNSHARED + OPEN
        number += not is_draft
        invoices.append(
            Invoice(
                practice=practice,
                client=owner,
                number=None if is_draft else number,
                dated_on=today - timedelta(days=age),
                due_on=today - timedelta(days=age - 30),
                currency=practice.currency,
                total_minor=14_000,
                paid_minor=0 if is_draft or is_void or is_open else 14_000,
                issued_at=None if is_draft else now,
                shared_at=None if is_draft or lot < DRAFTS + VOID + UNSHARED else now,
                voided_at=now if is_void else None,
                void_reason="A mistake" if is_void else "",
            )
        )
    made = Invoice.objects.bulk_create(invoices)
    InvoiceLine.objects.bulk_create(
        InvoiceLine(practice=practice, invoice=invoice, position=1, label="Session", unit_minor=14_000)
        for invoice in made
    )
    _pay(practice, [invoice for invoice in made if invoice.paid_minor])
    return number


def _pay(practice: Practice, paid: list[Invoice]) -> None:
    today = clock.today(practice.time_zone)
    payments = Payment.objects.bulk_create(
        Payment(
            practice=practice,
            client=invoice.client,
            kind=PaymentKind.CASH,
            amount_minor=14_000,
            allocated_minor=14_000,
            currency=practice.currency,
            received_on=min(invoice.dated_on, today),
            number=invoice.number or 0,
        )
        for invoice in paid
    )
    Allocation.objects.bulk_create(
        Allocation(practice=practice, invoice=invoice, payment=payment, amount_minor=14_000)
        for invoice, payment in zip(paid, payments, strict=True)
    )


def look_ups(practice: Practice, one: Client) -> Iterator[LookUp]:
    """Each way to look at the invoices; what adds up all that is owed works for each that is."""
    rows = Invoice.objects.filter(practice=practice)
    middle = rows.order_by("id")[rows.count() // 2].ref
    owing = 2 * rows.outstanding().count()
    for show in StatusFilter:
        name = show.value or "all"
        yield LookUp(f"invoices, {name}", partial(invoice_list.page, practice, ListQuery(show)))
        yield LookUp(
            f"invoices, {name}, a page far on", partial(invoice_list.page, practice, ListQuery(show, before=middle))
        )
    yield LookUp("invoices, the numbers on the chips", partial(invoice_list.counts, practice))
    yield LookUp("invoices, by number", partial(invoice_list.page, practice, ListQuery(query="1042")))
    yield LookUp("invoices, by client", partial(invoice_list.page, practice, ListQuery(query=one.name)))
    yield LookUp("invoices, still to pay in all", partial(invoice_list.open_total_minor, practice), owing)
    yield LookUp("the figures", partial(reports.totals_of, practice), 4 * rows.count())
    yield LookUp("one client's balance", partial(balances.office_account, one))
