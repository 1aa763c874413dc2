"""`Pay Now` in the portal."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from portico.domain.access.models import PortalAccess, SignInRequest
from portico.domain.access.sign_in import sign_in_links, sign_in_pins
from portico.domain.access.sign_in.requests import request_worker
from portico.domain.billing.card_payments import polling, quotes
from portico.domain.billing.invoices import invoicing
from portico.domain.billing.models import AttemptState, Invoice, Payment, PaymentAttempt, SavedCard
from portico.domain.clients.models import Client
from portico.domain.practices.models import CardState, Practice
from portico.domain.practices.stripe_setup import api_keys
from portico.plumbing import clock
from portico.plumbing.mail import outbox
from portico.plumbing.models import OutgoingEmail
from tests import cast
from tests.support.card_payments import Till, let_pay, ref_in, signed_in_to_pay
from tests.support.portal_client import Browser
from tests.web.page_text import plain

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

BILLING = "/portal/alder-street/billing/"


@pytest.fixture
def bill(till: Till) -> Invoice:
    return cast.bill(cast.ana(till.practice))


@pytest.fixture
def ana(client: Browser, bill: Invoice) -> Browser:
    """Ana's browser."""
    return signed_in_to_pay(client, bill.client)


def pay_page(bill: Invoice) -> str:
    return f"{BILLING}{bill.ref}/payment/"


def test_invoice_is_paid_on_stripes_page(ana: Browser, bill: Invoice, till: Till) -> None:
    of_balance, of_invoice = re.findall(r'<a[^>]*data-testid="pay-now"[^>]*>', ana.get(BILLING).text)
    assert "data-ref" not in of_balance
    assert f'data-ref="{bill.ref}"' in of_invoice
    page = ana.get(pay_page(bill))
    assert "$140.00" in page.content.decode()
    assert f"form-action 'self' {till.stripe.url}" in page.headers["Content-Security-Policy"]
    to_stripe = ana.post(pay_page(bill), {"with": "new", "amount": "14000"})
    assert to_stripe.status_code == 302
    assert to_stripe["Location"].startswith(till.stripe.url)
    attempt = PaymentAttempt.objects.get()
    till.type_card(attempt)
    back = ana.get(f"/portal/alder-street/payments/{attempt.ref}/")
    assert "<h1>Paid</h1>" in back.content.decode()
    assert "Visa ending 4242" in back.content.decode()
    bill.refresh_from_db()
    assert bill.is_paid
    assert (len(till.book), Payment.objects.count()) == (1, 1)
    assert OutgoingEmail.objects.filter(kind="receipt").count() == 1
    assert b'data-status="paid"' in ana.get(BILLING).content


def test_home_links_to_paying_the_balance(ana: Browser, bill: Invoice, till: Till) -> None:
    home = "/portal/alder-street/home/"
    cast.bill(bill.client, 5_000)
    page = ana.get(home).content.decode()
    assert 'aria-label="Pay Now: full balance, $190.00"' in page
    assert f'href="{BILLING}payment/"' in page
    api_keys.remove_keys(till.practice, by=cast.DESK)
    without = ana.get(home).content.decode()
    assert "Pay Now" not in without
    assert "See invoices" in without


def test_paid_invoice_links_to_its_receipt(ana: Browser, bill: Invoice, till: Till) -> None:
    payment = cast.cash(bill.client, 4_000, invoice=bill)
    receipt = f"/portal/alder-street/receipts/{payment.ref}/"
    assert receipt not in ana.get(BILLING).content.decode()
    assert re.search(r"Balance on invoice 1</dt>\s*<dd>\$100\.00", ana.get(receipt).content.decode())
    assert "Questions? Call" in ana.get(receipt).content.decode()
    till.type_card(till.start(bill.client, bill))
    ana.get(f"/portal/alder-street/payments/{PaymentAttempt.objects.get().ref}/")
    # Paid with two payments: the invoice page lists both receipts.
    assert receipt not in ana.get(BILLING).content.decode()
    other = cast.bill(bill.client, 5_000)
    alone = cast.cash(bill.client, 5_000, invoice=other)
    assert f"/portal/alder-street/receipts/{alone.ref}/" in ana.get(BILLING).content.decode()


@pytest.mark.parametrize(
    ("language", "told"),
    [("en", ["Nov 23, 2026", "Visa ending 4242"]), ("es", ["23 nov 2026", "Visa terminada en 4242"])],
)
def test_receipt_email_has_the_pages_formats(
    ana: Browser, bill: Invoice, till: Till, language: str, told: list[str]
) -> None:
    Client.objects.update(language=language)
    till.type_card(till.start(bill.client, bill))
    ana.get(f"/portal/alder-street/payments/{PaymentAttempt.objects.get().ref}/")
    mail = OutgoingEmail.objects.select_related("practice").get(kind="receipt")
    letter = outbox.composer_of("receipt").compose(mail, None)
    assert [words for words in told if words not in letter.text or words not in letter.html] == []


def test_the_full_balance_pays_every_invoice_at_once(ana: Browser, bill: Invoice, till: Till) -> None:
    other = cast.bill(bill.client, 5_000)
    shown = quotes.of_balance(bill.client).digest
    ana.post(f"{BILLING}payment/", {"with": "new", "amount": "19000", "shown": shown})
    attempt = PaymentAttempt.objects.get()
    till.type_card(attempt)
    assert "for 2 invoices" in ana.get(f"/portal/alder-street/payments/{attempt.ref}/").content.decode()
    for each in (bill, other):
        each.refresh_from_db()
        assert each.is_paid
    assert [charge.amount for charge in till.book] == [19_000]


def test_abandoned_payment_is_continued_or_restarted(ana: Browser, bill: Invoice, till: Till) -> None:
    first = ana.post(pay_page(bill), {"with": "new", "amount": "14000"})["Location"]
    attempt = PaymentAttempt.objects.get()
    again = ana.get(pay_page(bill))
    assert ref_in(again["Location"]) == attempt.ref
    shown = ana.get(again["Location"]).content.decode()
    assert "You started a payment" in shown
    assert first in shown.replace("&amp;", "&")
    again = ana.post(f"/portal/alder-street/payments/{attempt.ref}/again/")
    assert again["Location"] == pay_page(bill)
    attempt.refresh_from_db()
    assert attempt.state == AttemptState.EXPIRED
    with pytest.raises(ValueError, match="expired"):
        till.type_card(attempt)
    assert ana.post(pay_page(bill), {"with": "new", "amount": "14000"})["Location"] not in {first, ""}


def test_restart_fails_while_stripe_is_unreachable(ana: Browser, bill: Invoice, till: Till) -> None:
    ana.post(pay_page(bill), {"with": "new", "amount": "14000"})
    attempt = PaymentAttempt.objects.get()
    till.stripe.stop()
    answer = ana.post(f"/portal/alder-street/payments/{attempt.ref}/again/", follow=True)
    assert "We can’t reach Stripe at the moment." in answer.content.decode()
    assert "You started a payment" in answer.content.decode()
    attempt.refresh_from_db()
    assert attempt.state == AttemptState.OPEN


def test_removing_a_card_shows_a_notice(ana: Browser, bill: Invoice, till: Till) -> None:
    till.type_card(till.start(bill.client, bill, save=True))
    ana.get(f"/portal/alder-street/payments/{PaymentAttempt.objects.get().ref}/")
    card = SavedCard.objects.get()
    page = ana.post(f"/portal/alder-street/cards/{card.ref}/removing/", follow=True)
    assert "The card was removed." in page.content.decode()
    assert b"saved-card" not in page.content
    assert settings.SESSION_COOKIE_NAME not in ana.cookies
    assert "The card was removed." not in ana.get(f"{BILLING}?said=anything").content.decode()


def test_expired_session_charges_nothing_and_leads_back(
    ana: Browser, bill: Invoice, stopped_clock: time_machine.Traveller
) -> None:
    stopped_clock.shift(timedelta(minutes=31))
    door = ana.post(pay_page(bill), {"with": "new", "amount": "14000"}, follow=True).content.decode()
    assert "You were signed out" in door
    back = re.search(r'name="next" value="([^"]*)"', door)
    assert back is not None
    assert back[1].startswith(f"{pay_page(bill)}?kept=")
    assert not PaymentAttempt.objects.exists()
    ana.post("/portal/alder-street/again/", {"by": "session", "next": back[1]})
    request_worker.process_next()
    link = sign_in_links.url_of(cast.handed_over(SignInRequest.objects.get()))
    ana.get(link.removeprefix(settings.PUBLIC_BASE_URL))
    assert ana.post("/portal/alder-street/link/")["Location"] == back[1]


def test_pin_session_pays_but_saves_no_card(client: Browser, bill: Invoice, till: Till) -> None:
    person = let_pay(bill.client)
    sign_in_pins.generate(person, form_key="k" * 43, by=cast.DESK)
    shown = sign_in_pins.digits(person, "k" * 43, to=cast.DESK)
    assert shown is not None
    client.post("/portal/alder-street/pin/", {"email": "ana@mail.example", "pin": shown[1]})
    assert b"Save Card" not in client.get(pay_page(bill)).content
    client.post(pay_page(bill), {"with": "new", "save_card": "on", "amount": "14000"})
    attempt = PaymentAttempt.objects.get()
    till.type_card(attempt)
    assert b"<h1>Paid</h1>" in client.get(f"/portal/alder-street/payments/{attempt.ref}/").content
    assert not SavedCard.objects.exists()


def test_a_bill_past_due_says_when_it_was_due_and_can_be_paid(ana: Browser, bill: Invoice) -> None:
    late = cast.bill(bill.client, due_on=clock.today(bill.practice.time_zone) - timedelta(days=3))
    page = ana.get(f"{BILLING}{late.ref}/").content.decode()
    assert "Was due Nov 20" in page
    assert "Due Nov 20" not in page
    assert 'aria-label="Pay Now: invoice 2, $140.00"' in page


def test_double_submission_leads_to_the_same_page(ana: Browser, bill: Invoice) -> None:
    first, second = (ana.post(pay_page(bill), {"with": "new", "amount": "14000"})["Location"] for _ in range(2))
    assert first == second
    assert PaymentAttempt.objects.count() == 1


@pytest.mark.parametrize(("amount", "says"), [(49, "too small"), (100_000_000, "too large")])
def test_amount_stripe_refuses_has_no_pay_now(client: Browser, till: Till, amount: int, says: str) -> None:
    bill = cast.bill(cast.ana(till.practice), amount)
    ana = signed_in_to_pay(client, bill.client)
    for page in (ana.get(BILLING).text, ana.get(f"{BILLING}{bill.ref}/").text):
        assert 'data-testid="pay-now"' not in page
        assert f"This amount is {says} for a card payment" in page
        assert 'Call the practice to pay another way. <a class="go" href="tel:+12125550177">' in page
    for address in (pay_page(bill), f"{BILLING}payment/"):
        assert ana.post(address, {"with": "new", "amount": "14000"}).status_code == 409
    assert not PaymentAttempt.objects.exists()


@pytest.mark.parametrize("is_ticked", [False, True])
def test_an_invoice_that_cannot_be_paid_by_card_says_how_to_pay(
    ana: Browser, bill: Invoice, django_assert_max_num_queries: DjangoAssertNumQueries, *, is_ticked: bool
) -> None:
    address, says = f"{BILLING}{bill.ref}/", "You can’t pay by card here at the moment."
    ana.get(address)
    with CaptureQueriesContext(connection) as payable:
        assert says not in ana.get(address).text
    PortalAccess.objects.update(pay_by_card=is_ticked)
    if is_ticked:
        Practice.objects.update(card_state=CardState.NOT_SET_UP)
    with django_assert_max_num_queries(len(payable)):
        page = plain(ana.get(address).content)
    assert f"{says} Call (212) 555-0177 to pay another way." in page
    Practice.objects.update(phone="")
    assert f"{says} Ask us about other ways to pay." in plain(ana.get(address).content)
    invoicing.void(bill, reason="Created by mistake", shown=None, by=cast.DESK)
    assert says not in ana.get(address).text


def test_small_invoice_is_paid_with_the_balance(client: Browser, till: Till) -> None:
    person = cast.ana(till.practice)
    small, large = cast.bill(person, 49), cast.bill(person, 5_000)
    page = signed_in_to_pay(client, person).get(BILLING).text
    assert "too small" not in page
    assert [f'data-testid="pay-now" data-ref="{each.ref}"' in page for each in (small, large)] == [False, True]
    assert "Pay Now: full balance, $50.49" in page


def test_processing_page_refreshes_without_script(ana: Browser, bill: Invoice, till: Till) -> None:
    till.type_card(till.start(bill.client, bill, save=True))
    ana.get(f"/portal/alder-street/payments/{PaymentAttempt.objects.get().ref}/")
    other = cast.bill(bill.client)
    till.stripe.fault("lost", "/v1/payment_intents", method="POST")
    page = ana.post(pay_page(other), {"with": SavedCard.objects.get().ref, "amount": "14000"})["Location"]
    till.stripe.fault("503", times=9)
    words = ana.get(page).text
    assert "<h1>Processing</h1>" in words
    assert words.count("http-equiv") == 1
    assert '<noscript><meta http-equiv="refresh" content="10; url=?background=1"></noscript>' in words
    assert re.search(rf'<a class="button wide" href="{page}">.*Check again</a>', words)
    till.stripe.clear_faults()
    PaymentAttempt.objects.update(lease_until=None)
    assert "<h1>Paid</h1>" in ana.get(page).text


def test_card_missing_at_stripe_is_no_longer_offered(ana: Browser, bill: Invoice, till: Till) -> None:
    first = cast.bill(bill.client, 1_000)
    attempt = till.start(bill.client, first, save=True)
    till.type_card(attempt)
    ana.get(f"/portal/alder-street/payments/{attempt.ref}/")
    card = SavedCard.objects.get()
    till.stripe.detach_card(card.payment_method_id)
    answer = ana.post(pay_page(bill), {"pay": "saved", "with": card.ref, "amount": "14000"})
    assert answer.status_code == 409
    assert "This card is no longer saved. Choose another one. Nothing was charged." in answer.text
    assert "4242" not in answer.text
    assert ana.post(pay_page(bill), {"with": "new", "amount": "14000"})["Location"].startswith(till.stripe.url)


def test_refused_request_is_not_called_a_declined_card(ana: Browser, bill: Invoice, till: Till) -> None:
    till.stripe.fault("refuse", "/v1/checkout/sessions", method="POST", code="url_invalid")
    answer = ana.post(pay_page(bill), {"with": "new", "amount": "14000"})
    assert "Stripe didn’t accept this payment. Nothing was charged. Call the practice" in answer.text
    attempt = PaymentAttempt.objects.get()
    page = ana.get(f"/portal/alder-street/payments/{attempt.ref}/").text
    assert "We couldn’t make the payment" in page
    assert "declined" not in page


def test_unchargeable_amount_shows_a_reason(client: Browser, till: Till) -> None:
    till.bill_in("KWD")
    person = cast.ana(till.practice)
    bill = cast.bill(person, 12_345)
    browser = signed_in_to_pay(client, person)
    for address in (BILLING, f"{BILLING}{bill.ref}/"):
        page = browser.get(address).text
        assert "A card can only be charged in steps of KWD\xa00.010. Call the practice" in page
        assert 'data-testid="pay-now"' not in page
    assert browser.get(pay_page(bill)).status_code == 409


@pytest.mark.parametrize(("amount", "is_told"), [("14000", False), ("9900", True)])
def test_different_second_order_says_it_was_not_charged(
    ana: Browser, bill: Invoice, till: Till, amount: str, *, is_told: bool
) -> None:
    till.type_card(attempt := till.start(bill.client, bill))
    polling.poll(attempt)
    answer = ana.post(pay_page(bill), {"with": "new", "amount": amount}, follow=True)
    assert answer.redirect_chain[-1][0].startswith(f"/portal/alder-street/payments/{attempt.ref}/")
    assert ("We didn’t charge you again." in plain(answer.content)) is is_told
    assert PaymentAttempt.objects.get() == attempt
