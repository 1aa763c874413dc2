"""Cards of other people who pay for the same client, which the portal does not show."""

from collections.abc import Iterable

from portico.domain.billing.invoices.shared_invoices import InvoicePayment
from portico.domain.billing.models import Payment
from portico.web.http.request_types import PortalRequest


def hide_cards(request: PortalRequest, payments: Iterable[Payment | InvoicePayment]) -> None:
    """Removes the card, in memory, from payments that another person made: two guardians see none of each other's.

    A client without contacts made all of them, perhaps with an earlier address.
    """
    others = [each for each in payments if each.account_id is not None and each.account_id != request.account.pk]
    if not others or (request.access.is_own and not request.client.relationships.exists()):
        return
    for payment in others:
        payment.card_brand = payment.card_last4 = ""
