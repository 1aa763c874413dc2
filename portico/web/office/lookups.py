"""Lookups by ref within the practice of the request."""

from django.db.models import QuerySet
from django.http import Http404

from portico.domain.billing.ledger import balances
from portico.domain.billing.models import Credit, Invoice, Payment, PaymentAttempt, Refund
from portico.domain.clients.models import Client
from portico.plumbing.database.compiled import CompiledQuery, Parameter
from portico.web.http.request_types import OfficeRequest


def get_client(request: OfficeRequest, ref: str) -> Client:
    """Returns the practice's client with the ref, with the clinician. Raises Http404.

    Also for a client of another practice; `web.error_pages` records that in the audit log.
    """
    client = _client.first(practice=request.practice.pk, ref=ref)
    if client is None:
        raise Http404
    client.practice = request.practice
    return client


@CompiledQuery
def _client(practice: Parameter, ref: Parameter) -> QuerySet[Client]:
    return Client.objects.filter(practice=practice, ref=ref).select_related("clinician")


def client_with_balance_of(request: OfficeRequest, ref: str) -> Client:
    """Returns the same with the annotation that `balances.shown_office_minor` reads. Raises Http404."""
    clients = Client.objects.filter(practice=request.practice, ref=ref).select_related("clinician")
    client = balances.with_office_minor(clients).first()
    if client is None:
        raise Http404
    client.practice = request.practice
    return client


def get_invoice(request: OfficeRequest, ref: str) -> Invoice:
    """Returns the practice's invoice with the ref, with client, sums and attempts. Raises Http404."""
    found = Invoice.objects.filter(practice=request.practice, ref=ref).with_attempts().with_sums()
    return _with_practice(found.select_related("client__clinician", "replaces").first(), request)


def get_payment(request: OfficeRequest, ref: str) -> Payment:
    """Returns the practice's payment with the ref, with client and disputes. Raises Http404."""
    found = Payment.objects.filter(practice=request.practice, ref=ref).with_disputes().select_related("client")
    return _with_practice(found.first(), request)


def get_attempt(request: OfficeRequest, ref: str) -> PaymentAttempt:
    """Returns the practice's payment attempt with the ref, with its client. Raises Http404."""
    found = PaymentAttempt.objects.filter(practice=request.practice, ref=ref).select_related("client")
    return _with_practice(found.first(), request)


def get_credit(request: OfficeRequest, ref: str) -> Credit:
    """Returns the practice's credit with the ref, with its client. Raises Http404."""
    found = Credit.objects.filter(practice=request.practice, ref=ref).select_related("client")
    return _with_practice(found.first(), request)


def get_refund(request: OfficeRequest, ref: str) -> Refund:
    """Returns the practice's refund with the ref unless it failed, with payment and client. Raises Http404."""
    found = Refund.objects.filter(practice=request.practice, ref=ref).not_failed()
    refund = found.select_related("payment__client").first()
    if refund is None:
        raise Http404
    refund.practice = refund.payment.practice = refund.payment.client.practice = request.practice
    return refund


def _with_practice[T: (Invoice, Payment, PaymentAttempt, Credit)](row: T | None, request: OfficeRequest) -> T:
    if row is None:
        raise Http404
    row.practice = row.client.practice = request.practice
    return row
