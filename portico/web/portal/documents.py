"""Invoices, receipts and statements for the client: old ones too, while `Access billing documents` is on."""

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from portico.domain.audit_actions import AuditAction
from portico.domain.billing.ledger import statements
from portico.domain.billing.ledger.statements import Statement
from portico.domain.billing.models import Payment, Refund
from portico.plumbing.audit import audit_log
from portico.web import page_subjects
from portico.web.billing_documents import invoice_document, receipt_document
from portico.web.billing_documents import statement_document as on_paper
from portico.web.billing_documents.document import BillingDocument, as_pdf
from portico.web.billing_documents.statement_periods import PeriodForm, StatementLinks, statement_links
from portico.web.guards import portal_page
from portico.web.http.request_types import PortalRequest
from portico.web.portal.billing import refuse_unless_allowed


@portal_page
@require_safe
def invoice_pdf(request: PortalRequest, ref: str) -> HttpResponse:
    refuse_unless_allowed(request)
    shared = request.client.invoices.shared().with_attempts().with_sums()
    invoice = get_object_or_404(shared, ref=ref)
    invoice.client, invoice.practice = request.client, request.practice
    _note(request, about=invoice.ref, kind="invoice", number=invoice.number)
    return as_pdf(request.practice, invoice_document.invoice_document(invoice))


@portal_page
@require_safe
def receipt(request: PortalRequest, ref: str) -> HttpResponse:
    payment = _payment(request, ref)
    paper = receipt_document.payment_receipt(payment, shared_only=True)
    return _page(request, paper, _address(request, "portal:receipt_pdf", ref))


@portal_page
@require_safe
def receipt_pdf(request: PortalRequest, ref: str) -> HttpResponse:
    payment = _payment(request, ref)
    _note(request, about=payment.ref, kind="receipt", number=payment.number)
    return as_pdf(request.practice, receipt_document.payment_receipt(payment, shared_only=True))


@portal_page
@require_safe
def refund_receipt(request: PortalRequest, ref: str) -> HttpResponse:
    refund = _refund(request, ref)
    paper = receipt_document.refund_receipt(refund, shared_only=True)
    return _page(request, paper, _address(request, "portal:refund_receipt_pdf", ref))


@portal_page
@require_safe
def refund_receipt_pdf(request: PortalRequest, ref: str) -> HttpResponse:
    refund = _refund(request, ref)
    _note(request, about=refund.ref, kind="refund", number=refund.payment.number)
    return as_pdf(request.practice, receipt_document.refund_receipt(refund, shared_only=True))


@portal_page
@require_safe
def statement(request: PortalRequest) -> HttpResponse:
    refuse_unless_allowed(request)
    form = _period(request)
    query = "&".join(filter(None, (form.query, urlencode(page_subjects.for_client(request)))))
    address = f"{_address(request, 'portal:statement_pdf')}?{query}"
    if not form.is_valid():
        return _page(request, None, address, form)
    found = _statement(request, form)
    return _page(request, on_paper.statement_document(found), address, form, statement_links(found, form.today))


@portal_page
@require_safe
def statement_pdf(request: PortalRequest) -> HttpResponse:
    refuse_unless_allowed(request)
    form = _period(request)
    if not form.is_valid():
        raise Http404
    _note(request, kind="statement")
    return as_pdf(request.practice, on_paper.statement_document(_statement(request, form)))


def _payment(request: PortalRequest, ref: str) -> Payment:
    refuse_unless_allowed(request)
    payment = get_object_or_404(request.client.payments.counting(), ref=ref)
    payment.client = request.client
    payment.client.practice = request.practice
    return payment


def _refund(request: PortalRequest, ref: str) -> Refund:
    refuse_unless_allowed(request)
    mine = (
        Refund.objects.filter(payment__client=request.client, payment__taken_back_at=None)
        .counting()
        .select_related("payment")
    )
    refund = get_object_or_404(mine, ref=ref)
    refund.payment.client = request.client
    refund.payment.client.practice = request.practice
    return refund


def _period(request: PortalRequest) -> PeriodForm:
    return PeriodForm(request.GET, request.practice)


def _statement(request: PortalRequest, form: PeriodForm) -> Statement:
    request.client.practice = request.practice
    return statements.statement_of(request.client, **form.period, today=form.today, shared_only=True)


def _address(request: PortalRequest, name: str, ref: str = "") -> str:
    return reverse(name, kwargs={"slug": request.practice.slug} | ({"ref": ref} if ref else {}))


def _note(request: PortalRequest, *, kind: str, about: str = "", **details: int | None) -> None:
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
    paper: BillingDocument | None,
    pdf_address: str,
    form: PeriodForm | None = None,
    links: StatementLinks | None = None,
) -> HttpResponse:
    context = {
        "paper": paper,
        "pdf_address": pdf_address,
        "form": form,
        "links": links,
        "for_client": page_subjects.for_client(request).get(page_subjects.FOR),
    }
    return render(request, "portal/papers/show.html", context, status=200 if paper else 422)
