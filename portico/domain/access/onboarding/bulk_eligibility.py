"""Decides whether a run of invitations writes to a client: the preview asks it, and the worker asks again."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from portico.domain.access import access_lookups, eligibility
from portico.domain.access.access_grants import AccessInput
from portico.domain.access.eligibility import Purpose
from portico.domain.access.eligibility_steps import CheckedFact
from portico.domain.access.models import LeftOutReason, PortalAccess, RunKind
from portico.domain.clients.models import EmailAddress
from portico.plumbing import clock

# A second mail within this time would be taken for a mistake.
RESEND_PAUSE = timedelta(hours=1)
REASONS = {
    CheckedFact.NOT_ARCHIVED: LeftOutReason.ARCHIVED,
    CheckedFact.RELATIONSHIP_CURRENT: LeftOutReason.ACCESS_OFF,
    CheckedFact.ACCESS_ON: LeftOutReason.ACCESS_OFF,
    CheckedFact.ADDRESS_CHOSEN: LeftOutReason.NO_ADDRESS,
    CheckedFact.ADDRESS_OPEN: LeftOutReason.NO_ADDRESS,
    CheckedFact.EMAIL_OK: LeftOutReason.NO_EMAIL_OK,
    CheckedFact.MAIL_NOT_STOPPED: LeftOutReason.MAIL_STOPPED,
}


@dataclass(frozen=True)
class Decision:
    """The decision about a client of a run: the invitation is sent, or the client is left out for a reason.

    `turned_on` is the access to save first, if the client has none yet.
    """

    left_out: LeftOutReason | None = None
    turned_on: AccessInput | None = None


def is_set_up(access: PortalAccess) -> bool:
    """Returns True if staff ever saved the access: then a run never turns it on. A saved draft does not count."""
    return access.version > 1 or access.is_on or access.account_id is not None


def decide(
    access: PortalAccess,
    addresses: Sequence[EmailAddress],
    kind: RunKind,
    *,
    stopped: Container[str],
    taken: Container[tuple[int, str]] = (),
    waiting: Container[int] = (),
    lacks_guardian: bool = False,
    since: datetime | None = None,
) -> Decision:
    """Returns the decision for a client, or for a contact, whose access a run never turns on.

    `access` may be unsaved, and has its client with the practice.
    `addresses` are the client's open ones, `stopped` the keys of mailboxes that are stopped, and `taken` those that
    open the portal for a contact, as `access_lookups.mailboxes_of_contacts` returns them; all three are read only if
    the access was never set up. `waiting` are the ids of accesses with an invitation that was not sent yet; it is
    read only for RESEND. `lacks_guardian`: a minor without one. `since` is when the run was started: a client invited
    after that is left out.
    """
    if lacks_guardian and not access.client.is_archived_now and access.first_signed_in_at is None:
        return Decision(LeftOutReason.NO_GUARDIAN)
    if kind is RunKind.INVITE and access.is_own and not is_set_up(access) and not access.client.is_archived_now:
        return _decide_first(access, addresses, stopped, taken)
    if access.is_on and access.first_signed_in_at is not None and not access.client.is_archived_now:
        return Decision(LeftOutReason.SIGNED_IN)
    # More than Purpose.INVITATION asks: to a mailbox that refused the last mail, a run sends no further one.
    broken = eligibility.first_broken(access, Purpose.PORTAL_STATE)
    if broken is not None:
        return Decision(REASONS[broken.fact])
    return Decision(_invited_before(access, kind, waiting, since))


def _decide_first(
    access: PortalAccess,
    addresses: Sequence[EmailAddress],
    stopped: Container[str],
    taken: Container[tuple[int, str]],
) -> Decision:
    """Decides about a client whose access was never set up: it is turned on if one address alone may be mailed."""
    agreed = [address for address in addresses if address.email_ok]
    if len(agreed) > 1:
        return Decision(LeftOutReason.SEVERAL_ADDRESSES)
    if not agreed:
        return Decision(LeftOutReason.NO_EMAIL_OK if addresses else LeftOutReason.NO_ADDRESS)
    if agreed[0].mailbox_key in stopped:
        return Decision(LeftOutReason.MAIL_STOPPED)
    if (access.client.pk, agreed[0].mailbox_key) in taken:
        return Decision(LeftOutReason.MAILBOX_TAKEN)
    options = access_lookups.default_options(access.client.practice)
    return Decision(turned_on=AccessInput(enabled=True, address=agreed[0].ref, **options))


def _invited_before(
    access: PortalAccess, kind: RunKind, waiting: Container[int], since: datetime | None
) -> LeftOutReason | None:
    if kind is RunKind.INVITE:
        return None if access.invited_at is None else LeftOutReason.ALREADY_INVITED
    if access.invited_at is None:
        return LeftOutReason.NOT_INVITED
    if since is not None and access.invited_at >= since:
        return LeftOutReason.ALREADY_INVITED
    if access.pk in waiting:
        return LeftOutReason.STILL_WAITING
    return LeftOutReason.JUST_INVITED if clock.is_within(access.invited_at, RESEND_PAUSE) else None
