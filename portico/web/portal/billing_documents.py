"""Invoices, receipts and statements, as pages and PDFs."""

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from portico.domain.audit_actions import AuditAction
from portico.domain.billing.ledger.statements import Statement
from portico.domain.billing.models import Payment, Refund
from portico.plumbing.audit import audit_log
from portico.web import client_mismatch
from portico.web.billing_documents import invoice_document, receipt_document, statement_document
from portico.web.billing_documents.document import BillingDocument, as_pdf
from portico.web.billing_documents.statement_periods import PeriodForm, StatementLinks, statement_links
from portico.web.guards import portal_billing_page
from portico.web.http.request_types import PortalRequest
from portico.web.portal import other_payers_cards


@portal_billing_page
@require_safe
def invoice_pdf(request: PortalRequest, ref: str) -> HttpResponse:
    shared = request.client.invoices.shared().with_attempts().with_sums()
    invoice = get_object_or_404(shared, ref=ref)
    invoice.client, invoice.practice = request.client, request.practice
    _record_download(request, about=invoice.ref, kind="invoice", number=invoice.number)
    return as_pdf(request.practice, invoice_document.invoice_document(invoice))


@portal_billing_page
@require_safe
def receipt(request: PortalRequest, ref: str) -> HttpResponse:
    payment = _payment(request, ref)
    document = receipt_document.payment_receipt(payment, shared_only=True)
    return _page(request, document, _url(request, "portal:receipt_pdf", ref))


@portal_billing_page
@require_safe
def receipt_pdf(request: PortalRequest, ref: str) -> HttpResponse:
    payment = _payment(request, ref)
    _record_download(request, about=payment.ref, kind="receipt", number=payment.number)
    return as_pdf(request.practice, receipt_document.payment_receipt(payment, shared_only=True))


@portal_billing_page
@require_safe
def refund_receipt(request: PortalRequest, ref: str) -> HttpResponse:
    refund = _refund(request, ref)
    document = receipt_document.refund_receipt(refund, shared_only=True)
    return _page(request, document, _url(request, "portal:refund_receipt_pdf", ref))


@portal_billing_page
@require_safe
def refund_receipt_pdf(request: PortalRequest, ref: str) -> HttpResponse:
    refund = _refund(request, ref)
    _record_download(request, about=refund.ref, kind="refund", number=refund.payment.number)
    return as_pdf(request.practice, receipt_document.refund_receipt(refund, shared_only=True))


@portal_billing_page
@require_safe
def statement(request: PortalRequest) -> HttpResponse:
    form = PeriodForm(request.GET, request.practice)
    query = "&".join(filter(None, (form.query, urlencode(client_mismatch.for_client(request)))))
    pdf_url = f"{_url(request, 'portal:statement_pdf')}?{query}"
    if not form.is_valid():
        return _page(request, None, pdf_url, form)
    found = _statement(request, form)
    return _page(
        request, statement_document.statement_document(found), pdf_url, form, statement_links(found, form.today)
    )


@portal_billing_page
@require_safe
def statement_pdf(request: PortalRequest) -> HttpResponse:
    form = PeriodForm(request.GET, request.practice)
    if not form.is_valid():
        raise Http404
    _record_download(request, kind="statement")
    found = _statement(request, form)
    return as_pdf(request.practice, statement_document.statement_document(found))


def _payment(request: PortalRequest, ref: str) -> Payment:
    payment = get_object_or_404(request.client.payments.not_taken_back(), ref=ref)
    payment.client = request.client
    other_payers_cards.hide_cards(request, [payment])
    return payment


def _statement(request: PortalRequest, form: PeriodForm) -> Statement:
    statement = form.statement_of(request.client, shared_only=True)
    other_payers_cards.hide_cards(request, (entry.row for entry in statement.entries if isinstance(entry.row, Payment)))
    return statement


def _refund(request: PortalRequest, ref: str) -> Refund:
    refunds = (
        Refund.objects.filter(payment__client=request.client, payment__taken_back_at=None)
        .not_failed()
        .select_related("payment")
    )
    refund = get_object_or_404(refunds, ref=ref)
    refund.payment.client = request.client
    other_payers_cards.hide_cards(request, [refund.payment])
    return refund


def _url(request: PortalRequest, name: str, ref: str = "") -> str:
    return reverse(name, kwargs={"slug": request.practice.slug} | ({"ref": ref} if ref else {}))


def _record_download(request: PortalRequest, *, kind: str, about: str = "", **details: int | None) -> None:
    audit_log.record(
        AuditAction.DOCUMENT_VIEWED,
        practice=request.practice,
        client=request.client,
        by=request.actor,
        about=about,
        kind=kind,
        **details,
    )


def _page(
    request: PortalRequest,
    document: BillingDocument | None,
    pdf_url: str,
    form: PeriodForm | None = None,
    links: StatementLinks | None = None,
) -> HttpResponse:
    context = {
        "document": document,
        "pdf_address": pdf_url,
        "form": form,
        "links": links,
        "for_client": client_mismatch.for_client(request).get(client_mismatch.CLIENT_PARAMETER),
    }
    return render(request, "portal/papers/show.html", context, status=200 if document else 422)
