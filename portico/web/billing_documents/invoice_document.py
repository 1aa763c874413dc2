"""The content of an invoice."""

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from portico.domain.billing.models import Invoice, InvoiceStatus
from portico.plumbing import clock
from portico.web import formatting
from portico.web.billing_documents import summary_lines
from portico.web.billing_documents.document import BillingDocument, Column, Party, payment_instructions, sender
from portico.web.billing_documents.summary_lines import amount


def invoice_document(invoice: Invoice) -> BillingDocument:
    """Returns the document; expects the row from `with_attempts` and `with_sums`, with its client and practice."""
    language, practice = get_language(), invoice.practice
    status = invoice.status_on(clock.today(practice.time_zone))
    dates = [Party(_("Date"), (formatting.long_date(invoice.dated_on, language=language),))]
    if invoice.due_on:
        dates.append(Party(_("Due"), (formatting.long_date(invoice.due_on, language=language),)))
    notes = [_("Status: %(status)s") % {"status": status.label}]
    if invoice.note:
        notes.append(invoice.note)
    if status in {InvoiceStatus.UNPAID, InvoiceStatus.PAST_DUE}:
        notes.append(payment_instructions(practice))
    return BillingDocument(
        file_name=f"invoice-{invoice.number}",
        title=_("Invoice"),
        subtitle=_("Number %(number)s") % {"number": invoice.number},
        parties=((sender(practice),), (Party(_("To"), (invoice.client.name,)),), tuple(dates)),
        caption=_("Lines of invoice %(number)s") % {"number": invoice.number},
        columns=(
            Column(_("Date")),
            Column(_("Description"), wide=True),
            Column(_("Quantity"), amount=True),
            Column(_("Price"), amount=True),
            Column(_("Amount"), amount=True),
        ),
        rows=tuple(
            (
                formatting.long_date(line.given_on, language=language) if line.given_on else "",
                line.label,
                str(line.quantity),
                amount(line.unit_minor, invoice.currency),
                amount(line.amount_minor, invoice.currency),
            )
            for line in invoice.lines.order_by("position")
        ),
        sums=summary_lines.of_invoice(invoice),
        notes=tuple(notes),
    )
