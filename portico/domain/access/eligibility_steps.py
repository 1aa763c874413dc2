"""Eligibility steps: each requirement as a query condition, a predicate on a row, its messages and its fix.

The models import this module through `eligibility`, so it refers to their fields by name only.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portico.domain.clients.models import Client, Status, is_none_or_current

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    from portico.domain.access.models import PortalAccess


class CheckedFact(StrEnum):
    """The fact that a step checks."""

    NOT_ARCHIVED = "not_archived"
    RELATIONSHIP_CURRENT = "relationship_current"
    ACCESS_ON = "access_on"
    ADDRESS_CHOSEN = "address_chosen"
    ADDRESS_OPEN = "address_open"
    EMAIL_OK = "email_ok"
    MAIL_NOT_STOPPED = "mail_not_stopped"
    BILLING_DOCUMENTS = "billing_documents"
    PAY_BY_CARD = "pay_by_card"
    REMINDERS_ON = "reminders_on"
    SIGNS_DOCUMENTS = "signs_documents"


class Page(StrEnum):
    """The office pages on which a broken step can be fixed; the values are URL names."""

    OVERVIEW = "client"
    CLIENT_INFO = "client_info"
    CLIENT_PORTAL = "client_portal"
    BILLING = "client_billing"
    # Of one email of the client.
    EMAIL = "email"


@dataclass(frozen=True)
class Fix:
    """The fix for a broken step: the button's label and its page. Refusals and the audit log store `name`."""

    name: str
    page: Page
    label: "_StrPromise"


@dataclass(frozen=True)
class Step:
    """One requirement, in two forms that must agree: the query condition on PortalAccess and the predicate on a row.

    `holds` needs a row with its client, address and relationship. `problem` describes the broken state, without a
    full stop; `instruction` tells staff what to do, for a refusal; `dropped` explains why a queued mail was not sent.
    The first two may contain `%(name)s`, the person who signs in, `%(client)s`, and `%(address)s`, the chosen address.
    """

    fact: CheckedFact
    condition: Q
    holds: "Callable[[PortalAccess], bool]"
    problem: "_StrPromise"
    instruction: "_StrPromise"
    dropped: "_StrPromise"
    fix: Fix

    def explain(self, client: Client, access: "PortalAccess | None") -> str:
        """Returns the problem, with the client's name and address filled in."""
        return str(self.problem) % _names(client, access)

    def instruct(self, client: Client, access: "PortalAccess | None") -> str:
        """Returns the instruction, with the client's name and address filled in."""
        return str(self.instruction) % _names(client, access)


def _is_not_archived(access: "PortalAccess") -> bool:
    return not access.client.is_archived_now


def _is_relationship_current(access: "PortalAccess") -> bool:
    return access.relationship is None or access.relationship.is_current


def _is_on(access: "PortalAccess") -> bool:
    return access.is_on


def _has_address(access: "PortalAccess") -> bool:
    return access.address is not None


def _has_no_closed_address(access: "PortalAccess") -> bool:
    return access.address is None or access.address.closed_at is None


def _has_email_ok(access: "PortalAccess") -> bool:
    return access.address is not None and access.address.email_ok


def _is_mail_not_stopped(access: "PortalAccess") -> bool:
    return access.mail_stopped_at is None


def _has_billing_documents(access: "PortalAccess") -> bool:
    return access.access_billing_documents


def _has_pay_by_card(access: "PortalAccess") -> bool:
    return access.pay_by_card


def _signs_documents(access: "PortalAccess") -> bool:
    return access.signs_documents


def _has_reminders_on(access: "PortalAccess") -> bool:
    return access.client.reminders_off_at is None


NOT_ARCHIVED = Step(
    CheckedFact.NOT_ARCHIVED,
    ~Q(client__status=Status.ARCHIVED),
    _is_not_archived,
    problem=_("%(client)s is archived"),
    instruction=_("%(client)s is archived. Restore %(client)s first."),
    dropped=_("The client was archived."),
    fix=Fix("restore", Page.OVERVIEW, _("Restore client")),
)
# True for a client's own access, which has no relationship.
RELATIONSHIP_CURRENT = Step(
    CheckedFact.RELATIONSHIP_CURRENT,
    is_none_or_current("relationship"),
    _is_relationship_current,
    problem=_("%(name)s is no longer a contact of %(client)s"),
    instruction=_("%(name)s is no longer a contact of %(client)s. Add the contact again first."),
    dropped=_("The contact was removed."),
    fix=Fix("contact", Page.OVERVIEW, _("Add the contact")),
)
ACCESS_ON = Step(
    CheckedFact.ACCESS_ON,
    Q(enabled_at__isnull=False),
    _is_on,
    problem=_("Client Portal Access is off"),
    instruction=_("Turn on Client Portal Access and save it first."),
    dropped=_("Client Portal Access was turned off."),
    fix=Fix("access", Page.CLIENT_PORTAL, _("Turn on access")),
)
ADDRESS_CHOSEN = Step(
    CheckedFact.ADDRESS_CHOSEN,
    Q(address__isnull=False),
    _has_address,
    problem=_("No email address is chosen"),
    instruction=_("Choose an email address and save it first."),
    dropped=_("The client’s email address was changed."),
    fix=Fix("address", Page.CLIENT_PORTAL, _("Choose an address")),
)
ADDRESS_OPEN = Step(
    CheckedFact.ADDRESS_OPEN,
    Q(address__closed_at=None),
    _has_no_closed_address,
    problem=_("%(address)s is no longer one of %(name)s’s addresses"),
    instruction=_("Choose an email address and save it first."),
    dropped=_("The client’s email address was changed."),
    fix=Fix("address", Page.CLIENT_PORTAL, _("Choose an address")),
)
EMAIL_OK = Step(
    CheckedFact.EMAIL_OK,
    Q(address__email_ok_at__isnull=False),
    _has_email_ok,
    problem=_("%(address)s has no Email ok"),
    instruction=_("%(address)s has no Email ok. Record %(name)s’s consent in Client Info first."),
    dropped=_("Email ok was withdrawn for this address."),
    fix=Fix("email_ok", Page.CLIENT_INFO, _("Record consent")),
)
MAIL_NOT_STOPPED = Step(
    CheckedFact.MAIL_NOT_STOPPED,
    Q(mail_stopped_at=None),
    _is_mail_not_stopped,
    problem=_("We stopped emailing %(address)s"),
    instruction=_("We stopped emailing %(address)s. The Client Portal tab says why, and what to do."),
    dropped=_("We stopped emailing this address."),
    fix=Fix("mail_stopped", Page.CLIENT_INFO, _("Correct the address")),
)
BILLING_DOCUMENTS = Step(
    CheckedFact.BILLING_DOCUMENTS,
    Q(access_billing_documents=True),
    _has_billing_documents,
    problem=_("Access billing documents is not checked for %(name)s"),
    instruction=_("Check Access billing documents and save it first."),
    dropped=_("Access billing documents was turned off."),
    fix=Fix("billing_documents", Page.CLIENT_PORTAL, _("Check Access billing documents")),
)
PAY_BY_CARD = Step(
    CheckedFact.PAY_BY_CARD,
    Q(pay_by_card=True),
    _has_pay_by_card,
    problem=_("Pay a balance with credit card using Stripe is not checked for %(name)s"),
    instruction=_("Check Pay a balance with credit card using Stripe and save it first."),
    dropped=_("Card payment was turned off."),
    fix=Fix("pay_by_card", Page.CLIENT_PORTAL, _("Turn on card payment")),
)
SIGNS_DOCUMENTS = Step(
    CheckedFact.SIGNS_DOCUMENTS,
    Q(signs_documents=True),
    _signs_documents,
    problem=_("Sign documents is not checked for %(name)s"),
    instruction=_("Check Sign documents and save it first."),
    dropped=_("Sign documents was turned off."),
    fix=Fix("signs_documents", Page.CLIENT_PORTAL, _("Check Sign documents")),
)
REMINDERS_ON = Step(
    CheckedFact.REMINDERS_ON,
    Q(client__reminders_off_at=None),
    _has_reminders_on,
    problem=_("Reminders are turned off for %(client)s"),
    instruction=_("Turn on reminders for %(client)s first."),
    dropped=_("Reminders were turned off for this client."),
    fix=Fix("reminders", Page.BILLING, _("Turn on reminders")),
)

# The fix for the invitation of a minor without a guardian.
ADD_GUARDIAN = Fix("guardian", Page.OVERVIEW, _("Add a guardian"))
# Fixes for a mailbox to which mail failed, beside that of MAIL_NOT_STOPPED.
LIFT_STOP = Fix("lift_stop", Page.CLIENT_PORTAL, _("Lift the stop"))


def _names(client: Client, access: "PortalAccess | None") -> dict[str, str]:
    address = access.address if access is not None else None
    return {
        "name": client.called if access is None else access.called,
        "client": client.called,
        "address": address.address if address is not None else "",
    }
