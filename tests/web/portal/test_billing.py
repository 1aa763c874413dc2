"""`Billing & Payments`: shared invoices and the balance of this client only."""

import pytest

from portico.domain.access.models import PortalAccess
from portico.domain.audit_actions import AuditAction
from portico.domain.billing.invoices import invoicing
from portico.domain.billing.models import AttemptState
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing.models import AuditEntry
from tests import cast
from tests.support.portal_client import Browser

pytestmark = pytest.mark.django_db
PAGE = "/portal/alder-street/billing/"


@pytest.fixture
def ana(practice: Practice) -> Client:
    return cast.ana(practice)


@pytest.fixture
def portal(ana: Client) -> Browser:
    return cast.in_the_portal(Browser(), ana)


def test_shows_balance_and_shared_invoices_only(portal: Browser, ana: Client) -> None:
    shared, hidden = cast.bill(ana), cast.bill(ana, shared=False)
    page = portal.get(PAGE).content.decode()
    assert 'data-testid="balance" data-amount="14000" data-currency="USD"' in page
    assert f'data-ref="{shared.ref}" data-status="unpaid" data-amount="14000"' in page
    assert hidden.ref not in page
    assert portal.get(f"{PAGE}{hidden.ref}/").status_code == 404


def test_processing_and_paid_have_their_own_labels(portal: Browser, ana: Client) -> None:
    cast.attempt(cast.bill(ana), state=AttemptState.PROCESSING)
    cast.charged(cast.attempt(cast.bill(ana)))
    page = portal.get(PAGE).content.decode()
    assert 'data-status="processing"' in page
    assert "Your bank is confirming. You don’t need to do anything." in page
    assert "Visa ending 4242" in page
    assert 'data-testid="balance" data-amount="0"' in page


def test_empty_page_explains_what_will_appear(portal: Browser) -> None:
    assert "No bills yet" in portal.get(PAGE).content.decode()


def test_option_is_checked_at_each_request(portal: Browser, ana: Client) -> None:
    invoice = cast.bill(ana)
    assert "Billing & Payments" in portal.get("/portal/alder-street/home/").content.decode()
    PortalAccess.objects.filter(client=ana).update(access_billing_documents=False)
    assert "Billing & Payments" not in portal.get("/portal/alder-street/home/").content.decode()
    assert portal.get(PAGE).status_code == 404
    assert portal.get(f"{PAGE}{invoice.ref}/").status_code == 404


def test_carol_cannot_open_anas_invoice(ana: Client, practice: Practice) -> None:
    invoice = cast.bill(ana)
    carol = cast.in_the_portal(Browser(), cast.carol(practice))
    assert carol.get(f"{PAGE}{invoice.ref}/").status_code == 404


def test_first_view_is_recorded_once(portal: Browser, ana: Client, practice: Practice) -> None:
    invoice = cast.bill(ana)
    for _look in range(2):
        assert portal.get(f"{PAGE}{invoice.ref}/").status_code == 200
    assert AuditEntry.objects.filter(action=AuditAction.INVOICE_SEEN, about=invoice.ref).count() == 1
    office = cast.signed_in(Browser(), cast.fay(practice))
    assert "Viewed by Ana in the portal" in office.get(f"/office/invoices/{invoice.ref}/").content.decode()


def test_void_invoice_cannot_be_paid(portal: Browser, ana: Client) -> None:
    invoice = cast.bill(ana)
    invoicing.void(invoice, reason="Created by mistake", shown=None, by=cast.DESK)
    page = portal.get(f"{PAGE}{invoice.ref}/").content.decode()
    assert 'data-status="void"' in page
    assert "Nothing to pay" in page
    assert "Created by mistake" not in page


def test_page_is_translated(practice: Practice) -> None:
    lucia = cast.client(practice, "Lucía", address="lucia@mail.example", language="es")
    portal = cast.in_the_portal(Browser(), lucia)
    cast.bill(lucia)
    page = portal.get(PAGE).content.decode()
    assert "Saldo de la cuenta" in page
    assert "Pendiente de pago" in page
    bill = portal.get(f"{PAGE}{lucia.invoices.get().ref}/").content.decode()
    assert "Por el momento no puede pagar aquí con tarjeta. Llame al" in bill
