"""Records in the audit log that staff viewed an invoice."""

from portico.domain.audit_actions import AuditAction
from portico.domain.billing.models import Invoice
from portico.plumbing.audit import audit_log
from portico.web.http.request_types import OfficeRequest


def record_invoice_view(request: OfficeRequest, invoice: Invoice) -> None:
    """Records a view for GET requests; operations record their own entries."""
    if request.method != "POST":
        audit_log.record(
            AuditAction.INVOICE_VIEWED,
            practice=request.practice,
            client=invoice.client,
            by=request.actor,
            about=invoice.ref,
        )
