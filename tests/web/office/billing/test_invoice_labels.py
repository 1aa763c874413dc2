"""Each invoice status has its own `data-status` in the office's list."""

import re
from datetime import timedelta

from django.test import Client as Browser

from portico.domain.billing.invoices import invoicing
from portico.domain.billing.invoices.invoice_input import InvoiceInput, LineInput
from portico.domain.billing.models import AttemptState
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from tests import cast


def test_each_status_has_its_own_attribute(office: Browser, practice: Practice) -> None:
    ana, today = cast.ana(practice), clock.today("America/New_York")
    cast.with_access(ana)
    entry = InvoiceInput(today, today, (LineInput("Session", 14_000),))
    expected = {
        invoicing.create_draft(ana, entry, by=cast.DESK).ref: "draft",
        cast.bill(ana).ref: "unpaid",
        cast.bill(ana, due_on=today - timedelta(days=1)).ref: "past_due",
        cast.attempt(cast.bill(ana), state=AttemptState.PROCESSING).covers.get().invoice.ref: "processing",
        invoicing.void(cast.bill(ana), reason="Created by mistake", shown=None, by=cast.DESK).ref: "void",
    }
    paid = cast.bill(ana)
    cast.cash(ana, 14_000, invoice=paid)
    page = office.get("/office/invoices/").text
    found = re.findall(r'data-testid="invoice-row" data-ref="(\w+)" data-status="(\w+)" data-amount="14000"', page)
    assert dict(found) == expected | {paid.ref: "paid"}
