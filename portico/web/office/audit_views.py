"""That somebody who works here looked at a thing of a client's: for the trail, once each time its page is opened."""

from portico.domain.audit_actions import AuditAction
from portico.domain.billing.models import Invoice
from portico.plumbing.audit import audit_log
from portico.web.http.request_types import OfficeRequest


def record_invoice_view(request: OfficeRequest, invoice: Invoice) -> None:
    """The invoice stands on the page, to be read or to do something with it. What is posted has an entry of its own."""
    if request.method != "POST":
        audit_log.record(
            AuditAction.INVOICE_VIEWED,
            practice=request.practice,
            client=invoice.client,
            by=request.actor,
            about=invoice.ref,
        )
