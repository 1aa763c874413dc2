"""History of a client's portal access: invitations, sign-in emails and audit entries, loaded in two queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import QuerySet

from portico.domain.access import eligibility, holders
from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import Invitation, PortalAccess, SignInLink, SignInMethod, link_lifetime
from portico.domain.access.onboarding import invitations as inviting
from portico.domain.access.sign_in import failure_audit_entries
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client
from portico.plumbing import clock
from portico.plumbing.database.compiled import CompiledQuery, Parameter
from portico.plumbing.models import AuditEntry, EmailEvent, EmailEventKind, OutgoingEmail

# Attempts are shown, and their failures are reported, for this time.
RECENT = timedelta(days=7)
# An invitation's mail is written this much, at most, before its access is marked as invited, in one transaction.
INVITING = timedelta(minutes=1)
MAX_INVITATIONS = 5
MAX_MAIL_EVENTS = 60
MAX_REQUESTED_LINKS = 5
# More entries than are shown, so that the last successful and the last failed attempt are found.
MAX_AUDIT_ENTRIES = 40
METHODS = {
    AuditAction.CLIENT_SIGNED_IN: SignInMethod.LINK,
    AuditAction.CLIENT_SIGNED_IN_BY_CODE: SignInMethod.CODE,
    AuditAction.CLIENT_SIGNED_IN_BY_PIN: SignInMethod.PIN,
}
_BY_MAIL = (AuditAction.CLIENT_SIGNED_IN, AuditAction.CLIENT_SIGNED_IN_BY_CODE)
ACTIONS = (
    *METHODS,
    AuditAction.PIN_MADE,
    AuditAction.LINK_SENT,
    AuditAction.LINK_REFUSED,
    AuditAction.CODE_REFUSED,
    AuditAction.CODE_BEYOND_LIMIT,
    AuditAction.PIN_REFUSED,
    AuditAction.PIN_BEYOND_LIMIT,
    AuditAction.PIN_TRIES_ALLOWED,
    AuditAction.ADDRESS_CHANGED_BY_CLIENT,
)
# Taken from the audit log, which has them for every client of the mailbox; mail events exist for one mail only.
_EXCLUDED_MAIL_EVENTS = (EmailEventKind.PRESSED, EmailEventKind.CODE_TYPED)
_BODIES = ("email__body_text", "email__body_html")
# No row has this id.
_NO_ROW = 0


class WhyDead(StrEnum):
    """The reason why a link that was not used no longer works."""

    # By a newer link, or because another one was used.
    REPLACED = "replaced"
    TOO_OLD = "too_old"
    # Access, address or consent was changed after the link was made.
    CHANGED = "changed"


@dataclass(frozen=True)
class SentLink:
    """A mail with a sign-in link: an invitation, or an email that was requested on the portal's sign-in page."""

    email: OutgoingEmail
    link: SignInLink
    invitation: Invitation | None = None

    def is_dead(self, access: PortalAccess, at: datetime) -> bool:
        """Returns True if an unspent link no longer opens anything; `SignInLinkQuerySet.usable` is authoritative."""
        if self.link.used_at is not None:
            return False
        is_eligible = eligibility.is_eligible(access, Purpose.SIGN_IN_BY_MAIL)
        is_outdated = not eligibility.is_current(access, Purpose.SIGN_IN_BY_MAIL, self.link.epoch)
        return self.link.voided_at is not None or self._has_expired(at) or is_outdated or not is_eligible

    def why_dead(self, at: datetime) -> WhyDead:
        """Returns why the link, which did not work at that time, did not."""
        voided_at = self.link.voided_at
        if voided_at is not None and voided_at <= at:
            return WhyDead.REPLACED
        return WhyDead.TOO_OLD if self._has_expired(at) else WhyDead.CHANGED

    def _has_expired(self, at: datetime) -> bool:
        sent_at = self.email.handing_over_at
        return sent_at is not None and not clock.is_within(sent_at, link_lifetime(), at=at)


@dataclass(frozen=True)
class PortalHistory:
    """The events of a client's access so far, each list newest first.

    `mail_events` are those of the invitations, `requested` the emails requested for the mailbox.
    """

    invitations: Sequence[Invitation] = ()
    mail_events: Sequence[EmailEvent] = ()
    requested: Sequence[SentLink] = ()
    entries: Sequence[AuditEntry] = ()

    def newest_invitation(self, access: PortalAccess | None) -> Invitation | None:
        """Returns the newest invitation to the present address; None if that was never invited."""
        # An address that was replaced and later chosen again counts as not invited, whatever was mailed to it before.
        # So does one that the client confirmed: that sets `invited_at` without an invitation.
        if access is None or access.invited_at is None:
            return None
        newest = next((each for each in self.invitations if each.address_id == access.address_id), None)
        is_older = newest is not None and newest.email.written_at < access.invited_at - INVITING
        return None if is_older else newest

    def mail_with_ref(self, ref: str) -> SentLink | None:
        """Returns the loaded mail with this ref; None if it is an older one."""
        invited = (
            SentLink(each.email, each.email.sign_in_link, each) for each in self.invitations if each.email.ref == ref
        )
        return next((each for each in (*self.requested, *invited) if each.email.ref == ref), None)

    def newest_link(self, access: PortalAccess) -> SentLink | None:
        """Returns the newest mail with which the client can or could sign in at the present address."""
        invitation = self.newest_invitation(access)
        link = getattr(invitation.email, "sign_in_link", None) if invitation is not None else None
        invited = SentLink(invitation.email, link, invitation) if invitation is not None and link is not None else None
        current = (
            each for each in self.requested if eligibility.is_current(access, Purpose.SIGN_IN_BY_MAIL, each.link.epoch)
        )
        found = [each for each in (invited, next(current, None)) if each is not None]
        return max(found, key=lambda each: each.link.pk, default=None)

    def working_link(self, access: PortalAccess | None, at: datetime) -> SentLink | None:
        """Returns the newest mail if its link signs in now; None if the client needs another one."""
        newest = self.newest_link(access) if access is not None else None
        if access is None or newest is None or newest.email.handed_over_at is None:
            return None
        return None if newest.link.used_at is not None or newest.is_dead(access, at) else newest

    @property
    def last_method(self) -> SignInMethod | None:
        """Returns the method of the last sign-in; None if there was none, or none among the loaded entries."""
        actions = (AuditAction(entry.action) for entry in self.entries)
        return next((METHODS[action] for action in actions if action in METHODS), None)

    @property
    def last_signed_in_by_mail_at(self) -> datetime | None:
        """Returns the time of the last sign-in with a link or a code; None if there is none in the loaded entries."""
        return next((entry.at for entry in self.entries if entry.action in _BY_MAIL), None)

    @property
    def tries_allowed_at(self) -> datetime | None:
        """Returns the time at which staff last allowed more tries of a PIN; None if they did not."""
        return next((each.at for each in self.entries if each.action == AuditAction.PIN_TRIES_ALLOWED), None)

    def last_failure(self, at: datetime) -> AuditEntry | None:
        """Returns the entry of the last sign-in attempt if it failed within RECENT; None if it succeeded.

        A dead link that was opened is no attempt: a mail scanner may have opened it.
        """
        attempts = failure_audit_entries.SUCCEEDED | failure_audit_entries.FAILED
        made = (entry for entry in self.entries if entry.action in attempts and not entry.details.get("opened"))
        last = next(made, None)
        if last is None or last.action in failure_audit_entries.SUCCEEDED or at - last.at > RECENT:
            return None
        return last


def load(client: Client, access: PortalAccess | None) -> PortalHistory:
    """Loads the history of an access, in at most two queries."""
    events = list[EmailEvent]()
    if access is not None and access.pk is not None:
        account = access.account.pk if access.account is not None else _NO_ROW
        events = _mail_events.rows(access=access.pk, account=account)
    entries = [entry for entry in _entries.rows(client=client.pk) if holders.is_about(entry, access)]
    return _history_of(events, entries)


def _history_of(events: Sequence[EmailEvent], entries: Sequence[AuditEntry]) -> PortalHistory:
    """Builds the history from the rows of `_mail_events` and `_entries`."""
    mail_events = [event for event in events if hasattr(event.email, "invitation")]
    invitations = {event.email.invitation.pk: event.email.invitation for event in mail_events}
    for event in mail_events:
        # Each row has its own copies of what was joined.
        event.email = invitations[event.email.invitation.pk].email
    links = [event.email.sign_in_link for event in events if not hasattr(event.email, "invitation")]
    return PortalHistory(
        invitations=[invitations[pk] for pk in sorted(invitations, reverse=True)],
        mail_events=mail_events,
        requested=[SentLink(link.email, link) for link in sorted(links, key=_newest_first)],
        entries=entries,
    )


def _newest_first(link: SignInLink) -> int:
    return -link.pk


@CompiledQuery
def _mail_events(access: Parameter, account: Parameter) -> QuerySet[EmailEvent]:
    """Returns the events of the newest invitations, and the first event of each mail requested last."""
    invited = inviting.invitations_of(access)[:MAX_INVITATIONS].values("email")
    of_invited = EmailEvent.objects.filter(email__in=invited).exclude(kind__in=_EXCLUDED_MAIL_EVENTS)
    links = SignInLink.objects.filter(account=account, request__isnull=False).order_by("-id")[:MAX_REQUESTED_LINKS]
    of_requested = EmailEvent.objects.filter(email__in=links.values("email"), kind=EmailEventKind.WRITTEN)
    # Within another query: SQLite takes no limit in a union.
    newest = EmailEvent.objects.filter(pk__in=of_invited.order_by("-id")[:MAX_MAIL_EVENTS].values("pk"))
    events = EmailEvent.objects.filter(pk__in=newest.values("pk").union(of_requested.values("pk"), all=True))
    related = events.select_related("email__sign_in_link", "email__invitation__address").defer(*_BODIES)
    return related.order_by("-id")


@CompiledQuery
def _entries(client: Parameter) -> QuerySet[AuditEntry]:
    entries = AuditEntry.objects.filter(client=client, action__in=ACTIONS)
    return entries.order_by("-id")[:MAX_AUDIT_ENTRIES]
