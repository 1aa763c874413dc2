"""Status labels of invoices, and hints why a client does not see, is not notified of, or cannot pay one."""

from collections.abc import Iterable, Mapping, Sequence
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
from portico.domain.practices.models import Practice
from portico.gateways.stripe import currencies as stripe_money
from portico.plumbing import clock
from portico.plumbing.models import AuditEntry
from portico.plumbing.text import money
from portico.web.office.fix_urls import url_of

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
    """An invoice's status with its tone and icon."""

    status: InvoiceStatus
    tone: str
    icon: str
    # When the client first opened it; None also if that was not queried.
    seen_at: datetime | None = None
    is_not_seen: bool = False

    @property
    def label(self) -> str:
        return str(self.status.label)


def status_label(invoice: Invoice) -> InvoiceStatusLabel:
    """Returns the status as of today in the practice's time zone."""
    status = invoice.status_on(clock.today(invoice.practice.time_zone))
    return InvoiceStatusLabel(status, *TONES[status])


def status_labels(
    invoices: Sequence[Invoice], seen: Mapping[str, datetime]
) -> list[tuple[Invoice, InvoiceStatusLabel]]:
    """Returns each invoice with its status label and when the client first opened it, from `first_seen`."""
    return [(invoice, _with_seen(invoice, seen.get(invoice.ref))) for invoice in invoices]


def first_seen(entries: Iterable[AuditEntry]) -> dict[str, datetime]:
    """Returns when the client first opened each invoice, by its ref, from audit entries, newest first."""
    return {entry.about: entry.at for entry in entries if entry.action == AuditAction.INVOICE_SEEN}


def _with_seen(invoice: Invoice, at: datetime | None) -> InvoiceStatusLabel:
    is_not_seen = invoice.is_shared and at is None and not (invoice.is_void or invoice.is_paid)
    return replace(status_label(invoice), seen_at=at, is_not_seen=is_not_seen)


def why_not_by_card(amount_minor: int, practice: Practice) -> str:
    """Returns why a card could not be charged the amount and what staff can do; empty if it could be.

    The charge steps of a currency are mentioned even before the practice takes cards: prices can still be chosen then.
    """
    try:
        quotes.refuse_amount(amount_minor, practice.currency)
    except BetweenSteps:
        message = _(
            "Stripe only charges multiples of %(step)s in %(currency)s, so %(amount)s can’t be paid by card. "
            "Change a price or quantity, or accept another form of payment."
        )
    except TooSmall:
        message = _("%(amount)s is below Stripe’s minimum. Accept another form of payment.")
    except TooLarge:
        message = _("%(amount)s is above Stripe’s maximum. Accept another form of payment.")
    except CurrencyNotTaken:
        message = _("Stripe doesn’t charge cards in %(currency)s. Accept another form of payment.")
    else:
        return ""
    has_steps = currency_table.is_known(practice.currency) and stripe_money.step_minor(practice.currency) > 1
    if amount_minor <= 0 or not (practice.takes_cards or has_steps):
        return ""
    return message % {
        "amount": money.formatted(amount_minor, practice.currency, language="en"),
        "currency": practice.currency,
        "step": quotes.step_of(practice.currency) if has_steps else "",
    }


@dataclass(frozen=True)
class NotifyHint:
    """Reason why something does not reach the client, and the URL of the page where staff fix it."""

    words: str
    url: str


def why_not_seen(access: PortalAccess) -> NotifyHint | None:
    """Returns why the client cannot see shared invoices; None if they can."""
    return _hint(access, Purpose.BILLS)


def why_not_notified(access: PortalAccess) -> NotifyHint | None:
    """Returns why the client gets no email about invoices; None if they do."""
    return _hint(access, Purpose.BILL_MAIL)


def why_not_paid_by_card(access: PortalAccess) -> NotifyHint | None:
    """Returns why a client who sees the invoice cannot pay it by card; None if they can, or the practice takes none."""
    is_missing = access.sees_bills and access.client.practice.takes_cards
    return _hint(access, Purpose.CARD_PAYMENT) if is_missing else None


def hints(access: PortalAccess) -> list[NotifyHint]:
    """Returns why the client does not see an invoice or is not notified of it, and why they cannot pay it by card."""
    reasons = (why_not_seen(access) or why_not_notified(access), why_not_paid_by_card(access))
    return [hint for hint in reasons if hint is not None]


def _hint(access: PortalAccess, purpose: Purpose) -> NotifyHint | None:
    broken = eligibility.first_broken(access, purpose)
    if broken is None:
        return None
    return NotifyHint(f"{broken.explain(access.client, access)}.", url_of(broken.fix, access.client))
