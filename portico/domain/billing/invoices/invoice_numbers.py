"""Numbers without gaps: taken last of all in an operation, given back when it is rolled back."""

from portico.domain.billing.models import InvoiceCounter, ReceiptCounter
from portico.domain.practices.models import Practice


def next_invoice_number(practice: Practice) -> int:
    """The number of the invoice that is being issued; whoever issues next waits until this transaction ends."""
    return _next(InvoiceCounter, practice)


def next_receipt_number(practice: Practice) -> int:
    """The same for receipts of payments."""
    return _next(ReceiptCounter, practice)


def _next(counters: type[InvoiceCounter | ReceiptCounter], practice: Practice) -> int:
    counters.objects.get_or_create(practice=practice)
    counter = counters.objects.locked().get(practice=practice)
    number = counter.next_number
    counter.next_number = number + 1
    counter.save(update_fields=["next_number"])
    return number
