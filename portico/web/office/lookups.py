"""Lookups by ref within the practice of the request."""

from dataclasses import dataclass

from django.db.models import Exists, F, OuterRef, QuerySet, StringAgg, Value
from django.http import Http404

from portico.domain.access.diagnosis import evidence
from portico.domain.access.models import PortalAccess
from portico.domain.access.onboarding import invitation_text
from portico.domain.access.sign_in.requests import near_misses
from portico.domain.billing.card_payments import saved_cards
from portico.domain.billing.ledger import balances
from portico.domain.billing.models import Credit, Invoice, Payment, PaymentAttempt, Refund
from portico.domain.clients.models import Client, EmailAddress, PhoneNumber, Relationship
from portico.plumbing.database.compiled import CompiledQuery, Parameter
from portico.web import redirects
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


def get_relationship(request: OfficeRequest, ref: str, contact: str) -> Relationship:
    """Returns the relationship with the ref `contact` of the practice's client, with the contact. Raises Http404."""
    client = get_client(request, ref)
    relationship = _relationship.first(client=client.pk, ref=contact)
    if relationship is None:
        raise Http404
    relationship.client = client
    return relationship


@CompiledQuery
def _relationship(client: Parameter, ref: Parameter) -> QuerySet[Relationship]:
    return Relationship.objects.filter(client=client, ref=ref).select_related("contact__also_client")


def relationship_in_query(request: OfficeRequest, client: Client) -> Relationship | None:
    """Returns the relationship whose access the URL names; None for the client's own. Raises Http404."""
    ref = request.GET.get(redirects.ACCESS_PARAMETER, "")
    if not ref:
        return None
    relationship = _relationship.first(client=client.pk, ref=ref)
    if relationship is None:
        raise Http404
    relationship.client = client
    return relationship


@dataclass(frozen=True)
class ClientWithAccess:
    """A client, their portal access, None if none was ever saved, and their open addresses, oldest first.

    `phones` is loaded by `client_for_portal_tab` only.
    """

    client: Client
    access: PortalAccess | None
    addresses: list[EmailAddress]
    phones: list[str]

    @property
    def has_contacts(self) -> bool:
        """True if the client has contacts now."""
        return bool(self.client.__dict__["has_contacts"])


def client_for_overview(request: OfficeRequest, ref: str) -> ClientWithAccess:
    """Returns the practice's client with what `balances.shown_office_minor` reads. Raises Http404."""
    return _with_access(_for_overview.rows(practice=request.practice.pk, ref=ref), request)


@CompiledQuery
def _for_overview(practice: Parameter, ref: Parameter) -> QuerySet[Client]:
    return balances.with_office_minor(_address_rows(practice, ref))


def client_for_portal_tab(request: OfficeRequest, ref: str) -> ClientWithAccess:
    """Returns the same with what the tab's other parts read, and phones. Raises Http404."""
    return _with_access(
        _for_portal_tab.rows(practice=request.practice.pk, ref=ref, reported_since=evidence.reported_since()),
        request,
    )


@CompiledQuery
def _for_portal_tab(practice: Parameter, ref: Parameter, reported_since: Parameter) -> QuerySet[Client]:
    phones = PhoneNumber.objects.filter(client=OuterRef("pk")).order_by().values("client")
    joined = phones.annotate(joined=StringAgg("number", Value(" "))).values("joined")
    rows = _address_rows(practice, ref).annotate(phones=joined)
    with_facts = near_misses.with_newest(evidence.with_mail_facts(rows, reported_since=reported_since))
    return saved_cards.with_has_cards(invitation_text.with_own_text(with_facts))


_ADDRESS_COLUMNS = [field.attname for field in EmailAddress._meta.concrete_fields]


def _address_rows(practice: Parameter, ref: Parameter) -> QuerySet[Client]:
    """Returns the client with clinician and access, once for each of their addresses, with its columns."""
    is_open = Exists(EmailAddress.objects.open().filter(pk=OuterRef("email_addresses__pk")))
    columns = {f"address_{name}": F(f"email_addresses__{name}") for name in _ADDRESS_COLUMNS}
    contacts = Exists(Relationship.objects.current().filter(client=OuterRef("pk")))
    rows = Client.objects.filter(practice=practice, ref=ref)
    rows = rows.annotate(has_open_address=is_open, has_contacts=contacts, **columns)
    related = rows.select_related("clinician", "portal_access__account", "portal_access__address")
    return related.order_by("email_addresses__id")


def _with_access(rows: list[Client], request: OfficeRequest) -> ClientWithAccess:
    if not rows:
        raise Http404
    client = rows[0]
    client.practice = request.practice
    addresses = [_address_of(row) for row in rows if row.__dict__["has_open_address"]]
    phones = (client.__dict__.get("phones") or "").split()
    return ClientWithAccess(client, getattr(client, "portal_access", None), addresses, phones)


def _address_of(row: Client) -> EmailAddress:
    columns = [row.__dict__[f"address_{name}"] for name in _ADDRESS_COLUMNS]
    return EmailAddress.from_db(row._state.db, _ADDRESS_COLUMNS, columns)


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
