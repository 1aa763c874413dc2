"""The eligibility list: what must hold so that a client or a contact can sign in, be mailed, see bills or pay by card.

This list is the only place that combines the steps; every other module calls it.
The models import this module, so it refers to their fields by name only.
"""

from enum import Enum, auto
from typing import TYPE_CHECKING

from django.db.models import Q

from portico.domain.access.eligibility_steps import (
    ACCESS_ON,
    ADDRESS_CHOSEN,
    ADDRESS_OPEN,
    BILLING_DOCUMENTS,
    EMAIL_OK,
    MAIL_NOT_STOPPED,
    NOT_ARCHIVED,
    PAY_BY_CARD,
    RELATIONSHIP_CURRENT,
    REMINDERS_ON,
    SIGNS_DOCUMENTS,
    Step,
)
from portico.domain.clients.models import EmailAddress

if TYPE_CHECKING:
    from portico.domain.access.models import PortalAccess


class Purpose(Enum):
    """An action whose requirements are listed: something the client does, or a mail to the client."""

    SIGN_IN_BY_MAIL = auto()
    SIGN_IN_BY_PIN = auto()
    INVITATION = auto()
    # The stored portal state needs no attention while these hold.
    PORTAL_STATE = auto()
    # A notice of a past event: it is sent even if access was turned off afterwards.
    NOTICE = auto()
    BILLS = auto()
    BILL_MAIL = auto()
    # A reminder of unpaid bills, unless staff send it again by hand from one bill.
    REMINDER = auto()
    CARD_PAYMENT = auto()
    # To see, fill in and sign documents in the portal.
    DOCUMENTS = auto()
    DOCUMENT_MAIL = auto()


# A PIN is read out by phone and typed by hand, with a phone number or the client number if there is no address: it
# needs no email. A new invitation is how staff resolve a refused mail, so it does not require MAIL_NOT_STOPPED.
_PIN = (NOT_ARCHIVED, RELATIONSHIP_CURRENT, ACCESS_ON, ADDRESS_OPEN)
_WITH_ADDRESS = (NOT_ARCHIVED, RELATIONSHIP_CURRENT, ACCESS_ON, ADDRESS_CHOSEN, ADDRESS_OPEN)
_MAIL = (*_WITH_ADDRESS, EMAIL_OK)
_BILL_MAIL = (*_WITH_ADDRESS, BILLING_DOCUMENTS, EMAIL_OK, MAIL_NOT_STOPPED)
STEPS: dict[Purpose, tuple[Step, ...]] = {
    Purpose.SIGN_IN_BY_PIN: _PIN,
    Purpose.SIGN_IN_BY_MAIL: _MAIL,
    Purpose.INVITATION: _MAIL,
    Purpose.PORTAL_STATE: (*_MAIL, MAIL_NOT_STOPPED),
    Purpose.NOTICE: (ADDRESS_CHOSEN, ADDRESS_OPEN, EMAIL_OK),
    Purpose.BILLS: (*_PIN, BILLING_DOCUMENTS),
    Purpose.BILL_MAIL: _BILL_MAIL,
    Purpose.REMINDER: (*_BILL_MAIL, REMINDERS_ON),
    Purpose.CARD_PAYMENT: (*_PIN, BILLING_DOCUMENTS, PAY_BY_CARD),
    Purpose.DOCUMENTS: (*_PIN, SIGNS_DOCUMENTS),
    Purpose.DOCUMENT_MAIL: (*_WITH_ADDRESS, SIGNS_DOCUMENTS, EMAIL_OK, MAIL_NOT_STOPPED),
}


def condition(purpose: Purpose) -> Q:
    """Returns the condition on PortalAccess under which every step of the purpose holds."""
    combined = Q()
    for step in STEPS[purpose]:
        combined &= step.condition
    return combined


def check(access: "PortalAccess", purpose: Purpose) -> tuple[tuple[Step, bool], ...]:
    """Returns every step of the purpose in order, and whether it holds. `access` may be unsaved."""
    return tuple((step, step.holds(access)) for step in STEPS[purpose])


def first_broken(access: "PortalAccess | None", purpose: Purpose) -> Step | None:
    """Returns the first step that does not hold; None if the client is eligible. Without an access, it is ACCESS_ON.

    Runs no query if the row was loaded with its client and address, and that of a contact with its relationship.
    """
    if access is None:
        return ACCESS_ON
    return next((step for step, holds in check(access, purpose) if not holds), None)


def is_eligible(access: "PortalAccess | None", purpose: Purpose) -> bool:
    """Returns True if every step of the purpose holds."""
    return first_broken(access, purpose) is None


def mail_address(access: "PortalAccess | None", purpose: Purpose) -> EmailAddress | None:
    """Returns the address for a mail of this purpose; None if no mail may be sent."""
    return access.address if access is not None and is_eligible(access, purpose) else None


def reason_to_drop(access: "PortalAccess | None", purpose: Purpose, *, written_to: str) -> str | None:
    """Returns why a queued mail may no longer be sent; None if it may. `written_to` is the ref of its address.

    A mail is never redirected: if another address has been chosen since, the mail is dropped.
    """
    if access is None:
        return str(ACCESS_ON.dropped)
    is_moved = access.address is None or access.address.ref != written_to
    for step, holds in check(access, purpose):
        if not holds or (step is ADDRESS_CHOSEN and is_moved):
            return str(step.dropped)
    return None


def epoch_condition(purpose: Purpose, epoch: object, *, proof_epoch: object = None) -> Q:
    """Returns the condition on PortalAccess under which a link, PIN or session of that epoch still opens it.

    The values may be expressions, such as an OuterRef. A session has two epochs: its own, and as `proof_epoch` that
    of the link, code or PIN that started it. A session started with an older link therefore includes clients whose
    access was turned on after the link was made, and excludes clients whose access was revoked after that.
    """
    minimums = _minimum_epochs(purpose, epoch, epoch if proof_epoch is None else proof_epoch)
    return Q(**{f"{column}__lte": value for column, value in minimums.items()})


def is_current(access: "PortalAccess", purpose: Purpose, epoch: int, *, proof_epoch: int | None = None) -> bool:
    """Returns True if the row meets `epoch_condition`."""
    minimums = _minimum_epochs(purpose, epoch, epoch if proof_epoch is None else proof_epoch)
    return all(getattr(access, column) <= value for column, value in minimums.items())


def _minimum_epochs[E](purpose: Purpose, epoch: E, proof_epoch: E) -> dict[str, E]:
    """Returns the columns that hold the epoch of a change, each with the epoch that must not be older."""
    if purpose is Purpose.SIGN_IN_BY_PIN:
        return {"changed_epoch": epoch}
    return {"changed_epoch": epoch, "ended_epoch": proof_epoch, "consent_epoch": proof_epoch}
