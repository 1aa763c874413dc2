"""What a mailed link shows and does: looked at by GET as often as anybody likes, spent once by POST."""

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
    """What a token's page may show. A link that is unknown here, or another practice's, has no link."""

    state: LinkState
    link: SignInLink | None = None


def find(practice: Practice, token: str) -> LinkStatus:
    """Looks at a token at a practice's address; changes nothing. Another practice's link is unknown here."""
    link = (
        SignInLink.objects.select_related("account", "address__client", "ask", "email")
        .filter(practice=practice, token_hash=tokens.digest(token))
        .first()
    )
    if link is None:
        return LinkStatus(LinkState.UNKNOWN)
    if link.used_at is not None:
        return LinkStatus(LinkState.USED, link)
    if SignInLink.objects.usable().filter(pk=link.pk).exists():
        return LinkStatus(LinkState.LIVE, link)
    # Another press may have come between the two questions: then it was used, and did not expire.
    was_used = SignInLink.objects.filter(pk=link.pk, used_at__isnull=False).exists()
    return LinkStatus(LinkState.USED if was_used else LinkState.EXPIRED, link)


def record_fetch(link: SignInLink) -> None:
    """Records the first fetch, by a person or a scanner; every further one changes nothing."""
    with transaction.atomic():
        if SignInLink.objects.filter(pk=link.pk, fetched_at=None).update(fetched_at=clock.now()):
            EmailEvent.objects.create(
                practice_id=link.practice_id, email_id=link.email_id, kind=EmailEventKind.FETCHED, at=clock.now()
            )


def note_opened_dead(practice: Practice, seen: LinkStatus) -> None:
    """Records that a used or expired link was opened: its page has no button that could be pressed."""
    if seen.link is not None and seen.state is not LinkState.LIVE:
        failed_attempts.record_link_opened(practice, seen.link, state=seen.state.value)


@retry_on_deadlock
def redeem(practice: Practice, token: str, *, visitor: Browser) -> StartedSession | LinkStatus:
    """Spends a link and begins a session; a dead link says why instead.

    However many presses arrive at once, one spends: the update is the question and the answer in one.
    """
    seen = find(practice, token)
    if seen.link is None or seen.state is not LinkState.LIVE:
        failed_attempts.record_link_pressed(practice, seen.link, state=seen.state.value, token=token)
        return seen
    begun = spend(practice, seen.link, usable=SignInLink.objects.usable(), way=SignInMethod.LINK, visitor=visitor)
    if begun is None:
        seen = find(practice, token)
        failed_attempts.record_link_pressed(practice, seen.link, state=seen.state.value, token=token)
        return seen
    return begun


def spend(
    practice: Practice, link: SignInLink, *, usable: SignInLinkQuerySet, way: SignInMethod, visitor: Browser
) -> StartedSession | None:
    """Spends a link while it is one of the `usable`, voids all others of its mailbox, and begins a session."""
    with transaction.atomic():
        account = PortalAccount.objects.locked().get(pk=link.account_id)
        now = clock.now()
        if usable.filter(pk=link.pk).update(used_at=now) != 1:
            return None
        account.links.unspent().update(voided_at=now)
        EmailEvent.objects.create(practice_id=practice.pk, email_id=link.email_id, kind=_EVENTS[way], at=now)
        begun = completing_sign_in.complete(practice, account, way=way, proof_epoch=link.epoch, visitor=visitor)
    return replace(begun, goes_to=link.ask.goes_to if link.ask is not None else "")


_EVENTS = {SignInMethod.LINK: EmailEventKind.PRESSED, SignInMethod.CODE: EmailEventKind.CODE_TYPED}
