"""Names of payments and cards, the same for staff and clients."""

from django.utils.translation import gettext as _

from portico.domain.billing.models import Payment, PaymentKind, SavedCard


def payment_name(payment: Payment) -> str:
    """Returns "Check 1182", "Visa ending 4242" or the kind of payment."""
    match payment.kind:
        case PaymentKind.CHECK if payment.check_number:
            return _("Check %(number)s") % {"number": payment.check_number}
        case PaymentKind.ONLINE if payment.card_last4:
            return _ending(payment.card_brand, payment.card_last4)
        case _:
            return str(PaymentKind(payment.kind).label)


def card_name(card: SavedCard) -> str:
    """Returns "Visa ending 4242"."""
    return _ending(card.brand, card.last4)


def _ending(brand: str, last4: str) -> str:
    return _("%(brand)s ending %(last4)s") % {"brand": brand.replace("_", " ").title(), "last4": last4}
