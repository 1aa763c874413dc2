"""What payments are called, alike for staff and clients."""

from django.utils.translation import gettext as _

from portico.domain.billing.models import Payment, PaymentKind


def payment_name(payment: Payment) -> str:
    """Check 1182. Visa ending 4242."""
    match payment.kind:
        case PaymentKind.CHECK if payment.check_number:
            return _("Check %(number)s") % {"number": payment.check_number}
        case PaymentKind.ONLINE if payment.card_last4:
            brand = payment.card_brand.replace("_", " ").title()
            return _("%(brand)s ending %(last4)s") % {"brand": brand, "last4": payment.card_last4}
        case _:
            return str(PaymentKind(payment.kind).label)
