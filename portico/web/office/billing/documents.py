"""Invoices, receipts and statements for staff: as a page, and as a PDF in the client's language."""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.views.decorators.http import require_safe

from portico.domain.audit_actions import AuditAction
from portico.domain.billing.ledger import statements
from portico.domain.billing.ledger.statements import Statement
from portico.domain.billing.models import Payment
from portico.domain.clients.models import Client
from portico.plumbing.audit import audit_log
from portico.web.billing_documents import invoice_document, receipt_document
from portico.web.billing_documents import statement_document as on_paper
from portico.web.billing_documents.document import BillingDocument, as_pdf
from portico.web.billing_documents.statement_periods import Links, PeriodForm, links
from portico.web.guards import office_page
from portico.web.http.request_types import OfficeRequest
from portico.web.office import lookups


@office_page()
@require_safe
def invoice_pdf(request: OfficeRequest, ref: str) -> HttpResponse:
    invoice = lookups.get_invoice(request, ref)
    if invoice.is_draft:
        raise Http404
    _note(request, invoice.client, about=invoice.ref, kind="invoice", number=invoice.number)
    with translation.override(invoice.client.language):
        return as_pdf(request.practice, invoice_document.invoice_document(invoice))


@office_page()
@require_safe
def receipt(request: OfficeRequest, ref: str) -> HttpResponse:
    payment = _payment(request, ref)
    _note(request, payment.client, about=payment.ref, kind="receipt", number=payment.number)
    paper = receipt_document.payment_receipt(payment, shared_only=False)
    return _page(request, payment.client, paper, reverse("office:receipt_pdf", args=[ref]))


@office_page()
@require_safe
def receipt_pdf(request: OfficeRequest, ref: str) -> HttpResponse:
    payment = _payment(request, ref)
    _note(request, payment.client, about=payment.ref, kind="receipt", number=payment.number)
    with translation.override(payment.client.language):
        return as_pdf(request.practice, receipt_document.payment_receipt(payment, shared_only=False))


@office_page()
@require_safe
def refund_receipt(request: OfficeRequest, ref: str) -> HttpResponse:
    refund = lookups.get_refund(request, ref)
    client, number = refund.payment.client, refund.payment.number
    _note(request, client, about=refund.ref, kind="refund", number=number)
    paper = receipt_document.refund_receipt(refund, shared_only=False)
    return _page(request, client, paper, reverse("office:refund_receipt_pdf", args=[ref]))


@office_page()
@require_safe
def refund_receipt_pdf(request: OfficeRequest, ref: str) -> HttpResponse:
    refund = lookups.get_refund(request, ref)
    client, number = refund.payment.client, refund.payment.number
    _note(request, client, about=refund.ref, kind="refund", number=number)
    with translation.override(client.language):
        return as_pdf(request.practice, receipt_document.refund_receipt(refund, shared_only=False))


@office_page()
@require_safe
def statement(request: OfficeRequest, ref: str) -> HttpResponse:
    client = lookups.get_client(request, ref)
    form = _period(request)
    _note(request, client, kind="statement")
    address = f"{reverse('office:statement_pdf', args=[ref])}?{form.query}"
    if not form.is_valid():
        return _page(request, client, None, address, form=form)
    found = _statement(client, form)
    return _page(
        request, client, on_paper.statement_document(found), address, form=form, links=links(found, form.today)
    )


@office_page()
@require_safe
def statement_pdf(request: OfficeRequest, ref: str) -> HttpResponse:
    client = lookups.get_client(request, ref)
    form = _period(request)
    if not form.is_valid():
        raise Http404
    _note(request, client, kind="statement")
    with translation.override(client.language):
        return as_pdf(request.practice, on_paper.statement_document(_statement(client, form)))


def _payment(request: OfficeRequest, ref: str) -> Payment:
    """One that was taken back has no receipt. Raises Http404."""
    payment = lookups.get_payment(request, ref)
    if payment.is_taken_back:
        raise Http404
    return payment


def _period(request: OfficeRequest) -> PeriodForm:
    return PeriodForm(request.GET, request.practice)


def _statement(client: Client, form: PeriodForm) -> Statement:
    return statements.statement_of(client, **form.asked, today=form.today, shared_only=False)


def _note(request: OfficeRequest, client: Client, *, kind: str, about: str = "", **details: int | None) -> None:
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
    paper: BillingDocument | None,
    pdf_address: str,
    *,
    form: PeriodForm | None = None,
    links: Links | None = None,
) -> HttpResponse:
    context = {
        "client": client,
        "paper": paper,
        "pdf_address": pdf_address,
        "form": form,
        "links": links,
        "unprinted": paper.unprinted if paper else "",
    }
    return render(request, "office/papers/show.html", context, status=200 if paper else 422)
