"""Each page about a client records exactly one view in the audit log."""

import pytest
from django.db import transaction

from portico.domain.audit_actions import AuditAction
from portico.plumbing.models import AuditEntry
from tests.support.world import World, alike, cases

pytestmark = pytest.mark.django_db

ONE_CLIENTS = {
    "help_request": "help.viewed",
    "client": "overview.viewed",
    "client_activity": "activity.viewed",
    "client_info": "client_info.viewed",
    "client_portal": "client_portal.viewed",
    "contact": "contact.viewed",
    "client_documents": "documents.viewed",
    "new_paper_signature": "documents.viewed",
    "share_documents": "sharing.viewed",
    "submission": "submission.viewed",
    "submission_pdf": "document.viewed",
    "client_upload": "upload.downloaded",
    "invitation_letter": "document.viewed",
    "client_billing": "billing.viewed",
    "statement": "document.viewed",
    "statement_pdf": "document.viewed",
    "invoice": "invoice.viewed",
    "record_payment": "invoice.viewed",
    "void_invoice": "invoice.viewed",
    "invoice_pdf": "document.viewed",
    "receipt": "document.viewed",
    "receipt_pdf": "document.viewed",
    "refund_receipt": "document.viewed",
    "refund_receipt_pdf": "document.viewed",
    "email": "email.viewed",
}
OF_NOBODY_IN_PARTICULAR = {
    "invoices_file": "invoices.exported",
    "balances_file": "invoices.exported",
    "payment_list_file": "payments.exported",
    "figures_file": "reports.exported",
    "document_export": "template.exported",
    "help_requests": "help.viewed",
    "needs_a_fix_file": "emails.exported",
    "documents_file": "documents.exported",
}


def test_client_pages_record_exactly_one_view(world: World) -> None:
    told: dict[str, str] = {}
    for route, method in cases():
        if not route.name.startswith("office:") or method != "GET" or route.name == "office:sign_out":
            continue
        with transaction.atomic():
            before = AuditEntry.objects.count()
            alike(world.browsers["owner"]).get(world.path(route))
            for entry in AuditEntry.objects.order_by("id")[before:]:
                name = route.name.removeprefix("office:")
                assert name not in told, "One look, two rows."
                assert entry.action in AuditAction.views()
                assert entry.actor_name == "Dr. Naomi Elm"
                assert (entry.client == world.ana) == (name not in OF_NOBODY_IN_PARTICULAR)
                told[name] = entry.action
            transaction.set_rollback(True)
    assert told == ONE_CLIENTS | OF_NOBODY_IN_PARTICULAR
