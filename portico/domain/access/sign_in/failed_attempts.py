"""Failed sign-in attempts, recorded in the audit log for every client of the mailbox."""

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
# A dead link that is opened repeatedly is recorded at most once in this time.
REPEAT_INTERVAL = timedelta(hours=1)
# State of a link that was used at the address of a practice other than its own.
ELSEWHERE = "elsewhere"
# No row has this id. The query runs even without a link, so that its duration does not reveal whether there is one.
_NO_ROW = 0


def record_dead_link_used(practice: Practice, link: SignInLink | None, *, state: str, token: str) -> None:
    """Records an attempt to sign in with a dead link; `state` says why it is dead.

    For a link of another practice, also records it there for its own client.
    """
    _record(AuditAction.LINK_REFUSED, practice, _clients_of(link), about=_mail_of(link), state=state)
    if link is None:
        links = SignInLink.objects.select_related("practice", "address__client", "email")
        other = links.filter(token_hash=tokens.digest(token)).first()
        if other is not None:
            state = ELSEWHERE
            _record(AuditAction.LINK_REFUSED, other.practice, _clients_of(other), about=_mail_of(other), state=state)


def record_dead_link_opened(practice: Practice, link: SignInLink, *, state: str) -> None:
    """Records that a dead link was opened, by a person or a scanner; at most once an hour for each mail."""
    now, about = clock.now(), _mail_of(link)
    entries = AuditEntry.objects.filter(client_id=link.address.client_id, action=AuditAction.LINK_REFUSED, about=about)
    if not entries.filter(at__gt=now - REPEAT_INTERVAL, at__lte=now).exists():
        _record(AuditAction.LINK_REFUSED, practice, _clients_of(link), about=about, state=state, opened=True)


def record_code(practice: Practice, action: AuditAction, *, browser_hash: str, mailbox_key: str) -> None:
    """Records a refused code, for the clients of the mailbox that this browser requested a code for.

    Does the same work for an address that is not a client's.
    """
    links = SignInLink.objects.filter(
        practice=practice, request__browser_hash=browser_hash, request__mailbox_key=mailbox_key
    )
    _record(action, practice, _clients_of(links.select_related("address__client").order_by("-id").first()))


def _clients_of(link: SignInLink | None) -> list[Client]:
    """Returns the clients of the link's mailbox, among them the client whose address the link was mailed to."""
    account = link.account_id if link is not None else _NO_ROW
    accesses = PortalAccess.objects.filter(account_id=account).select_related("client").order_by("client_id")
    clients = {access.client_id: access.client for access in accesses}
    if link is not None:
        clients.setdefault(link.address.client_id, link.address.client)
    return list(clients.values())


def _mail_of(link: SignInLink | None) -> str:
    return link.email.ref if link is not None else ""


def _record(
    action: AuditAction, practice: Practice, clients: Iterable[Client], *, about: str = "", **details: str | bool
) -> None:
    """Records one entry for each client; if there is none, one entry for the practice."""
    anonymous, clients_or_none = Actor.anonymous(), list[Client | None](clients) or [None]
    audit_log.record_all(
        audit_log.entry(action, practice=practice, by=anonymous, client=client, about=about, **details)
        for client in clients_or_none
    )
