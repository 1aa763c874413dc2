"""Redemption of sign-in links: looking a token up any number of times, and spending it once."""

from dataclasses import dataclass, replace
from enum import StrEnum

from django.db import transaction

from portico.domain.access.models import PortalAccount, SignInLink, SignInMethod
from portico.domain.access.models.links import SignInLinkQuerySet
from portico.domain.access.sign_in import completing_sign_in, failure_audit_entries, portal_sessions
from portico.domain.access.sign_in.completing_sign_in import Browser
from portico.domain.access.sign_in.failure_audit_entries import MailboxLink
from portico.domain.access.sign_in.portal_sessions import StartedSession
from portico.domain.practices.models import Practice
from portico.plumbing import clock, tokens
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.models import EmailEvent, EmailEventKind


class LinkState(StrEnum):
    LIVE = "live"
    USED = "used"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class LinkStatus:
    """The state of a token; `found` is the link with it, even if it belongs to another practice."""

    state: LinkState
    found: MailboxLink | None = None

    @property
    def link(self) -> SignInLink | None:
        """Returns the link; None for a token that is unknown at this practice."""
        return None if self.found is None or self.state is LinkState.UNKNOWN else self.found.link


def find(practice: Practice, token: str) -> LinkStatus:
    """Returns the state of a token at a practice; changes nothing. Another practice's link is unknown here.

    Makes one query for any token, so that its duration does not reveal whether there is such a link.
    """
    found = failure_audit_entries.find_link(SignInLink.objects.filter(token_hash=tokens.digest(token)).with_usability())
    if found is None or found.link.practice_id != practice.pk:
        return LinkStatus(LinkState.UNKNOWN, found)
    if found.link.used_at is not None:
        return LinkStatus(LinkState.USED, found)
    return LinkStatus(LinkState.LIVE if found.link.is_usable else LinkState.EXPIRED, found)


def record_fetch(link: SignInLink) -> bool:
    """Records the first fetch of an unused link, by a person or a scanner. Returns False for any other fetch."""
    if link.fetched_at is not None or link.used_at is not None:
        return False
    with transaction.atomic():
        is_first = SignInLink.objects.filter(pk=link.pk, fetched_at=None).update(fetched_at=clock.now()) == 1
        if is_first:
            EmailEvent.objects.create(
                practice_id=link.practice_id, email_id=link.email_id, kind=EmailEventKind.FETCHED, at=clock.now()
            )
    return is_first


@retry_on_deadlock
def redeem(practice: Practice, token: str, *, visitor: Browser) -> StartedSession | LinkStatus:
    """Spends a link and starts a session; returns the status of a dead link instead.

    Of any number of simultaneous requests, one spends the link: one update statement both checks and spends it.
    """
    status = find(practice, token)
    if status.link is None or status.state is not LinkState.LIVE:
        failure_audit_entries.record_dead_link_used(practice, status.found, state=status.state.value)
        return status
    started = spend(
        practice, status.link, usable=SignInLink.objects.usable(), method=SignInMethod.LINK, visitor=visitor
    )
    if started is None:
        status = find(practice, token)
        failure_audit_entries.record_dead_link_used(practice, status.found, state=status.state.value)
        return status
    return started


def spend(
    practice: Practice, link: SignInLink, *, usable: SignInLinkQuerySet, method: SignInMethod, visitor: Browser
) -> StartedSession | None:
    """Spends a link, voids all others of its mailbox, and starts a session. Returns None if it is not in `usable`."""
    with transaction.atomic():
        account = PortalAccount.objects.locked().get(pk=link.account_id)
        now = clock.now()
        if usable.filter(pk=link.pk).update(used_at=now) != 1:
            return None
        account.links.unspent().update(voided_at=now)
        EmailEvent.objects.create(practice_id=practice.pk, email_id=link.email_id, kind=_EVENTS[method], at=now)
        started = completing_sign_in.complete(practice, account, method=method, proof_epoch=link.epoch, visitor=visitor)
        if link.request is None and link.goes_to:
            _choose_subject(started, link)
    return replace(started, goes_to=link.goes_to)


def _choose_subject(started: StartedSession, link: SignInLink) -> None:
    """Shows the client that the mail is about, so that a mailbox with several clients does not have to choose."""
    opened = portal_sessions.accesses_of(started.session).filter(client=link.email.client_id)
    for access in opened:
        portal_sessions.choose_client(started.session, access)


_EVENTS = {SignInMethod.LINK: EmailEventKind.PRESSED, SignInMethod.CODE: EmailEventKind.CODE_TYPED}
