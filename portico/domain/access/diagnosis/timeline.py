"""Timeline of a client's portal access: the banner, the newest invitation and the latest events."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from portico.domain.access import eligibility, eligibility_steps
from portico.domain.access.diagnosis.portal_history import PortalHistory, SentLink
from portico.domain.access.eligibility import Purpose
from portico.domain.access.eligibility_steps import Step
from portico.domain.access.models import Invitation, PortalAccess, SignInLink
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client
from portico.plumbing.models import AuditEntry, EmailEvent, EmailEventKind, OutgoingEmail

MAX_EVENTS = 8


class Banner(StrEnum):
    """The banner at the top of the `Client Portal` tab."""

    NONE = "none"
    NOT_YET = "not_yet"
    NOT_WITH_NEW_ADDRESS = "not_with_new_address"
    OFF = "off"
    ARCHIVED = "archived"


class LinkFact(StrEnum):
    """The progress of the newest invitation's link. A scanner may have fetched it; only a person presses its button."""

    NONE = "none"
    NOT_FETCHED = "not_fetched"
    FETCHED = "fetched"
    PRESSED = "pressed"


class TimelineKind(StrEnum):
    ACCESS_ON = "access_on"
    EMAIL_OK = "email_ok"
    INVITED = "invited"
    HANDED_OVER = "handed_over"
    DELAYED = "delayed"
    REFUSED = "refused"
    DROPPED = "dropped"
    PARKED = "parked"
    RESTARTED = "restarted"
    FETCHED = "fetched"
    PRESSED = "pressed"
    CODE_TYPED = "code_typed"
    PIN_MADE = "pin_made"
    PIN_USED = "pin_used"
    SIGN_IN_MAILED = "sign_in_mailed"
    LINK_REFUSED = "link_refused"
    CODE_REFUSED = "code_refused"
    PIN_REFUSED = "pin_refused"
    TOO_MANY_TRIES = "too_many_tries"
    # From delivery reports.
    ACCEPTED = "accepted"
    STILL_TRYING = "still_trying"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    AUTO_REPLIED = "auto_replied"
    ADDRESS_CHANGED = "address_changed"


EVENT_OF_ACTION = {
    AuditAction.CLIENT_SIGNED_IN: TimelineKind.PRESSED,
    AuditAction.CLIENT_SIGNED_IN_BY_CODE: TimelineKind.CODE_TYPED,
    AuditAction.CLIENT_SIGNED_IN_BY_PIN: TimelineKind.PIN_USED,
    AuditAction.PIN_MADE: TimelineKind.PIN_MADE,
    AuditAction.LINK_SENT: TimelineKind.SIGN_IN_MAILED,
    AuditAction.LINK_REFUSED: TimelineKind.LINK_REFUSED,
    AuditAction.CODE_REFUSED: TimelineKind.CODE_REFUSED,
    AuditAction.CODE_BEYOND_LIMIT: TimelineKind.TOO_MANY_TRIES,
    AuditAction.PIN_REFUSED: TimelineKind.PIN_REFUSED,
    AuditAction.PIN_BEYOND_LIMIT: TimelineKind.TOO_MANY_TRIES,
    AuditAction.ADDRESS_CHANGED_BY_CLIENT: TimelineKind.ADDRESS_CHANGED,
}


@dataclass(frozen=True)
class TimelineEvent:
    """One event; `address` is the mailbox concerned, `words` the reason given by a mail server or by staff.

    `entry` is the audit entry that the event was made from, if any.
    """

    kind: TimelineKind
    at: datetime
    by: str = ""
    address: str = ""
    words: str = ""
    entry: AuditEntry | None = None


@dataclass(frozen=True)
class Timeline:
    """The timeline of the current address; `mail` is that of its newest invitation, None if it was never invited.

    `problem` is the reason that an invitation cannot be mailed, in words for staff; empty if there is none.
    `failed_at` is the time of the last sign-in attempt if it failed lately, None if it succeeded.
    `changed_by_client_at` is the time at which the client chose the current address in the portal, None if staff did.
    """

    banner: Banner
    on_since: datetime | None
    problem: str
    invited_at: datetime | None
    first_signed_in_at: datetime | None
    last_signed_in_at: datetime | None
    mail: OutgoingEmail | None
    link: LinkFact
    link_is_dead: bool
    failed_at: datetime | None
    changed_by_client_at: datetime | None
    events: tuple[TimelineEvent, ...]

    @property
    def was_invited(self) -> bool:
        return self.invited_at is not None


def timeline_of(client: Client, access: PortalAccess | None, history: PortalHistory, *, at: datetime) -> Timeline:
    """Builds the timeline from loaded rows, without a query."""
    newest = history.newest_invitation(access)
    link = getattr(newest.email, "sign_in_link", None) if newest is not None else None
    sent = SentLink(newest.email, link, newest) if newest is not None and link is not None else None
    broken = eligibility.first_broken(access or PortalAccess.of(client), Purpose.INVITATION)
    failure = history.last_failure(at)
    events = [*_from_entries(history), *_from_mail_events(history)]
    return Timeline(
        banner=_banner(access, broken),
        on_since=access.enabled_at if access is not None else None,
        problem=broken.explain(client, access) if broken is not None else "",
        invited_at=access.invited_at if access is not None else None,
        first_signed_in_at=access.first_signed_in_at if access is not None else None,
        last_signed_in_at=access.last_signed_in_at if access is not None else None,
        mail=newest.email if newest is not None else None,
        link=_link_fact(newest, link),
        link_is_dead=access is not None and sent is not None and sent.is_dead(access, at),
        failed_at=failure.at if failure is not None else None,
        changed_by_client_at=_changed_by_client_at(access, history.entries),
        events=_newest_events(access, events),
    )


def _banner(access: PortalAccess | None, broken: Step | None) -> Banner:
    if broken is eligibility_steps.NOT_ARCHIVED:
        return Banner.ARCHIVED
    if access is None or broken is eligibility_steps.ACCESS_ON:
        return Banner.OFF
    if access.first_signed_in_at is not None:
        return Banner.NONE
    return Banner.NOT_WITH_NEW_ADDRESS if access.had_signed_in_before else Banner.NOT_YET


def _link_fact(invitation: Invitation | None, link: SignInLink | None) -> LinkFact:
    if invitation is None or link is None or invitation.email.handing_over_at is None:
        return LinkFact.NONE
    if link.used_at is not None:
        return LinkFact.PRESSED
    return LinkFact.FETCHED if link.fetched_at is not None else LinkFact.NOT_FETCHED


def _newest_events(access: PortalAccess | None, events: list[TimelineEvent]) -> tuple[TimelineEvent, ...]:
    if access is not None and access.enabled_at is not None:
        events.append(TimelineEvent(TimelineKind.ACCESS_ON, access.enabled_at, by=access.enabled_by))
    address = access.address if access is not None else None
    if address is not None and address.email_ok_at is not None:
        events.append(
            TimelineEvent(TimelineKind.EMAIL_OK, address.email_ok_at, by=address.email_ok_by, address=address.address)
        )
    # The sort is stable: events with equal times keep their order, newest first.
    events.sort(key=lambda event: event.at, reverse=True)
    return tuple(events[:MAX_EVENTS])


def _changed_by_client_at(access: PortalAccess | None, entries: Iterable[AuditEntry]) -> datetime | None:
    if access is None or access.address is None:
        return None
    changes = (entry for entry in entries if entry.action == AuditAction.ADDRESS_CHANGED_BY_CLIENT)
    return next((entry.at for entry in changes if entry.about == access.address.ref), None)


def _from_entries(history: PortalHistory) -> list[TimelineEvent]:
    return [_from_entry(entry) for entry in history.entries if AuditAction(entry.action) in EVENT_OF_ACTION]


def _from_entry(entry: AuditEntry) -> TimelineEvent:
    by = entry.actor_name if entry.action == AuditAction.PIN_MADE else ""
    return TimelineEvent(EVENT_OF_ACTION[AuditAction(entry.action)], entry.at, by=by, entry=entry)


def _from_mail_events(history: PortalHistory) -> list[TimelineEvent]:
    by_mail = {invitation.email_id: invitation for invitation in history.invitations}
    return [_from_mail_event(event, by_mail[event.email_id]) for event in history.mail_events]


def _from_mail_event(event: EmailEvent, invitation: Invitation) -> TimelineEvent:
    if event.kind == EmailEventKind.WRITTEN:
        return TimelineEvent(TimelineKind.INVITED, event.at, by=invitation.sent_by, address=invitation.address.address)
    if event.kind == EmailEventKind.RESTARTED:
        return TimelineEvent(TimelineKind.RESTARTED, event.at, by=event.words)
    return TimelineEvent(TimelineKind(event.kind), event.at, words=event.words)
