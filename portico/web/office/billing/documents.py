"""Invoices, receipts and statements for staff: as a page, and as a PDF in the client's language."""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.views.decorators.http import require_safe

from portico.domain.audit_actions import AuditAction
from portico.domain.billing.models import Payment, Refund
from portico.domain.clients.models import Client
from portico.plumbing.audit import audit_log
from portico.web.billing_documents import invoice_document, receipt_document, statement_document
from portico.web.billing_documents.document import BillingDocument, as_pdf
from portico.web.billing_documents.statement_periods import PeriodForm, StatementLinks, statement_links
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import lookups


@office_page()
@require_safe
def invoice_pdf(request: OfficeRequest, ref: str) -> HttpResponse:
    invoice = lookups.get_invoice(request, ref)
    if invoice.is_draft:
        raise Http404
    _record_view(request, invoice.client, about=invoice.ref, kind="invoice", number=invoice.number)
    with translation.override(invoice.client.language):
        return as_pdf(request.practice, invoice_document.invoice_document(invoice))


@office_page()
@require_safe
def receipt(request: OfficeRequest, ref: str) -> HttpResponse:
    payment = _view_payment(request, ref)
    document = receipt_document.payment_receipt(payment, shared_only=False)
    return _page(request, payment.client, document, reverse("office:receipt_pdf", args=[ref]))


@office_page()
@require_safe
def receipt_pdf(request: OfficeRequest, ref: str) -> HttpResponse:
    payment = _view_payment(request, ref)
    with translation.override(payment.client.language):
        return as_pdf(request.practice, receipt_document.payment_receipt(payment, shared_only=False))


@office_page()
@require_safe
def refund_receipt(request: OfficeRequest, ref: str) -> HttpResponse:
    refund = _view_refund(request, ref)
    document = receipt_document.refund_receipt(refund, shared_only=False)
    return _page(request, refund.payment.client, document, reverse("office:refund_receipt_pdf", args=[ref]))


@office_page()
@require_safe
def refund_receipt_pdf(request: OfficeRequest, ref: str) -> HttpResponse:
    refund = _view_refund(request, ref)
    with translation.override(refund.payment.client.language):
        return as_pdf(request.practice, receipt_document.refund_receipt(refund, shared_only=False))


@office_page()
@require_safe
def statement(request: OfficeRequest, ref: str) -> HttpResponse:
    client = lookups.get_client(request, ref)
    form = PeriodForm(request.GET, request.practice)
    _record_view(request, client, kind="statement")
    pdf_url = f"{reverse('office:statement_pdf', args=[ref])}?{form.query}"
    if not form.is_valid():
        return _page(request, client, None, pdf_url, form=form)
    account_statement = form.statement_of(client, shared_only=False)
    document = statement_document.statement_document(account_statement)
    links = statement_links(account_statement, form.today)
    return _page(request, client, document, pdf_url, form=form, links=links)


@office_page()
@require_safe
def statement_pdf(request: OfficeRequest, ref: str) -> HttpResponse:
    client = lookups.get_client(request, ref)
    form = PeriodForm(request.GET, request.practice)
    if not form.is_valid():
        raise Http404
    _record_view(request, client, kind="statement")
    with translation.override(client.language):
        document = statement_document.statement_document(form.statement_of(client, shared_only=False))
        return as_pdf(request.practice, document)


def _view_payment(request: OfficeRequest, ref: str) -> Payment:
    """Returns the payment and records the view. Raises Http404 also for one that was taken back: it has no receipt."""
    payment = lookups.get_payment(request, ref)
    if payment.is_taken_back:
        raise Http404
    _record_view(request, payment.client, about=payment.ref, kind="receipt", number=payment.number)
    return payment


def _view_refund(request: OfficeRequest, ref: str) -> Refund:
    """Returns the refund and records the view."""
    refund = lookups.get_refund(request, ref)
    _record_view(request, refund.payment.client, about=refund.ref, kind="refund", number=refund.payment.number)
    return refund


def _record_view(request: OfficeRequest, client: Client, *, kind: str, about: str = "", **details: int | None) -> None:
    audit_log.record(
        AuditAction.DOCUMENT_VIEWED,
        practice=request.practice,
        client=client,
        by=request.actor,
        about=about,
        kind=kind,
        **details,
    )


def _page(
    request: OfficeRequest,
    client: Client,
    document: BillingDocument | None,
    pdf_url: str,
    *,
    form: PeriodForm | None = None,
    links: StatementLinks | None = None,
) -> HttpResponse:
    context = {
        "client": client,
        "document": document,
        "pdf_address": pdf_url,
        "form": form,
        "links": links,
        "unprinted": document.unprinted if document else "",
    }
    return render(request, "office/papers/show.html", context, status=200 if document else 422)
