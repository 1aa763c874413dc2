"""Attempts to sign in that failed, recorded for every client of the mailbox."""

from collections.abc import Iterable
from datetime import timedelta

from portico.domain.access.models import PortalAccess, SignInLink
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import clock, tokens
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.models import AuditEntry

SUCCEEDED = frozenset(
    {AuditAction.CLIENT_SIGNED_IN, AuditAction.CLIENT_SIGNED_IN_BY_CODE, AuditAction.CLIENT_SIGNED_IN_BY_PIN}
)
FAILED = frozenset(
    {
        AuditAction.LINK_REFUSED,
        AuditAction.CODE_REFUSED,
        AuditAction.CODE_BEYOND_LIMIT,
        AuditAction.PIN_REFUSED,
        AuditAction.PIN_BEYOND_LIMIT,
    }
)
# A dead link that is opened again and again is recorded once in this time.
OPENED_AGAIN = timedelta(hours=1)
# The practice at whose address the link was used is another one than the client's.
ELSEWHERE = "elsewhere"
# No row has this id: a query that has nothing to look for is sent all the same, so that its time tells nothing.
_NO_ROW = 0


def record_link_pressed(practice: Practice, link: SignInLink | None, *, state: str, token: str) -> None:
    """Records that the button of a dead link was pressed; `state` says why it is dead.

    A link of another practice is also recorded there, for its own client.
    """
    _record(AuditAction.LINK_REFUSED, practice, _clients_of(link), about=_mail_of(link), state=state)
    if link is None:
        links = SignInLink.objects.select_related("practice", "address__client", "email")
        theirs = links.filter(token_hash=tokens.digest(token)).first()
        if theirs is not None:
            state = ELSEWHERE
            _record(AuditAction.LINK_REFUSED, theirs.practice, _clients_of(theirs), about=_mail_of(theirs), state=state)


def record_link_opened(practice: Practice, link: SignInLink, *, state: str) -> None:
    """Records that a dead link was opened, by a person or a scanner; again within an hour: changes nothing."""
    now, about = clock.now(), _mail_of(link)
    lately = AuditEntry.objects.filter(client_id=link.address.client_id, verb=AuditAction.LINK_REFUSED, about=about)
    if not lately.filter(at__gt=now - OPENED_AGAIN, at__lte=now).exists():
        _record(AuditAction.LINK_REFUSED, practice, _clients_of(link), about=about, state=state, opened=True)


def record_code(practice: Practice, verb: AuditAction, *, browser_hash: str, mailbox_key: str) -> None:
    """Records a code that was refused, for the clients of the mailbox that this browser had asked for on that page.

    The work is the same for a browser that never asked for a client's address.
    """
    asked = SignInLink.objects.filter(practice=practice, ask__browser_hash=browser_hash, ask__mailbox_key=mailbox_key)
    _record(verb, practice, _clients_of(asked.select_related("address__client").order_by("-id").first()))


def _clients_of(link: SignInLink | None) -> list[Client]:
    """The client whose address the link was mailed to, and all others whom the same mailbox has been given."""
    account = link.account_id if link is not None else _NO_ROW
    accesses = PortalAccess.objects.filter(account_id=account).select_related("client").order_by("client_id")
    clients = {access.client_id: access.client for access in accesses}
    if link is not None:
        clients.setdefault(link.address.client_id, link.address.client)
    return list(clients.values())


def _mail_of(link: SignInLink | None) -> str:
    return link.email.ref if link is not None else ""


def _record(
    verb: AuditAction, practice: Practice, clients: Iterable[Client], *, about: str = "", **details: str | bool
) -> None:
    """One entry for each client; without any, one for the practice alone."""
    nobody, about_clients = Actor.anonymous(), list[Client | None](clients) or [None]
    audit_log.record_all(
        audit_log.entry(verb, practice=practice, by=nobody, client=client, about=about, **details)
        for client in about_clients
    )
