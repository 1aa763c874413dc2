"""Quotes and orders: what a client can pay by card now, whether that is open to them, and a request to pay it."""

from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.translation import get_language

from portico.domain.access import eligibility
from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import PortalAccess, PortalAccount
from portico.domain.billing.card_payments.payment_refusals import (
    BetweenSteps,
    BooksBeingChecked,
    CardsTurnedOff,
    CurrencyNotTaken,
    NothingToPay,
    TooLarge,
    TooSmall,
)
from portico.domain.billing.models import AttemptMethod, Invoice, PaymentAttempt, SavedCard
from portico.domain.billing.refusals import InvoicePaid, Processing
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.domain.practices.stripe_setup.payment_readiness import CardsNotAccepted
from portico.gateways.stripe import currencies as at_stripe
from portico.plumbing import tokens
from portico.plumbing.actors import Actor
from portico.plumbing.database.compiled import CompiledQuery, Parameter
from portico.plumbing.refusals import Refused
from portico.plumbing.text import money


@dataclass(frozen=True)
class Quote:
    """Invoices to pay in full, each with its amount due, ordered by id."""

    invoices: tuple[Invoice, ...]
    is_balance: bool
    currency: str

    @property
    def amount_minor(self) -> int:
        return sum(invoice.still_open_minor for invoice in self.invoices)

    @property
    def digest(self) -> str:
        """Returns a digest of the invoices and their amounts due; two invoices of one amount have different digests."""
        return tokens.digest(",".join(f"{each.ref}:{each.still_open_minor}" for each in self.invoices))[:32]


@dataclass(frozen=True)
class Payer:
    """The account that pays and the client it pays for; `may_save` is False in a session that began with a PIN."""

    account: PortalAccount
    client: Client
    by: Actor
    may_save: bool = True


@dataclass(frozen=True)
class PaymentOrder:
    """A request to pay: without an invoice the full balance, without a card a new card on Stripe's page.

    `amount_minor` and `digest` are those of the `Quote` on the page; a payment that no longer matches is refused.
    """

    invoice: Invoice | None = None
    card: SavedCard | None = None
    amount_minor: int | None = None
    digest: str | None = None
    consent_text: str = ""

    @property
    def method(self) -> AttemptMethod:
        return AttemptMethod.SAVED_CARD if self.card else AttemptMethod.CHECKOUT

    def is_for(self, attempt: PaymentAttempt) -> bool:
        """Returns True if the attempt has the method, the card and the consent of the order."""
        return (attempt.method, attempt.card_id, attempt.save_card) == (
            self.method,
            self.card.pk if self.card else None,
            bool(self.consent_text),
        )


def quote_for(client: Client, invoice: Invoice | None) -> Quote:
    """Returns a quote for the invoice, or without one for the balance. Raises InvoicePaid, Processing."""
    return of_balance(client) if invoice is None else of_invoice(invoice)


def of_balance(client: Client) -> Quote:
    """Returns a quote for all shared invoices with an amount due, except those being processed. May be empty."""
    owed = client.invoices.not_processing().shared().order_by("id")
    return Quote(tuple(owed), is_balance=True, currency=client.practice.currency)


def of_invoice(invoice: Invoice) -> Quote:
    """Returns a quote for the amount due on one shared invoice, read again. Raises as `of_found_invoice` does."""
    return of_found_invoice(Invoice.objects.with_attempts().get(pk=invoice.pk))


def of_found_invoice(invoice: Invoice) -> Quote:
    """Returns a quote for an invoice that `find_invoice` has just read.

    Raises NothingToPay, InvoicePaid, Processing.
    """
    if not invoice.is_shared:  # Since the payer opened the page.
        raise NothingToPay
    if invoice.is_processing:
        raise Processing
    if invoice.is_void or invoice.still_open_minor <= 0:
        raise InvoicePaid
    return Quote((invoice,), is_balance=False, currency=invoice.currency)


def find_invoice(client: Client, ref: str) -> Invoice | None:
    """Returns a shared invoice of the client, if it is one."""
    return _shared_by_ref.first(client=client.pk, ref=ref)


@CompiledQuery
def _shared_by_ref(client: Parameter, ref: Parameter) -> QuerySet[Invoice]:
    return Invoice.objects.filter(client=client, ref=ref).shared().with_attempts()


def refuse_unless_chargeable(quote: Quote) -> None:
    """Raises NothingToPay and the refusals of `refuse_amount`."""
    if not quote.invoices or quote.amount_minor <= 0:
        raise NothingToPay
    refuse_amount(quote.amount_minor, quote.currency)


def refuse_amount(amount_minor: int, currency: str) -> None:
    """Raises TooSmall, TooLarge, BetweenSteps, CurrencyNotTaken."""
    if amount_minor < at_stripe.minimum_charge_minor(currency):
        raise TooSmall
    try:
        at_stripe.to_stripe(amount_minor, currency)
    except at_stripe.NotInTheTable as error:
        raise CurrencyNotTaken from error
    except at_stripe.NotInSteps as error:
        raise BetweenSteps(step_of(currency)) from error
    except at_stripe.OutOfRange as error:
        raise TooLarge from error


def step_of(currency: str) -> str:
    """Returns the formatted amount that a charge must be a multiple of: KWD 0.010."""
    return money.formatted(at_stripe.step_minor(currency), currency, language=get_language())


def refuse_unless_open(practice: Practice, access: PortalAccess | None) -> None:
    """Raises CardsTurnedOff, CardsNotAccepted, BooksBeingChecked. Needs the access from `with_restoration`."""
    if access is None or not eligibility.is_eligible(access, Purpose.CARD_PAYMENT):
        raise CardsTurnedOff
    if not practice.takes_cards:
        raise CardsNotAccepted
    if not access.is_practice_reconciled:
        raise BooksBeingChecked


def is_open(practice: Practice, access: PortalAccess) -> bool:
    """Returns True if `Pay Now` is offered at all. Needs the access from `with_restoration`."""
    try:
        refuse_unless_open(practice, access)
    except Refused:
        return False
    return True


def is_chargeable(amount_minor: int, currency: str) -> bool:
    """Returns True if Stripe accepts such an amount."""
    return not why_not_chargeable(amount_minor, currency)


def why_not_chargeable(amount_minor: int, currency: str) -> str:
    """Returns the sentence shown in place of `Pay Now`; empty if Stripe accepts such an amount."""
    try:
        refuse_amount(amount_minor, currency)
    except Refused as refusal:
        return str(refusal)
    return ""
