"""What is known of a client's way into the portal: the facts behind the banner and the list of events."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from portico.domain.access import eligibility
from portico.domain.access.eligibility import Purpose, Step
from portico.domain.access.models import Invitation, PortalAccess, SignInLink, link_lifetime
from portico.domain.access.onboarding import invitations as inviting
from portico.domain.access.sign_in import failed_attempts
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client
from portico.plumbing import clock
from portico.plumbing.models import AuditEntry, EmailEvent, EmailEventKind, OutgoingEmail

MAX_INVITATIONS = 5
MAX_EVENTS = 8
# How many of the newest entries of the trail are read: more than are shown, to find the last success and failure.
ENTRIES_READ = 40


class Banner(StrEnum):
    """What stands at the top of the tab."""

    NONE = "none"
    NOT_YET = "not_yet"
    NOT_WITH_NEW_ADDRESS = "not_with_new_address"
    OFF = "off"
    ARCHIVED = "archived"


class LinkFact(StrEnum):
    """How far the newest invitation's link came. Fetching may be a scanner's; only the press is a person's."""

    NONE = "none"
    NOT_FETCHED = "not_fetched"
    FETCHED = "fetched"
    PRESSED = "pressed"


class EventKind(StrEnum):
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


# What the trail says about signing in, and as what it is told.
OF_TRAIL = {
    AuditAction.CLIENT_SIGNED_IN: EventKind.PRESSED,
    AuditAction.CLIENT_SIGNED_IN_BY_CODE: EventKind.CODE_TYPED,
    AuditAction.CLIENT_SIGNED_IN_BY_PIN: EventKind.PIN_USED,
    AuditAction.PIN_MADE: EventKind.PIN_MADE,
    AuditAction.LINK_SENT: EventKind.SIGN_IN_MAILED,
    AuditAction.LINK_REFUSED: EventKind.LINK_REFUSED,
    AuditAction.CODE_REFUSED: EventKind.CODE_REFUSED,
    AuditAction.CODE_BEYOND_LIMIT: EventKind.TOO_MANY_TRIES,
    AuditAction.PIN_REFUSED: EventKind.PIN_REFUSED,
    AuditAction.PIN_BEYOND_LIMIT: EventKind.TOO_MANY_TRIES,
}
# Told from the trail, which has them for every client of the mailbox and not only for an invitation's mail.
_NOT_OF_MAIL = (EmailEventKind.PRESSED, EmailEventKind.CODE_TYPED)


@dataclass(frozen=True)
class TimelineEvent:
    """One thing that happened; `address` is whose mailbox it is about, `words` what a machine or person gave.

    `entry` is the trail's, for what the trail tells.
    """

    kind: EventKind
    at: datetime
    by: str = ""
    address: str = ""
    words: str = ""
    entry: AuditEntry | None = None


@dataclass(frozen=True)
class Timeline:
    """The facts about the present address; `mail` is its newest invitation's, None when it was never invited.

    `failed_at` is when the last attempt to sign in failed, None if the last one succeeded.
    """

    banner: Banner
    on_since: datetime | None
    # What keeps an invitation from being mailed, in words; empty if nothing does.
    problem: str
    invited_at: datetime | None
    first_signed_in_at: datetime | None
    last_signed_in_at: datetime | None
    mail: OutgoingEmail | None
    link: LinkFact
    link_is_dead: bool
    failed_at: datetime | None
    happenings: tuple[TimelineEvent, ...]

    @property
    def was_invited(self) -> bool:
        return self.invited_at is not None


def timeline_of(client: Client, access: PortalAccess | None) -> Timeline:
    """The client's story, read in three queries."""
    invitations = list(inviting.invitations_of(client).select_related("address")[:MAX_INVITATIONS])
    mails = [invitation.email_id for invitation in invitations]
    events = EmailEvent.objects.filter(email__in=mails).exclude(kind__in=_NOT_OF_MAIL)
    entries = AuditEntry.objects.filter(client=client, verb__in=OF_TRAIL).order_by("-id")[:ENTRIES_READ]
    newest_events = list(events.order_by("-id")[: MAX_EVENTS * 2])
    return build(client, access, invitations, newest_events, list(entries), at=clock.now())


def build(
    client: Client,
    access: PortalAccess | None,
    invitations: Sequence[Invitation],
    events: Iterable[EmailEvent],
    entries: Sequence[AuditEntry],
    *,
    at: datetime,
) -> Timeline:
    """Puts the facts together; asks no database. Invitations, with mail, link and address, and entries of the trail
    are newest first.
    """
    newest = _newest(access, invitations)
    link = getattr(newest.email, "sign_in_link", None) if newest is not None else None
    broken = eligibility.first_broken(access or PortalAccess(client=client), Purpose.INVITATION)
    return Timeline(
        banner=_banner(access, broken),
        on_since=access.enabled_at if access is not None else None,
        problem=broken.explain(client, access) if broken is not None else "",
        invited_at=access.invited_at if access is not None else None,
        first_signed_in_at=access.first_signed_in_at if access is not None else None,
        last_signed_in_at=access.last_signed_in_at if access is not None else None,
        mail=newest.email if newest is not None else None,
        link=_link_fact(newest, link),
        link_is_dead=access is not None and link is not None and _is_dead(access, newest, link, at),
        failed_at=_failed_at(entries),
        happenings=_happenings(access, [*map(_of_entry, entries), *_of_mails(invitations, events)]),
    )


def _banner(access: PortalAccess | None, broken: Step | None) -> Banner:
    if broken is eligibility.NOT_ARCHIVED:
        return Banner.ARCHIVED
    if access is None or broken is eligibility.ACCESS_ON:
        return Banner.OFF
    if access.first_signed_in_at is not None:
        return Banner.NONE
    return Banner.NOT_WITH_NEW_ADDRESS if access.had_signed_in_before else Banner.NOT_YET


def _newest(access: PortalAccess | None, invitations: Sequence[Invitation]) -> Invitation | None:
    # An address that was left and chosen again has not been invited yet, whatever it got before.
    if access is None or access.invited_at is None:
        return None
    return next((each for each in invitations if each.address_id == access.address_id), None)


def _link_fact(invitation: Invitation | None, link: SignInLink | None) -> LinkFact:
    if invitation is None or link is None or invitation.email.handing_over_at is None:
        return LinkFact.NONE
    if link.used_at is not None:
        return LinkFact.PRESSED
    return LinkFact.FETCHED if link.fetched_at is not None else LinkFact.NOT_FETCHED


def _is_dead(access: PortalAccess, invitation: Invitation | None, link: SignInLink, at: datetime) -> bool:
    """Whether an unspent link no longer opens anything; the last word has `SignInLinkQuerySet.usable`."""
    if link.used_at is not None or invitation is None:
        return False
    begun_at = invitation.email.handing_over_at
    is_over = begun_at is not None and not clock.is_within(begun_at, link_lifetime(), at=at)
    is_allowed = eligibility.is_eligible(access, Purpose.SIGN_IN_BY_MAIL)
    is_outdated = not eligibility.is_current(access, Purpose.SIGN_IN_BY_MAIL, link.epoch)
    return link.voided_at is not None or is_over or is_outdated or not is_allowed


def _happenings(access: PortalAccess | None, told: list[TimelineEvent]) -> tuple[TimelineEvent, ...]:
    if access is not None and access.enabled_at is not None:
        told.append(TimelineEvent(EventKind.ACCESS_ON, access.enabled_at, by=access.enabled_by))
    address = access.address if access is not None else None
    if address is not None and address.email_ok_at is not None:
        told.append(
            TimelineEvent(EventKind.EMAIL_OK, address.email_ok_at, by=address.email_ok_by, address=address.address)
        )
    # Stable: events of one moment stay in the order they were given, newest first.
    told.sort(key=lambda happening: happening.at, reverse=True)
    return tuple(told[:MAX_EVENTS])


def _failed_at(entries: Iterable[AuditEntry]) -> datetime | None:
    attempts = failed_attempts.SUCCEEDED | failed_attempts.FAILED
    last = next((entry for entry in entries if entry.verb in attempts), None)
    return last.at if last is not None and last.verb in failed_attempts.FAILED else None


def _of_entry(entry: AuditEntry) -> TimelineEvent:
    by = entry.actor_name if entry.verb == AuditAction.PIN_MADE else ""
    return TimelineEvent(OF_TRAIL[AuditAction(entry.verb)], entry.at, by=by, entry=entry)


def _of_mails(invitations: Sequence[Invitation], events: Iterable[EmailEvent]) -> list[TimelineEvent]:
    by_mail = {invitation.email_id: invitation for invitation in invitations}
    return [_of_event(event, by_mail[event.email_id]) for event in events]


def _of_event(event: EmailEvent, invitation: Invitation) -> TimelineEvent:
    if event.kind == EmailEventKind.WRITTEN:
        return TimelineEvent(EventKind.INVITED, event.at, by=invitation.sent_by, address=invitation.address.address)
    if event.kind == EmailEventKind.RESTARTED:
        return TimelineEvent(EventKind.RESTARTED, event.at, by=event.words)
    return TimelineEvent(EventKind(event.kind), event.at, words=event.words)
