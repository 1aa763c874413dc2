"""The list of invoices at the size of a very large practice: each chip, pages far on, searches, sums, one client."""

from collections.abc import Iterator
from functools import partial

from benchmarks.lists.client_lists import LookUp
from portico.domain.billing.invoices import invoice_list
from portico.domain.billing.invoices.invoice_list import InvoiceQuery, StatusFilter
from portico.domain.billing.ledger import balances, debts_by_age, practice_owed_total, reports
from portico.domain.billing.models import Invoice, Payment
from portico.domain.billing.payments import payment_list
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import clock


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
    yield LookUp("the figures of six months", partial(reports.months_of, practice), 4 * rows.count())
    yield LookUp("when a card was last charged", partial(reports.card_activity, practice))
    owing = rows.filter(open_minor__gt=0).count()
    yield LookUp("balances, first page", partial(debts_by_age.page_of, practice, after=None), owing)
    yield LookUp("balances, totals", partial(debts_by_age.totals_of, practice), owing)
    month = payment_list.last_days(clock.today(practice.time_zone))
    in_month = Payment.objects.filter(practice=practice, received_on__gte=month.begins_on).count()
    yield LookUp("payments of a month, first page", partial(payment_list.page, practice, month))
    yield LookUp("payments of a month, totals", partial(payment_list.totals, practice, month), in_month)
    yield LookUp("one client's balance", partial(balances.office_account, one))
