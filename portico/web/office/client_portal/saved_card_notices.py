"""Notices that saved cards stay with the old mailbox when the sign-in address changes."""

from collections.abc import Callable

from django.utils.translation import ngettext

from portico.domain.access.models import PortalAccess
from portico.domain.billing.card_payments import saved_cards
from portico.web import payment_labels


def notice_before(access: PortalAccess | None, *, called: str) -> str:
    """Returns the notice for the page where the address is changed; empty if no card is affected."""
    return _notice(
        access,
        called,
        lambda count: ngettext(
            "%(cards)s was saved with %(address)s. If %(name)s signs in with another address, they need to "
            "enter a card again.",
            "%(cards)s were saved with %(address)s. If %(name)s signs in with another address, they need to "
            "enter a card again.",
            count,
        ),
    )


def notice_after(before: PortalAccess | None, after: PortalAccess | None, *, called: str) -> str:
    """Returns the notice after a change; empty if the mailbox is the same or has no saved cards."""
    if before is None or after is None or before.account_id == after.account_id:
        return ""
    return _notice(
        before,
        called,
        lambda count: ngettext(
            "%(cards)s was saved with %(address)s and can’t be used to pay for %(name)s now.",
            "%(cards)s were saved with %(address)s and can’t be used to pay for %(name)s now.",
            count,
        ),
    )


def _notice(access: PortalAccess | None, called: str, sentence: Callable[[int], str]) -> str:
    if access is None or access.account is None or access.address is None:
        return ""
    names = [payment_labels.card_name(card) for card in saved_cards.saved_cards_of(access.account)]
    if not names:
        return ""
    values = {"cards": ", ".join(names), "address": access.address.address, "name": called}
    return sentence(len(names)) % values
