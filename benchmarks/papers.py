"""Measures the duration and rate of PDFs: an invoice, a statement, the client's guide."""

import time
from collections.abc import Callable, Iterator
from datetime import date

from benchmarks.instruments import figures
from benchmarks.report import Row
from portico.domain.access.onboarding.guides import client_guide
from portico.domain.billing.ledger import statements
from portico.domain.billing.models import Invoice
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.web.billing_documents import document, invoice_document
from portico.web.billing_documents import statement_document as on_paper
from tests import cast

TIMES = 100
BILLS = 25


def measure() -> Iterator[Row]:
    practice = Practice.objects.create(slug="printing", name="A practice that prints", phone="+12125550177")
    person = cast.ana(practice)
    bills = [cast.bill(person) for _ in range(BILLS)]
    bill = Invoice.objects.with_attempts().with_sums().select_related("client", "practice").get(pk=bills[0].pk)
    today = clock.today(practice.time_zone)

    def statement() -> bytes:
        of = statements.statement_of(person, begins_on=date(2000, 1, 1), ends_on=today, today=today, shared_only=False)
        return document.render_pdf(practice, on_paper.statement_document(of))

    yield time_pdf("an invoice", lambda: document.render_pdf(practice, invoice_document.invoice_document(bill)))
    yield time_pdf(f"a statement of {BILLS} bills", statement)
    yield time_pdf("the getting-started guide", lambda: client_guide.guide_as_pdf(practice, "en"))


def time_pdf(name: str, make: Callable[[], bytes], *, limit: str = "") -> Row:
    """Makes the PDF many times; returns the duration of one."""
    seconds = []
    for _ in range(TIMES):
        began = time.perf_counter()
        make()
        seconds.append(time.perf_counter() - began)
    milliseconds = sum(seconds) * 1000 / TIMES
    return Row("PDFs", name, f"{figures.spread(seconds)} elapsed", limit, milliseconds)
