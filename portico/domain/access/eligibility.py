"""The eligibility list: what must hold so that a client can sign in, be mailed, see bills or pay by card.

Each step stands here once, as a query condition and as a predicate on a loaded row; every other module asks.
The models import this module, so it knows their fields by name only.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import TYPE_CHECKING

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portico.domain.clients.models import Client, EmailAddress, Status

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    from portico.domain.access.models import PortalAccess


class Fact(StrEnum):
    """What a step asks about."""

    NOT_ARCHIVED = "not_archived"
    ACCESS_ON = "access_on"
    ADDRESS_CHOSEN = "address_chosen"
    ADDRESS_OPEN = "address_open"
    EMAIL_OK = "email_ok"
    MAIL_NOT_STOPPED = "mail_not_stopped"
    BILLING_DOCUMENTS = "billing_documents"
    PAY_BY_CARD = "pay_by_card"


class Page(StrEnum):
    """The pages of a client on which a step is fixed, by the name of their address in the office."""

    OVERVIEW = "client"
    CLIENT_INFO = "client_info"
    CLIENT_PORTAL = "client_portal"


@dataclass(frozen=True)
class Fix:
    """What mends a broken step: the button's label and its page. Refusals and the audit log store `name`."""

    name: str
    page: Page
    label: "_StrPromise"


@dataclass(frozen=True)
class Step:
    """One requirement. Both forms of it must agree: `condition` on PortalAccess, `holds` on a row with its client
    and address.

    `problem` says what is wrong now, without a full stop; `instruction` what to do about it, for a refusal;
    `dropped` why a mail that was written before did not leave. The first two may name `%(name)s`, the client, and
    `%(address)s`, the chosen address.
    """

    fact: Fact
    condition: Q
    holds: "Callable[[PortalAccess], bool]"
    problem: "_StrPromise"
    instruction: "_StrPromise"
    dropped: "_StrPromise"
    fix: Fix

    def explain(self, client: Client, access: "PortalAccess | None") -> str:
        """The problem, with the client's name and address filled in."""
        return str(self.problem) % _names(client, access)

    def instruct(self, client: Client, access: "PortalAccess | None") -> str:
        """The instruction, with the client's name and address filled in."""
        return str(self.instruction) % _names(client, access)


def _is_not_archived(access: "PortalAccess") -> bool:
    return not access.client.is_archived_now


def _is_on(access: "PortalAccess") -> bool:
    return access.is_on


def _has_address(access: "PortalAccess") -> bool:
    return access.address is not None


def _has_open_address(access: "PortalAccess") -> bool:
    return access.address is not None and access.address.closed_at is None


def _has_email_ok(access: "PortalAccess") -> bool:
    return access.address is not None and access.address.email_ok


def _is_mail_not_stopped(access: "PortalAccess") -> bool:
    return access.mail_stopped_at is None


def _has_billing_documents(access: "PortalAccess") -> bool:
    return access.access_billing_documents


def _has_pay_by_card(access: "PortalAccess") -> bool:
    return access.pay_by_card


NOT_ARCHIVED = Step(
    Fact.NOT_ARCHIVED,
    ~Q(client__status=Status.ARCHIVED),
    _is_not_archived,
    problem=_("%(name)s is archived"),
    instruction=_("%(name)s is archived. Make %(name)s active again first."),
    dropped=_("The client was archived."),
    fix=Fix("restore", Page.OVERVIEW, _("Make active again")),
)
ACCESS_ON = Step(
    Fact.ACCESS_ON,
    Q(enabled_at__isnull=False),
    _is_on,
    problem=_("Client Portal Access is off"),
    instruction=_("Turn on Client Portal Access and save it first."),
    dropped=_("Client Portal Access was turned off."),
    fix=Fix("access", Page.CLIENT_PORTAL, _("Turn on access")),
)
ADDRESS_CHOSEN = Step(
    Fact.ADDRESS_CHOSEN,
    Q(address__isnull=False),
    _has_address,
    problem=_("No email address is chosen"),
    instruction=_("Choose an email address and save it first."),
    dropped=_("The client’s email address was changed."),
    fix=Fix("address", Page.CLIENT_PORTAL, _("Choose an address")),
)
ADDRESS_OPEN = Step(
    Fact.ADDRESS_OPEN,
    Q(address__isnull=False, address__closed_at=None),
    _has_open_address,
    problem=_("%(address)s is no longer one of %(name)s’s addresses"),
    instruction=_("Choose an email address and save it first."),
    dropped=_("The client’s email address was changed."),
    fix=Fix("address", Page.CLIENT_PORTAL, _("Choose an address")),
)
EMAIL_OK = Step(
    Fact.EMAIL_OK,
    Q(address__email_ok_at__isnull=False),
    _has_email_ok,
    problem=_("%(address)s has no Email ok"),
    instruction=_("%(address)s has no Email ok. Record %(name)s’s consent in Client Info first."),
    dropped=_("Email ok was withdrawn for this address."),
    fix=Fix("email_ok", Page.CLIENT_INFO, _("Record consent")),
)
MAIL_NOT_STOPPED = Step(
    Fact.MAIL_NOT_STOPPED,
    Q(mail_stopped_at=None),
    _is_mail_not_stopped,
    problem=_("The last email to %(address)s was refused"),
    instruction=_("Correct %(address)s in Client Info first: the last email to it was refused."),
    dropped=_("The last email to this address was refused."),
    fix=Fix("mail_stopped", Page.CLIENT_INFO, _("Correct the address")),
)
BILLING_DOCUMENTS = Step(
    Fact.BILLING_DOCUMENTS,
    Q(access_billing_documents=True),
    _has_billing_documents,
    problem=_("Access billing documents is not ticked for %(name)s"),
    instruction=_("Tick Access billing documents and save it first."),
    dropped=_("Access billing documents was turned off."),
    fix=Fix("billing_documents", Page.CLIENT_PORTAL, _("Tick Access billing documents")),
)
PAY_BY_CARD = Step(
    Fact.PAY_BY_CARD,
    Q(pay_by_card=True),
    _has_pay_by_card,
    problem=_("Pay a balance with credit card using Stripe is not ticked for %(name)s"),
    instruction=_("Tick Pay a balance with credit card using Stripe and save it first."),
    dropped=_("Paying by card was turned off."),
    fix=Fix("pay_by_card", Page.CLIENT_PORTAL, _("Tick paying by card")),
)


class Purpose(Enum):
    """What a client may be allowed to do, or we to send them."""

    SIGN_IN_BY_MAIL = auto()
    SIGN_IN_BY_PIN = auto()
    INVITATION = auto()
    # What must be in order for the stored portal state to say nothing needs attention.
    PORTAL_STATE = auto()
    # A notice of something that has happened: it goes out even if access was turned off afterwards.
    NOTICE = auto()
    BILLS = auto()
    BILL_MAIL = auto()
    CARD_PAYMENT = auto()


# A PIN is typed by hand and read out by phone, so consent to email is not asked. A new invitation is how staff get
# past a mail that was refused, so it does not ask for that either.
_PIN = (NOT_ARCHIVED, ACCESS_ON, ADDRESS_CHOSEN, ADDRESS_OPEN)
_MAIL = (*_PIN, EMAIL_OK)
STEPS: dict[Purpose, tuple[Step, ...]] = {
    Purpose.SIGN_IN_BY_PIN: _PIN,
    Purpose.SIGN_IN_BY_MAIL: _MAIL,
    Purpose.INVITATION: _MAIL,
    Purpose.PORTAL_STATE: (*_MAIL, MAIL_NOT_STOPPED),
    Purpose.NOTICE: (ADDRESS_CHOSEN, ADDRESS_OPEN, EMAIL_OK),
    Purpose.BILLS: (*_PIN, BILLING_DOCUMENTS),
    Purpose.BILL_MAIL: (*_PIN, BILLING_DOCUMENTS, EMAIL_OK, MAIL_NOT_STOPPED),
    Purpose.CARD_PAYMENT: (*_PIN, BILLING_DOCUMENTS, PAY_BY_CARD),
}


def condition(purpose: Purpose) -> Q:
    """The condition on PortalAccess under which every step of the purpose holds."""
    combined = Q()
    for step in STEPS[purpose]:
        combined &= step.condition
    return combined


def check(access: "PortalAccess", purpose: Purpose) -> tuple[tuple[Step, bool], ...]:
    """Every step of the purpose in order, with whether it holds. Without a saved access, pass an unsaved one."""
    return tuple((step, step.holds(access)) for step in STEPS[purpose])


def first_broken(access: "PortalAccess | None", purpose: Purpose) -> Step | None:
    """The first step that does not hold; None if the client is eligible. An access that was never saved is off.

    Asks the database nothing if the row was loaded with its client and address.
    """
    if access is None:
        return ACCESS_ON
    return next((step for step, holds in check(access, purpose) if not holds), None)


def is_eligible(access: "PortalAccess | None", purpose: Purpose) -> bool:
    """Whether every step of the purpose holds."""
    return first_broken(access, purpose) is None


def mail_address(access: "PortalAccess | None", purpose: Purpose) -> EmailAddress | None:
    """The address that a mail of this purpose goes to; None if none may be sent."""
    return access.address if access is not None and is_eligible(access, purpose) else None


def reason_to_drop(access: "PortalAccess | None", purpose: Purpose, *, written_to: str) -> str | None:
    """Why a queued mail may not leave any more; None if it may. `written_to` is the ref of its address.

    A mail is never redirected: if another address was chosen meanwhile, it is dropped.
    """
    if access is None:
        return str(ACCESS_ON.dropped)
    is_moved = access.address is None or access.address.ref != written_to
    for step, holds in check(access, purpose):
        if not holds or (step is ADDRESS_CHOSEN and is_moved):
            return str(step.dropped)
    return None


def epoch_condition(purpose: Purpose, epoch: object, *, proof_epoch: object = None) -> Q:
    """The condition on PortalAccess under which a link, PIN or session of that epoch still opens it.

    The values may be expressions, such as an OuterRef. A session has two epochs: its own, and as `proof_epoch` that
    of the link or PIN that began it. Whoever signs in with an older link sees clients that were switched on since,
    and none that was ended since.
    """
    least = _epochs(purpose, epoch, epoch if proof_epoch is None else proof_epoch)
    return Q(**{f"{column}__lte": value for column, value in least.items()})


def is_current(access: "PortalAccess", purpose: Purpose, epoch: int, *, proof_epoch: int | None = None) -> bool:
    """Whether the row meets `epoch_condition`."""
    least = _epochs(purpose, epoch, epoch if proof_epoch is None else proof_epoch)
    return all(getattr(access, column) <= value for column, value in least.items())


def _epochs[E](purpose: Purpose, epoch: E, proof_epoch: E) -> dict[str, E]:
    """The columns with the epoch of a change, each with the epoch that may not be older than it."""
    if purpose is Purpose.SIGN_IN_BY_PIN:
        return {"changed_epoch": epoch}
    return {"changed_epoch": epoch, "ended_epoch": proof_epoch, "consent_epoch": proof_epoch}


def _names(client: Client, access: "PortalAccess | None") -> dict[str, str]:
    address = access.address if access is not None else None
    return {"name": client.called, "address": address.address if address is not None else ""}
