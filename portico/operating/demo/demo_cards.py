"""The demo's card payments, made at the sandbox Stripe, which must be running: one disputed, one left processing."""

from http.client import HTTPConnection
from urllib.parse import urlencode, urlsplit

from portico.domain.access import access_lookups
from portico.domain.billing.card_payments import payment_initiation, polling
from portico.domain.billing.card_payments.quotes import Payer, PaymentOrder
from portico.domain.billing.models import Invoice, PaymentAttempt
from portico.domain.billing.stripe_sync import disputes
from portico.domain.practices.stripe_setup import payment_readiness
from portico.plumbing.actors import Actor, ActorKind

PAYS, IS_DISPUTED, STAYS_PROCESSING = "4242424242424242", "4000000000000259", "4000000000007742"


def pay(invoice: Invoice, number: str = PAYS) -> None:
    """Pays an invoice as its client would, on Stripe's page."""
    polling.poll(_enter_card(_start(invoice), number))


def pay_and_dispute(invoice: Invoice) -> None:
    """Pays an invoice with a card whose holder disputes the charge."""
    attempt = polling.poll(_enter_card(_start(invoice), IS_DISPUTED))
    payment = attempt.payment
    stripe = payment_readiness.read_client_of(payment)
    if stripe is None:
        raise LookupError("The demo's practice has no Stripe key.")
    disputes.apply_disputes_of(payment, stripe)


def _start(invoice: Invoice) -> PaymentAttempt:
    client = invoice.client
    access = access_lookups.access_of(client)
    if access is None or access.account is None:
        raise LookupError(f"{client.name} has no portal account.")
    by = Actor(ActorKind.CLIENT, client.name, account_id=access.account.pk)
    return payment_initiation.start_payment(Payer(access.account, client, by), PaymentOrder(invoice))


def _enter_card(attempt: PaymentAttempt, number: str) -> PaymentAttempt:
    """Submits the form of Stripe's page. Its redirect is not followed: the demo's web server is not running yet."""
    page = urlsplit(attempt.checkout_url)
    form = urlencode({"number": number, "expires": "12 / 40", "code": "123", "name": attempt.client.name})
    connection = HTTPConnection(page.netloc, timeout=10)
    try:
        connection.request("POST", page.path, form, {"Content-Type": "application/x-www-form-urlencoded"})
        if connection.getresponse().status >= 400:
            raise LookupError("The sandbox Stripe did not take the card.")
    finally:
        connection.close()
    return attempt
