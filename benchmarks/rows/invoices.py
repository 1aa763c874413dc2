"""Invoices of a practice with very many, made in bulk and the same at every run; most are paid."""

from collections.abc import Iterator
from datetime import timedelta

from django.db import connection
from django.db.models import Max

from benchmarks.rows import bulk_rows
from benchmarks.rows.bulk_rows import Value
from portico.domain.billing.ledger import practice_owed_total
from portico.domain.billing.models import (
    Allocation,
    Invoice,
    InvoiceCounter,
    InvoiceLine,
    Payment,
    ReceiptCounter,
)
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from tests import cast

TABLES = (Invoice, InvoiceLine, Payment, Allocation)
# Of a hundred invoices: the rest are paid.
DRAFTS, VOID, UNSHARED, OPEN = 2, 2, 2, 10
PAID_FROM = DRAFTS + VOID + UNSHARED + OPEN
# One client has this many, as the page of a person who has come for a year.
OF_ONE = 25
DAYS = 720
# The staged invoices, with owner, numbers, day, and where they fall in a hundred. The multipliers are those of
# random number generators, so that neighbors differ.
STAGED = """
CREATE TABLE bench_invoice AS
SELECT n, owner, lot, day,
    CASE WHEN lot >= {drafts} THEN {number} + sum(CASE WHEN lot >= {drafts} THEN 1 ELSE 0 END) OVER (ORDER BY n) END
        AS issued,
    {receipt} + sum(CASE WHEN lot >= {paid_from} THEN 1 ELSE 0 END) OVER (ORDER BY n) AS receipt
FROM (
    SELECT n, (n * 48271 % 2147483647) % 100 AS lot, (n * 69621 % 2147483647) % {days} AS day,
        {first} + CASE WHEN n <= {of_one} THEN {middle} ELSE (n * 40692 % 2147483399) % {count} END AS owner
    FROM bench_number
) AS drawn
"""


def fill(practice: Practice, count: int) -> Client:
    """Makes so many invoices, spread over the clients; returns the client who has OF_ONE of them or a few more.

    They are copies of an invoice that is paid as usual.
    """
    person = cast.client(practice, "Template", "Of Invoices")
    invoice = cast.bill(person)
    payment = cast.cash(person, invoice.total_minor, invoice=invoice)
    invoice.refresh_from_db()
    clients = Client.objects.filter(practice=practice, email_addresses__address__contains="@mail").order_by("id")
    first, all_clients = clients[1].pk, clients.count() - 1
    with (
        bulk_rows.fast_inserts(*TABLES),
        bulk_rows.staging_table("bench_number", "n bigint", ((number,) for number in range(1, count + 1))),
        bulk_rows.staging_table("bench_day", _day_columns(), _days(practice)),
    ):
        staged = STAGED.format(
            drafts=DRAFTS,
            paid_from=PAID_FROM,
            days=DAYS,
            of_one=OF_ONE,
            first=first,
            middle=all_clients // 2,
            count=all_clients,
            number=invoice.number,
            receipt=payment.number,
        )
        bulk_rows.execute(staged)
        _copy(invoice, payment)
        bulk_rows.execute("DROP TABLE bench_invoice")
    _count_on(InvoiceCounter, Invoice, practice)
    _count_on(ReceiptCounter, Payment, practice)
    # As the worker has done in a practice with so many.
    while practice_owed_total.include_changes():
        pass
    return Client.objects.get(pk=first + all_clients // 2)


def _count_on(
    counter: type[InvoiceCounter | ReceiptCounter], numbered: type[Invoice | Payment], practice: Practice
) -> None:
    highest = numbered._default_manager.filter(practice=practice).aggregate(highest=Max("number"))["highest"]
    counter._default_manager.filter(practice=practice).update(next_number=highest + 1)


def _copy(invoice: Invoice, payment: Payment) -> None:
    base = {model: f"{bulk_rows.highest_id(model)} + n" for model in TABLES}
    is_void, is_shared = f"lot >= {DRAFTS} AND lot < {DRAFTS + VOID}", f"lot >= {DRAFTS + VOID + UNSHARED}"
    columns = {
        "id": base[Invoice],
        "ref": bulk_rows.ref(invoice),
        "client_id": "owner",
        "number": "issued",
        "dated_on": "dated",
        "due_on": "due",
        "paid_minor": f"CASE WHEN lot >= {PAID_FROM} THEN template.paid_minor ELSE 0 END",
        "issued_at": f"CASE WHEN lot >= {DRAFTS} THEN template.issued_at END",
        "shared_at": f"CASE WHEN {is_shared} THEN template.shared_at END",
        "voided_at": f"CASE WHEN {is_void} THEN template.issued_at END",
        "void_reason": f"CASE WHEN {is_void} THEN 'A mistake' ELSE '' END",
    }
    source = "bench_invoice JOIN bench_day USING (day)"
    bulk_rows.multiply(invoice, source, columns)
    bulk_rows.multiply(invoice.lines.get(), "bench_invoice", {"invoice_id": base[Invoice]})
    paid = f"(SELECT * FROM {source} WHERE lot >= {PAID_FROM}) AS paid"
    of_payment = {"id": base[Payment], "ref": bulk_rows.ref(payment), "client_id": "owner", "number": "receipt"}
    bulk_rows.multiply(payment, paid, {**of_payment, "received_on": "dated"})
    of_allocation = {"invoice_id": base[Invoice], "payment_id": base[Payment]}
    bulk_rows.multiply(payment.allocations.get(), paid, of_allocation)


def _day_columns() -> str:
    kind = "date" if connection.vendor == "postgresql" else "text"
    return f"day integer, dated {kind}, due {kind}"


def _days(practice: Practice) -> Iterator[tuple[Value, ...]]:
    today = clock.today(practice.time_zone)
    for age in range(DAYS):
        dated = today - timedelta(days=age)
        yield age, dated.isoformat(), (dated + timedelta(days=30)).isoformat()
