"""The portal's home page."""

import re
from datetime import timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from portico.domain.access.models import PortalAccess
from portico.domain.billing.models import AttemptState
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from tests import cast
from tests.support.portal_client import Browser

pytestmark = pytest.mark.django_db
HOME = "/portal/alder-street/home/"
BILLING = "/portal/alder-street/billing/"
# Session and client, amounts due of all clients, and four sums of the balance.
QUERIES = 4
QUERIES_WITHOUT_BILLING = 2


@pytest.fixture
def ana(practice: Practice) -> Client:
    return cast.ana(practice)


@pytest.fixture
def portal(ana: Client) -> Browser:
    return cast.in_the_portal(Browser(), ana)


def text(browser: Browser) -> str:
    return browser.get(HOME).content.decode()


def test_unpaid_invoices_are_shown_with_one_button(portal: Browser, ana: Client) -> None:
    today = clock.today(ana.practice.time_zone)
    cast.bill(ana, 15_500, due_on=today - timedelta(days=5))
    cast.bill(ana, 14_000)
    page = text(portal)
    assert "To do" in page
    assert "Pay $295.00" in page
    assert "2 invoices. The first was due " in " ".join(page.split())
    assert page.count("button primary") == 1
    assert f'class="button primary" href="{BILLING}"' in page
    assert 'data-testid="balance" data-amount="29500" data-currency="USD"' in page
    assert "You’re all caught up" not in page


def test_single_invoice_is_named_by_number(portal: Browser, ana: Client) -> None:
    invoice = cast.bill(ana)
    assert f"Invoice {invoice.number}. Due " in " ".join(text(portal).split())


def test_only_unpaid_shared_invoices_are_due(portal: Browser, ana: Client) -> None:
    cast.bill(ana, shared=False)
    cast.cash(ana, 14_000, invoice=cast.bill(ana))
    cast.attempt(cast.bill(ana), state=AttemptState.PROCESSING)
    page = text(portal)
    assert "You’re all caught up" in page
    assert "Balance $0.00" in page


def test_no_invoices_while_the_option_is_off(portal: Browser, ana: Client) -> None:
    cast.bill(ana)
    PortalAccess.objects.filter(client=ana).update(access_billing_documents=False)
    page = text(portal)
    assert "You’re all caught up" in page
    assert "Billing & Payments" not in page
    assert "$" not in page


def test_each_client_of_the_mailbox_is_listed(practice: Practice) -> None:
    bruno, bea = cast.bruno(practice), cast.bea(practice)
    cast.with_access(bea)
    browser = cast.in_the_portal(Browser(), bruno)
    cast.bill(bea)
    cast.bill(bea)
    browser.post("/portal/alder-street/who/", {"client": bruno.ref})
    page = text(browser)
    assert re.search(r"Bruno Berg <small>\s*All caught up\s*</small>", page)
    assert re.search(r"Bea Berg <small>\s*2 bills to pay\s*</small>", page)
    assert "You’re all caught up" in page
    PortalAccess.objects.filter(client=bea).update(access_billing_documents=False)
    assert re.search(r"Bea Berg <small>\s*All caught up\s*</small>", text(browser))


def test_page_is_translated(portal: Browser, ana: Client) -> None:
    cast.bill(ana)
    portal.post("/portal/alder-street/profile/", {"language": "es"})
    page = text(portal)
    assert "Pagar" in page
    assert "Ver las facturas" in page


def test_query_count_is_constant(
    portal: Browser, ana: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for bills in (1, 12):
        for _number in range(bills):
            cast.bill(ana)
        with django_assert_num_queries(QUERIES):
            text(portal)
    PortalAccess.objects.filter(client=ana).update(access_billing_documents=False)
    with django_assert_num_queries(QUERIES_WITHOUT_BILLING):
        text(portal)


def test_hours_that_end_in_a_period_get_no_second_one(practice: Practice) -> None:
    practice.support_hours = "Mon–Fri, 9 a.m. to 5 p.m."
    practice.save(update_fields=["support_hours"])
    page = cast.in_the_portal(Browser(), cast.ana(practice)).get("/portal/alder-street/home/").text
    assert "</a>, Mon–Fri, 9 a.m. to 5 p.m.</p>" in " ".join(page.split())
