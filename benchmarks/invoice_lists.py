"""The list of invoices at the size of a very large practice: each chip, pages far on, searches, sums, one client."""

from collections.abc import Iterator
from functools import partial

from benchmarks.client_lists import LookUp
from portico.domain.billing.invoices import invoice_list
from portico.domain.billing.invoices.invoice_list import InvoiceQuery, StatusFilter
from portico.domain.billing.ledger import balances, practice_owed_total, reports
from portico.domain.billing.models import Invoice
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice


def look_ups(practice: Practice, one: Client) -> Iterator[LookUp]:
    """Each way to look at the invoices."""
    rows = Invoice.objects.filter(practice=practice)
    middle = rows.order_by("id")[rows.count() // 2].ref
    for show in StatusFilter:
        name = show.value or "all"
        yield LookUp(f"invoices, {name}", partial(invoice_list.page, practice, InvoiceQuery(show)))
        yield LookUp(
            f"invoices, {name}, a page far on", partial(invoice_list.page, practice, InvoiceQuery(show, before=middle))
        )
    yield LookUp("invoices, the numbers on the chips", partial(invoice_list.counts, practice))
    yield LookUp("invoices, by number", partial(invoice_list.page, practice, InvoiceQuery(query="1042")))
    yield LookUp("invoices, by client", partial(invoice_list.page, practice, InvoiceQuery(query=one.name)))
    yield LookUp("invoices, still to pay in all", partial(practice_owed_total.owed_minor, practice))
    yield LookUp("the figures", partial(reports.totals_of, practice), 4 * rows.count())
    yield LookUp("one client's balance", partial(balances.office_account, one))
