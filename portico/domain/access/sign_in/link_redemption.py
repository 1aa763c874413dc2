"""Redemption of sign-in links: looking a token up any number of times, and spending it once."""

from dataclasses import dataclass, replace
from enum import StrEnum

from django.db import transaction

from portico.domain.access.models import PortalAccount, SignInLink, SignInMethod
from portico.domain.access.models.links import SignInLinkQuerySet
from portico.domain.access.sign_in import completing_sign_in, failed_attempts
from portico.domain.access.sign_in.completing_sign_in import Browser
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
    """The state of a token; `link` is None for a token that is unknown at this practice."""

    state: LinkState
    link: SignInLink | None = None


def find(practice: Practice, token: str) -> LinkStatus:
    """Returns the state of a token at a practice; changes nothing. Another practice's link is unknown here."""
    link = (
        SignInLink.objects.select_related("account", "address__client", "request", "email")
        .filter(practice=practice, token_hash=tokens.digest(token))
        .first()
    )
    if link is None:
        return LinkStatus(LinkState.UNKNOWN)
    if link.used_at is not None:
        return LinkStatus(LinkState.USED, link)
    if SignInLink.objects.usable().filter(pk=link.pk).exists():
        return LinkStatus(LinkState.LIVE, link)
    # If another request used the link between the two queries above, it is used, not expired.
    was_used = SignInLink.objects.filter(pk=link.pk, used_at__isnull=False).exists()
    return LinkStatus(LinkState.USED if was_used else LinkState.EXPIRED, link)


def record_fetch(link: SignInLink) -> None:
    """Records the first fetch of the link, by a person or a scanner. Idempotent."""
    with transaction.atomic():
        if SignInLink.objects.filter(pk=link.pk, fetched_at=None).update(fetched_at=clock.now()):
            EmailEvent.objects.create(
                practice_id=link.practice_id, email_id=link.email_id, kind=EmailEventKind.FETCHED, at=clock.now()
            )


def record_opened_if_dead(practice: Practice, status: LinkStatus) -> None:
    """Records that a used or expired link was opened. Its page has no sign-in button, so no attempt will follow."""
    if status.link is not None and status.state is not LinkState.LIVE:
        failed_attempts.record_dead_link_opened(practice, status.link, state=status.state.value)


@retry_on_deadlock
def redeem(practice: Practice, token: str, *, visitor: Browser) -> StartedSession | LinkStatus:
    """Spends a link and starts a session; returns the status of a dead link instead.

    Of any number of simultaneous requests, one spends the link: one update statement both checks and spends it.
    """
    status = find(practice, token)
    if status.link is None or status.state is not LinkState.LIVE:
        failed_attempts.record_dead_link_used(practice, status.link, state=status.state.value, token=token)
        return status
    started = spend(
        practice, status.link, usable=SignInLink.objects.usable(), method=SignInMethod.LINK, visitor=visitor
    )
    if started is None:
        status = find(practice, token)
        failed_attempts.record_dead_link_used(practice, status.link, state=status.state.value, token=token)
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
    return replace(started, goes_to=link.request.goes_to if link.request is not None else "")


_EVENTS = {SignInMethod.LINK: EmailEventKind.PRESSED, SignInMethod.CODE: EmailEventKind.CODE_TYPED}
