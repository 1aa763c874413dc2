"""Gapless invoice and receipt numbers: taken at the end of an operation, and released if it is rolled back."""

from portico.domain.billing.models import InvoiceCounter, ReceiptCounter
from portico.domain.practices.models import Practice


def next_invoice_number(practice: Practice) -> int:
    """Takes the next invoice number. Locks the counter: other transactions that need a number wait for this one."""
    return _next(InvoiceCounter, practice)


def next_receipt_number(practice: Practice) -> int:
    """Takes the next number for the receipt of a payment, under the same kind of lock."""
    return _next(ReceiptCounter, practice)


def _next(counters: type[InvoiceCounter | ReceiptCounter], practice: Practice) -> int:
    counters.objects.get_or_create(practice=practice)
    counter = counters.objects.locked().get(practice=practice)
    number = counter.next_number
    counter.next_number = number + 1
    counter.save(update_fields=["next_number"])
    return number
