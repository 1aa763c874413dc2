"""What a client would pay by card at this moment, and whether they may."""

from dataclasses import dataclass

from django.utils.translation import get_language

from portico.domain.access import eligibility
from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import PortalAccess
from portico.domain.billing.card_payments.payment_refusals import (
    BetweenSteps,
    BooksBeingChecked,
    CardsTurnedOff,
    CurrencyNotTaken,
    NothingToPay,
    TooLarge,
    TooSmall,
)
from portico.domain.billing.models import Invoice
from portico.domain.billing.refusals import InvoicePaid, Processing
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.domain.practices.stripe_setup.payment_readiness import CardsNotAccepted
from portico.gateways.stripe import currencies as at_stripe
from portico.plumbing import tokens
from portico.plumbing.models import Restoration
from portico.plumbing.refusals import Refused
from portico.plumbing.text import money


@dataclass(frozen=True)
class Quote:
    """Whole invoices with what is left to pay on each, in the order of their ids."""

    invoices: tuple[Invoice, ...]
    is_balance: bool
    currency: str

    @property
    def amount_minor(self) -> int:
        return sum(invoice.still_open_minor for invoice in self.invoices)

    @property
    def digest(self) -> str:
        """Names the invoices and what is left on each; another invoice of the same amount gives another digest."""
        return tokens.digest(",".join(f"{each.ref}:{each.still_open_minor}" for each in self.invoices))[:32]


def of_balance(client: Client) -> Quote:
    """Everything shared that is still to pay, but what is Processing. May be empty."""
    owed = client.invoices.not_processing().shared().order_by("id")
    return Quote(tuple(owed), is_balance=True, currency=client.practice.currency)


def of_invoice(invoice: Invoice) -> Quote:
    """All that is left on one shared invoice. Raises InvoicePaid, Processing."""
    fresh = Invoice.objects.with_attempts().get(pk=invoice.pk)
    if fresh.is_processing:
        raise Processing
    if fresh.is_void or fresh.still_open_minor <= 0:
        raise InvoicePaid
    return Quote((fresh,), is_balance=False, currency=fresh.currency)


def refuse_unless_chargeable(quote: Quote) -> None:
    """Raises NothingToPay and what `refuse_amount` does."""
    if not quote.invoices or quote.amount_minor <= 0:
        raise NothingToPay
    refuse_amount(quote.amount_minor, quote.currency)


def refuse_amount(amount_minor: int, currency: str) -> None:
    """Raises TooSmall, TooLarge, BetweenSteps, CurrencyNotTaken."""
    if amount_minor < at_stripe.minimum_charge_minor(currency):
        raise TooSmall
    try:
        at_stripe.to_stripe(amount_minor, currency)
    except at_stripe.NotInTheTable as trouble:
        raise CurrencyNotTaken from trouble
    except at_stripe.BetweenSteps as trouble:
        raise BetweenSteps(step_of(currency)) from trouble
    except at_stripe.OutOfRange as trouble:
        raise TooLarge from trouble


def step_of(currency: str) -> str:
    """What a charge must be a multiple of, as it is shown: KWD 0.010."""
    return money.formatted(at_stripe.step_minor(currency), currency, language=get_language())


def refuse_unless_open(practice: Practice, access: PortalAccess | None) -> None:
    """Raises CardsTurnedOff, CardsNotTaken, BooksBeingChecked. Asked anew at each request."""
    if not eligibility.is_eligible(access, Purpose.CARD_PAYMENT):
        raise CardsTurnedOff
    if not practice.takes_cards:
        raise CardsNotAccepted
    if Restoration.objects.unreconciled().filter(practice=practice).exists():
        raise BooksBeingChecked


def is_open(practice: Practice, access: PortalAccess) -> bool:
    """Whether there is a `Pay Now` at all."""
    try:
        refuse_unless_open(practice, access)
    except Refused:
        return False
    return True


def is_chargeable(amount_minor: int, currency: str) -> bool:
    """Whether Stripe would take such an amount."""
    return not why_not_chargeable(amount_minor, currency)


def why_not_chargeable(amount_minor: int, currency: str) -> str:
    """What a client is told in place of `Pay Now`; empty when Stripe would take such an amount."""
    try:
        refuse_amount(amount_minor, currency)
    except Refused as refusal:
        return str(refusal)
    return ""
