"""Every office action on money as an open page, with changes that make its amounts outdated."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from portico.domain.billing.invoices import invoicing, service_items
from portico.domain.billing.invoices.invoice_input import InvoiceInput, LineInput
from portico.domain.billing.ledger import allocation, locks
from portico.domain.billing.models import (
    AttemptState,
    Credit,
    Dispute,
    DisputeState,
    Invoice,
    Payment,
    PaymentAttempt,
    ServiceItem,
)
from portico.domain.billing.payments import account_credits, refunds
from portico.domain.clients.models import Client
from portico.domain.practices.stripe_setup import api_keys
from portico.domain.practices.stripe_setup.api_keys import Keys
from portico.plumbing import clock
from tests import cast

MISTAKE = {"why": "Created by mistake"}
PRICE = {"why": "Wrong price"}


@dataclass(frozen=True)
class Open:
    """A page, its form's action and input, and the change made in another tab meanwhile."""

    page: str
    meanwhile: Callable[[], object]
    says: str
    to: str = ""
    typed: dict[str, str] = field(default_factory=dict)


def voiding(ana: Client) -> Open:
    bill = cast.bill(ana)
    words = "This invoice has been paid since you opened this page. Nothing was changed."
    return Open(
        f"/office/invoices/{bill.ref}/void/", lambda: cast.cash(ana, 14_000, invoice=bill), words, typed=MISTAKE
    )


def voiding_and_reissuing(ana: Client) -> Open:
    bill = cast.bill(ana)
    words = "Part of this invoice has been paid since you opened this page."
    typed = MISTAKE | {"copy_to_draft": "on"}
    return Open(f"/office/invoices/{bill.ref}/void/", lambda: cast.cash(ana, 5_000, invoice=bill), words, typed=typed)


def recording_for_an_invoice(ana: Client) -> Open:
    bill = cast.bill(ana)
    words = "Part of this invoice has been paid since you opened this page."
    page = f"/office/invoices/{bill.ref}/payment/"
    return Open(page, lambda: cast.cash(ana, 5_000, invoice=bill), words, typed={"kind": "cash"})


def recording_for_an_account(ana: Client) -> Open:
    cast.bill(ana)
    words = "This client’s balance has changed since you opened this page."
    typed = {"kind": "cash", "amount": "140"}
    return Open(f"/office/clients/{ana.ref}/billing/payment/", lambda: cast.cash(ana, 14_000), words, typed=typed)


def giving_credit(ana: Client) -> Open:
    cast.bill(ana)
    words = "This client’s balance has changed since you opened this page."
    typed = {"amount": "20", "reason": "Goodwill"}
    return Open(f"/office/clients/{ana.ref}/billing/credit/", lambda: credit(ana), words, typed=typed)


def refunding_after_a_refund(ana: Client) -> Open:
    paid = cast.cash(ana, 14_000)
    words = "Money from this payment has been refunded since you opened this page."
    typed = PRICE | {"amount": "40"}
    return Open(f"/office/payments/{paid.ref}/refund/", lambda: refund(paid), words, typed=typed)


def taking_a_payment_back(ana: Client) -> Open:
    paid = cast.cash(ana, 14_000)
    words = "The amounts on this page have changed since you opened it."
    page = f"/office/payments/{paid.ref}/taking-back/"
    return Open(page, lambda: cast.bill(ana), words, typed={"why": "The check bounced"})


def keeping_what_waits_for_a_refund(ana: Client) -> Open:
    paid = cast.cash(ana, 14_000)
    account_credits.ask_for_refund(paid, reason="Paid twice")
    words = "The available amount of this credit has changed since you opened this page."
    page, to = f"/office/clients/{ana.ref}/billing/", f"/office/payments/{paid.ref}/keeping/"
    return Open(page, lambda: refund(paid), words, to)


def taking_a_credit_back(ana: Client) -> Open:
    given = credit(ana)
    words = "The available amount of this credit has changed since you opened this page."
    page, to = f"/office/clients/{ana.ref}/billing/", f"/office/credits/{given.ref}/taking-back/"
    return Open(page, lambda: cast.bill(ana), words, to)


def sharing_an_invoice(ana: Client) -> Open:
    bill = cast.bill(ana, shared=False)
    return of_invoice(bill, "sharing")


def unsharing_an_invoice(ana: Client) -> Open:
    return of_invoice(cast.bill(ana), "unsharing")


def sending_the_mail_again(ana: Client) -> Open:
    return of_invoice(cast.bill(ana), "telling")


def of_invoice(bill: Invoice, act: str) -> Open:
    words, page = "This invoice has been paid since you opened this page.", f"/office/invoices/{bill.ref}/"
    return Open(page, lambda: cast.cash(bill.client, 14_000, invoice=bill), words, f"{page}{act}/")


def issuing_a_draft(ana: Client) -> Open:
    return of_draft(ana, "issuing")


def discarding_a_draft(ana: Client) -> Open:
    return of_draft(ana, "discarding")


def of_draft(ana: Client, act: str) -> Open:
    """Changes the lines, but not their sum."""
    draft = invoicing.create_draft(ana, entry("Session"), by=cast.DESK)
    page = f"/office/invoices/{draft.ref}/"
    words = "This draft has changed since you opened this page."
    return Open(
        f"{page}draft/",
        lambda: invoicing.edit_draft(draft, entry("Report"), version=1, by=cast.DESK),
        words,
        f"{page}{act}/",
    )


def sharing_all(ana: Client) -> Open:
    cast.bill(ana, shared=False)
    words = "The list has changed since you opened this page."
    return Open("/office/invoices/sharing/", lambda: cast.bill(ana, shared=False), words)


def releasing_a_payment_in_review(ana: Client) -> Open:
    attempt = cast.attempt(cast.bill(ana))
    rows = PaymentAttempt.objects.filter(pk=attempt.pk)
    rows.update(state=AttemptState.PROCESSING, unknown_since=clock.now() - timedelta(days=2))
    words = "The amounts on this page have changed since you opened it."
    typed = {"why": "Payment not found in Stripe"}
    page = f"/office/attempts/{attempt.ref}/releasing/"
    found = {"state": AttemptState.QUARANTINED, "found_minor": 9_900, "found_currency": "USD", "found_livemode": False}
    return Open(page, lambda: rows.update(**found), words, typed=typed)


def removing_test_payments(ana: Client) -> Open:
    cast.charged(cast.attempt(cast.bill(ana)))
    words = "The list has changed since you opened this page."
    return Open("/office/settings/payments/tests/", lambda: cast.charged(cast.attempt(cast.bill(ana, 5_000))), words)


def refunding_what_is_disputed(ana: Client) -> Open:
    paid = charged(ana)
    words = "The cardholder has disputed this payment since you opened this page."
    typed = PRICE | {"amount": "40"}
    return Open(f"/office/payments/{paid.ref}/refund/", lambda: dispute(paid), words, typed=typed)


def refunding_what_was_lost(ana: Client) -> Open:
    paid = charged(ana)
    words = "Money from this payment was lost to a dispute since you opened this page."
    typed = PRICE | {"amount": "40"}
    return Open(
        f"/office/payments/{paid.ref}/refund/",
        lambda: lose(paid),
        words,
        typed=typed,
    )


def changing_a_price(ana: Client) -> Open:
    item = service_items.save(
        ana.practice, code=f"S{ana.pk}", label="Session", price_minor=14_000, shown=None, by=cast.DESK
    )
    words = "This price has changed since you opened this page."
    return Open(
        f"/office/settings/services/{item.ref}/",
        lambda: dearer(item),
        words,
        typed={"price": "150.50"},
    )


def archiving_a_price(ana: Client) -> Open:
    priced = changing_a_price(ana)
    return Open("/office/settings/services/", priced.meanwhile, priced.says, f"{priced.page}retiring/")


def dearer(item: ServiceItem) -> ServiceItem:
    return service_items.save(
        item.practice, code=item.code, label="Session", price_minor=15_000, item=item, shown=None, by=cast.DESK
    )


def credit(ana: Client) -> Credit:
    return account_credits.give(ana, amount_minor=2_000, reason="Goodwill", shown=None, by=cast.DESK)


def refund(paid: Payment) -> object:
    return refunds.record_manual_refund(paid, amount_minor=1_000, reason="Too much", shown=None, by=cast.DESK)


def lose(paid: Payment) -> None:
    with locks.lock_books(paid.client):
        allocation.reverse_for_dispute(dispute(paid, state=DisputeState.LOST))


def charged(ana: Client) -> Payment:
    """Returns a card payment of a practice that can refund through Stripe."""
    api_keys.save_unchecked(ana.practice, Keys("sk_test_demo", "whsec_demo"), by=cast.DESK)
    return cast.charged(cast.attempt(cast.bill(ana)))


def dispute(paid: Payment, *, state: DisputeState = DisputeState.OPEN) -> Dispute:
    return Dispute.objects.create(
        practice=paid.practice,
        payment=paid,
        stripe_dispute_id=f"dp_{paid.ref}",
        amount_minor=5_000,
        currency="USD",
        state=state,
    )


def entry(label: str) -> InvoiceInput:
    return InvoiceInput(clock.today("UTC"), lines=(LineInput(label, 14_000),))


ACTS = (
    voiding,
    voiding_and_reissuing,
    recording_for_an_invoice,
    recording_for_an_account,
    giving_credit,
    refunding_after_a_refund,
    refunding_what_is_disputed,
    refunding_what_was_lost,
    taking_a_payment_back,
    keeping_what_waits_for_a_refund,
    taking_a_credit_back,
    sharing_an_invoice,
    unsharing_an_invoice,
    sending_the_mail_again,
    issuing_a_draft,
    discarding_a_draft,
    sharing_all,
    releasing_a_payment_in_review,
    removing_test_payments,
    changing_a_price,
    archiving_a_price,
)
