"""Names of payments and cards, the same for staff and clients."""

from typing import Protocol

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from portico.domain.billing.models import PaymentKind, SavedCard
from portico.plumbing.text.result_cache import cached


class NamedPayment(Protocol):
    """The fields from which the label of a payment is made."""

    @property
    def kind(self) -> str: ...
    @property
    def check_number(self) -> str: ...
    @property
    def card_brand(self) -> str: ...
    @property
    def card_last4(self) -> str: ...


def payment_name(payment: NamedPayment) -> str:
    """Returns "Check 1182", "Visa ending 4242" or the kind of payment."""
    match payment.kind:
        case PaymentKind.CHECK if payment.check_number:
            return _("Check %(number)s") % {"number": payment.check_number}
        case PaymentKind.ONLINE if payment.card_last4:
            return _ending(payment.card_brand, payment.card_last4)
        case _:
            return _kind_label(payment.kind, get_language())


@cached
def _kind_label(kind: str, _language: str | None) -> str:
    """Returns the label in the active language, which is given as a part of the cache's key."""
    return str(PaymentKind(kind).label)


def card_name(card: SavedCard) -> str:
    """Returns "Visa ending 4242"."""
    return _ending(card.brand, card.last4)


def _ending(brand: str, last4: str) -> str:
    return _("%(brand)s ending %(last4)s") % {"brand": brand.replace("_", " ").title(), "last4": last4}
