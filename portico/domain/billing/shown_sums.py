"""The sums that a page showed: its form carries them, and the operation compares them under the lock before it acts."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from portico.domain.billing.models import Allocation, Credit, Invoice, Payment, PaymentAttempt, ServiceItem
from portico.plumbing.refusals import Refused

# Longer than the text of any page: a longer field was not written by one of our forms.
MAX_LENGTH = 300


class ShownSumsChanged(Refused):
    """The sums differ from those the page showed. Nothing was done; the page is shown again with the current sums."""

    message = _("The amounts on this page have changed since you opened it.")
    ADVICE = _("Nothing was changed. Check the amounts below and try again.")

    def __str__(self) -> str:
        return f"{self.message} {self.ADVICE}"


@dataclass(frozen=True)
class ShownSums:
    """The sums that one page showed of one object, as text for a hidden field: `total=12500 paid=0 credited=0`."""

    text: str

    def __str__(self) -> str:
        return self.text

    def amount(self, name: str) -> int | None:
        """Returns one of the sums in minor units; None if the text does not contain it."""
        found = re.search(rf"(?:^| ){name}=(-?\d{{1,18}})(?: |$)", self.text, re.ASCII)
        return int(found[1]) if found else None


def refuse_if_changed(shown: ShownSums | None, now: ShownSums) -> None:
    """Raises ShownSumsChanged if the sums that the page showed differ from the current ones.

    `shown` is None for operations that start from no page: the worker's, the demo's, a seed file's. Call it with the
    rows locked.
    """
    if shown is not None and shown != now:
        raise ShownSumsChanged(_message(shown, now))


def of_invoice(invoice: Invoice) -> ShownSums:
    """Returns an invoice's sums, for a draft with its version: lines can change while their total stays the same."""
    version = f" draft={invoice.version}" if invoice.is_draft else ""
    return ShownSums(
        f"total={invoice.total_minor} paid={invoice.paid_minor} credited={invoice.credited_minor}{version}"
    )


def of_refund(payment: Payment) -> ShownSums:
    """Returns the refunded and lost amounts of a payment and its dispute. Needs the row from `with_disputes`."""
    disputed = " disputed" if payment.has_open_dispute else ""
    return ShownSums(
        f"amount={payment.amount_minor} refunded={payment.refunded_minor} lost={payment.disputed_minor}{disputed}"
    )


def of_taking_back(payment: Payment, allocations: Iterable[Allocation]) -> ShownSums:
    """Returns a payment's sums with a hash of its live allocations: what it pays on which invoice."""
    live = sorted((row.invoice_id, row.still_live_minor) for row in allocations)
    paid = hashlib.sha256(repr(live).encode()).hexdigest()[:16]
    return ShownSums(f"amount={payment.amount_minor} refunded={payment.refunded_minor} pays={paid}")


def of_left_over(payment: Payment) -> ShownSums:
    """Returns the unused part of a payment, which waits to be refunded."""
    return ShownSums(f"unused={payment.still_unused_minor}")


def of_credit(credit: Credit) -> ShownSums:
    """Returns the amount of a credit and its unused part."""
    return ShownSums(f"amount={credit.amount_minor} unused={credit.still_unused_minor}")


def of_balance(balance_minor: int) -> ShownSums:
    """Returns a client's balance as the office counts it, from `balances.office_minor`."""
    return ShownSums(f"balance={balance_minor}")


def of_account(balance_minor: int, invoices: Iterable[Invoice]) -> ShownSums:
    """Returns a client's balance with a hash of the open invoices, from `open_invoices.of_client`."""
    listed = [(invoice.pk, invoice.still_open_minor) for invoice in invoices]
    if not listed:
        return of_balance(balance_minor)
    return ShownSums(f"balance={balance_minor} open={hashlib.sha256(repr(listed).encode()).hexdigest()[:16]}")


def of_attempt(attempt: PaymentAttempt) -> ShownSums:
    """Returns what a card payment in review asked for and what Stripe reported."""
    mode = "" if attempt.found_livemode is None else f" live={int(attempt.found_livemode)}"
    found = "" if attempt.found_minor is None else f" found={attempt.found_minor}{attempt.found_currency}{mode}"
    return ShownSums(f"state={attempt.state} asked={attempt.amount_minor}{found}")


def of_many(number: int, amount_minor: int = 0) -> ShownSums:
    """Returns the number of rows that one button acts on, and their total in minor units."""
    return ShownSums(f"number={number} amount={amount_minor}")


def of_rows(ids: Sequence[int]) -> ShownSums:
    """Returns the number of rows that one button acts on, with a hash of their ids, which are in a fixed order."""
    return ShownSums(f"number={len(ids)} listed={int(hashlib.sha256(repr(list(ids)).encode()).hexdigest()[:14], 16)}")


def of_service(item: ServiceItem) -> ShownSums:
    """Returns the version and price of a product or service."""
    return ShownSums(f"version={item.version} price={item.price_minor}")


def _message(shown: ShownSums, now: ShownSums) -> str:
    """Returns the message that names the change, as far as it can be seen from the sums."""
    paid_then, paid_now = shown.amount("paid"), now.amount("paid")
    if paid_then is not None and paid_now is not None and paid_now > paid_then:
        left = (now.amount("total") or 0) - paid_now - (now.amount("credited") or 0)
        return str(_PARTLY_PAID if left else _PAID)
    for name, message in _CHANGES.items():
        if now.amount(name) is not None and shown.amount(name) != now.amount(name):
            return str(message)
    return str(_DISPUTED if now.text.endswith(" disputed") else ShownSumsChanged.message)


_PAID = _("This invoice has been paid since you opened this page.")
_PARTLY_PAID = _("Part of this invoice has been paid since you opened this page.")
_DISPUTED = _("The cardholder has disputed this payment since you opened this page.")
# Keyed by the name of the first sum that differs.
_CHANGES = {
    "draft": _("This draft has changed since you opened this page."),
    "paid": _("What was paid on this invoice has changed since you opened this page."),
    "refunded": _("Money from this payment has been refunded since you opened this page."),
    "lost": _("Money from this payment was lost to a dispute since you opened this page."),
    "balance": _("This client’s balance has changed since you opened this page."),
    "unused": _("The available amount of this credit has changed since you opened this page."),
    "number": _("The list has changed since you opened this page."),
    "listed": _("The list has changed since you opened this page."),
    "price": _("This price has changed since you opened this page."),
}
