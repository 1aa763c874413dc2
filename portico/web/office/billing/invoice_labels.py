"""How an invoice stands, in words and tones; and why a client does not see it or cannot be told."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.translation import gettext as _

from portico import currency_table
from portico.domain.access import eligibility
from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import PortalAccess
from portico.domain.audit_actions import AuditAction
from portico.domain.billing.card_payments import quotes
from portico.domain.billing.card_payments.payment_refusals import BetweenSteps, CurrencyNotTaken, TooLarge, TooSmall
from portico.domain.billing.models import Invoice, InvoiceStatus
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.gateways.stripe import currencies as stripe_money
from portico.plumbing import clock
from portico.plumbing.models import AuditEntry
from portico.plumbing.text import money

TONES = {
    InvoiceStatus.DRAFT: ("quiet", "pencil"),
    InvoiceStatus.UNPAID: ("wait", "hourglass"),
    InvoiceStatus.PAST_DUE: ("bad", "clock-alert"),
    InvoiceStatus.PROCESSING: ("accent", "loader-circle"),
    InvoiceStatus.PAID: ("good", "check"),
    InvoiceStatus.VOID: ("quiet", "ban"),
}


@dataclass(frozen=True)
class InvoiceStatusLabel:
    """An invoice's status with the look it has everywhere."""

    status: InvoiceStatus
    tone: str
    icon: str
    # When the client first opened it; None also where nobody has asked.
    seen_at: datetime | None = None
    is_not_seen: bool = False

    @property
    def label(self) -> str:
        return str(self.status.label)


def status_label(invoice: Invoice) -> InvoiceStatusLabel:
    """As of today in the practice's zone."""
    status = invoice.status_on(clock.today(invoice.practice.time_zone))
    return InvoiceStatusLabel(status, *TONES[status])


def status_labels(client: Client, invoices: Sequence[Invoice]) -> list[tuple[Invoice, InvoiceStatusLabel]]:
    """Each with its standing, and whether the client has opened it; one query for all of them."""
    refs = [invoice.ref for invoice in invoices]
    entries = AuditEntry.objects.filter(client=client, verb=AuditAction.INVOICE_SEEN, about__in=refs).order_by("-id")
    seen = dict(entries.values_list("about", "at"))
    return [(invoice, _with_seen(invoice, seen.get(invoice.ref))) for invoice in invoices]


def _with_seen(invoice: Invoice, at: datetime | None) -> InvoiceStatusLabel:
    waits = invoice.is_shared and at is None and not (invoice.is_void or invoice.is_paid)
    return replace(status_label(invoice), seen_at=at, is_not_seen=waits)


def why_not_by_card(amount_minor: int, practice: Practice) -> str:
    """Why a card could not be charged what is to pay, and what staff can do; empty when it could be.

    The steps of a currency are told even before the practice takes cards: prices can still be chosen then.
    """
    try:
        quotes.refuse_amount(amount_minor, practice.currency)
    except BetweenSteps:
        words = _(
            "Stripe charges cards in %(currency)s only in steps of %(step)s, so %(amount)s can’t be paid by card. "
            "Change a price or quantity, or take the payment another way."
        )
    except TooSmall:
        words = _("%(amount)s is less than Stripe charges to a card. Take the payment another way.")
    except TooLarge:
        words = _("%(amount)s is more than Stripe charges to a card at once. Take the payment another way.")
    except CurrencyNotTaken:
        words = _("Stripe doesn’t charge cards in %(currency)s. Take the payment another way.")
    else:
        return ""
    has_steps = currency_table.is_known(practice.currency) and stripe_money.step_minor(practice.currency) > 1
    if amount_minor <= 0 or not (practice.takes_cards or has_steps):
        return ""
    return words % {
        "amount": money.formatted(amount_minor, practice.currency, language="en"),
        "currency": practice.currency,
        "step": quotes.step_of(practice.currency) if has_steps else "",
    }


@dataclass(frozen=True)
class NotifyHint:
    """Why something does not reach the client; the page that mends it."""

    words: str
    page: str


def why_not_seen(access: PortalAccess) -> NotifyHint | None:
    """None if the client sees what is shared."""
    return _telling(access, Purpose.BILLS)


def why_not_notified(access: PortalAccess) -> NotifyHint | None:
    """None if a mail goes out."""
    return _telling(access, Purpose.BILL_MAIL)


def _telling(access: PortalAccess, purpose: Purpose) -> NotifyHint | None:
    broken = eligibility.first_broken(access, purpose)
    if broken is None:
        return None
    return NotifyHint(f"{broken.explain(access.client, access)}.", f"office:{broken.fix.page}")
