"""The link in the mail about a bill signs in once and opens the bill; a dead one keeps the bill for later."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.test import Client as PlainBrowser

from portico.domain.access import access_grants, client_changes, revocation
from portico.domain.access.models import MAX_LIVE_LINKS, PortalSession, SignInLink, SignInRequest
from portico.domain.access.sign_in import link_redemption, sign_in_links
from portico.domain.access.sign_in.completing_sign_in import Browser as Visitor
from portico.domain.billing import bill_mails
from portico.domain.billing.invoices import invoice_sharing
from portico.domain.billing.models import Invoice
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import clock, tokens
from portico.plumbing.models import OutgoingEmail
from tests import cast
from tests.support.portal_client import Browser

pytestmark = pytest.mark.django_db
PORTAL = "/portal/alder-street/"
VISITOR = Visitor("Safari on iPhone", "another browser")


@pytest.fixture
def ana(practice: Practice) -> Client:
    ana = cast.ana(practice)
    cast.with_access(ana)
    return ana


@pytest.fixture
def bill(ana: Client) -> Invoice:
    return cast.bill(ana)


def link_of(bill: Invoice) -> str:
    """Marks the newest mail about the bill as handed over; returns its link."""
    mails = OutgoingEmail.objects.filter(kind=bill_mails.NEW_BILL, content__invoice=bill.ref)
    link = SignInLink.objects.select_related("email", "practice").get(email=mails.latest("pk"))
    OutgoingEmail.objects.filter(pk=link.email_id).update(handing_over_at=clock.now())
    return sign_in_links.url_of(link)


def page_of(bill: Invoice) -> str:
    return f"{PORTAL}billing/{bill.ref}/"


def test_the_button_opens_the_bill(client: Browser, bill: Invoice) -> None:
    page = client.get(link_of(bill), follow=True)
    assert "Sign in to Alder Street Therapy</h1>" in page.text
    assert page.text.count("<button") == 1
    assert not PortalSession.objects.exists()
    answer = client.post(f"{PORTAL}link/")
    assert answer["Location"] == page_of(bill)
    assert f"Invoice {bill.number}" in client.get(answer["Location"]).text


def test_a_scanner_spends_nothing(client: Browser, bill: Invoice) -> None:
    link, scanner = link_of(bill), PlainBrowser()
    for _ in range(3):
        scanner.head(link)
        scanner.get(link, follow=True)
    client.get(link)
    assert client.post(f"{PORTAL}link/")["Location"] == page_of(bill)


def test_a_used_link_offers_a_new_one_that_opens_the_bill(client: Browser, bill: Invoice) -> None:
    link = link_of(bill)
    client.get(link)
    client.post(f"{PORTAL}link/")
    other = Browser()
    gone = other.get(link, follow=True)
    assert gone.status_code == 410
    assert "This link was already used" in gone.text
    other.post(f"{PORTAL}again/", {"by": "link"})
    assert SignInRequest.objects.get().goes_to == page_of(bill)


def test_a_used_link_opens_the_bill_while_signed_in(client: Browser, bill: Invoice) -> None:
    link = link_of(bill)
    client.get(link)
    client.post(f"{PORTAL}link/")
    assert client.get(link, follow=True).redirect_chain[-1][0] == page_of(bill)


def turn_access_off(bill: Invoice) -> None:
    access_grants.save_access(
        bill.client, replace(cast.entry_for(bill.client), enabled=False), version=None, by=cast.DESK
    )


def revoke(bill: Invoice) -> None:
    revocation.revoke_all(bill.client, by=cast.DESK)


def archive(bill: Invoice) -> None:
    client_changes.archive(bill.client, by=cast.DESK)


def sign_in_by_another_link(bill: Invoice) -> None:
    token = cast.token_of(cast.invited(bill.client))
    link_redemption.redeem(bill.practice, token, visitor=VISITOR)


@pytest.mark.parametrize("change", [turn_access_off, revoke, archive, sign_in_by_another_link])
def test_a_change_ends_the_link(client: Browser, bill: Invoice, change: Callable[[Invoice], None]) -> None:
    link = link_of(bill)
    change(bill)
    before = PortalSession.objects.count()
    assert client.get(link, follow=True).status_code == 410
    assert client.post(f"{PORTAL}link/").status_code == 410
    assert PortalSession.objects.count() == before


def test_the_link_expires(client: Browser, bill: Invoice) -> None:
    link = link_of(bill)
    with time_machine.travel(clock.now() + timedelta(hours=24, seconds=61)):
        assert "This link has expired" in client.get(link, follow=True).text


def test_another_practice_does_not_know_the_link(client: Browser, bill: Invoice) -> None:
    cast.birch()
    link = link_of(bill).replace("alder-street", "birch-lane")
    assert client.get(link, follow=True).status_code == 410
    assert SignInLink.objects.get().used_at is None


def test_it_shows_the_child_whose_bill_it_is(client: Browser, practice: Practice) -> None:
    first = cast.client(practice, "Ada", "Zola", address="parent@mail.example")
    second = cast.client(practice, "Ben", "Zola", address="parent@mail.example")
    cast.with_access(first)
    cast.with_access(second)
    bill = cast.bill(second)
    client.get(link_of(bill))
    client.post(f"{PORTAL}link/")
    assert client.get(page_of(bill)).status_code == 200


def test_a_mail_sent_twice_has_one_link(bill: Invoice) -> None:
    key = tokens.new_token()
    for _ in range(2):
        invoice_sharing.send_again(bill, form_key=key, shown=None, by=cast.DESK)
    assert SignInLink.objects.count() == 2


def test_the_fourth_bill_ends_the_oldest_link(ana: Client) -> None:
    bills = [cast.bill(ana) for _ in range(MAX_LIVE_LINKS + 1)]
    live = SignInLink.objects.unspent().values_list("email__content__invoice", flat=True)
    assert set(live) == {bill.ref for bill in bills[1:]}
