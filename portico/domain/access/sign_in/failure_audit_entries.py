"""Failed sign-in attempts, recorded in the audit log for every client of the mailbox."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from django.db.models import F, Subquery

from portico.domain.access.models import SignInLink
from portico.domain.access.models.accounts import name_of_contact
from portico.domain.access.models.links import SignInLinkQuerySet
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import Relationship
from portico.domain.practices.models import Practice
from portico.plumbing import clock
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


class PinLimit(StrEnum):
    """The limit that was spent when a PIN was entered, in the entry of PIN_BEYOND_LIMIT."""

    # Of wrong PINs from one network, which clients share.
    NETWORK = "network"
    # Of wrong PINs with one email address, phone number or client number.
    IDENTIFIER = "identifier"
    # Of the PIN itself.
    PIN = "pin"


@dataclass(frozen=True)
class MailboxLink:
    """A link and the clients of its mailbox by id, among them the client that the mail was about.

    Each has what an entry says about the access of a contact, as `holders.details_of`; nothing for the client's own.
    """

    link: SignInLink
    clients: Mapping[int, dict[str, str]]


def find_link(links: SignInLinkQuerySet) -> MailboxLink | None:
    """Returns the only link of the queryset with the clients of its mailbox; None if it is empty.

    Where the mailbox has several accesses of one client, it is that of the person to whom the link was mailed, else
    the one that is on. One query, and another one if the mail was about a contact whose mailbox it is no longer.
    """
    related = links.select_related(
        "practice", "account", "address__client", "address__contact", "request", "email__client"
    )
    of_access = "account__accesses"
    columns = {name: F(f"{of_access}__{path}") for name, path in _OF_ACCESS.items()}
    on_first = F(f"{of_access}__enabled_at").desc(nulls_last=True)
    rows = list(related.annotate(**columns).order_by(on_first, of_access))
    if not rows:
        return None
    link = rows[0]
    clients = dict[int, dict[str, str]]()
    for row in sorted(rows, key=lambda row: not _is_of_reader(row)):
        if client := row.__dict__["opened_client"]:
            clients.setdefault(client, _details_of(row))
    mailed = link.email.client_id
    if mailed is not None and not any(_is_of_reader(row) and row.__dict__["opened_client"] == mailed for row in rows):
        clients[mailed] = _details_of_former(link, mailed)
    return MailboxLink(link, clients)


_OF_ACCESS = {
    "opened_client": "client",
    "opened_contact": "relationship__contact",
    "opened_relationship": "relationship__ref",
    "opened_kind": "relationship__kind",
    "opened_first_name": "relationship__contact__first_name",
    "opened_last_name": "relationship__contact__last_name",
}


def _is_of_reader(row: SignInLink) -> bool:
    """Returns True if the access is that of the client or contact whose address the link was mailed to."""
    if row.address.contact_id is not None:
        return bool(row.__dict__["opened_contact"] == row.address.contact_id)
    return row.__dict__["opened_relationship"] is None and row.__dict__["opened_client"] == row.address.client_id


def _details_of(row: SignInLink) -> dict[str, str]:
    ref = row.__dict__["opened_relationship"]
    if ref is None:
        return {}
    kind, first_name, last_name = (row.__dict__[f"opened_{name}"] for name in ("kind", "first_name", "last_name"))
    return {"access": ref, "holder": name_of_contact(f"{first_name} {last_name}".strip(), kind)}


def _details_of_former(link: SignInLink, client: int) -> dict[str, str]:
    """Returns the details of the person to whom a mail about the client went, whose mailbox it was."""
    contact = link.address.contact
    if contact is None:
        return {}
    relationship = Relationship.objects.filter(client=client, contact=contact).order_by("-id").first()
    if relationship is None:
        return {}
    return {"access": relationship.ref, "holder": name_of_contact(contact.name, relationship.kind)}


def record_dead_link_used(practice: Practice, found: MailboxLink | None, *, state: str) -> None:
    """Records an attempt to sign in with a dead link; `state` says why it is dead.

    A link of another practice is recorded there too, for its own client, and here without one.
    """
    elsewhere = found if found is not None and found.link.practice_id != practice.pk else None
    here = None if elsewhere is not None else found
    entries = _entries(AuditAction.LINK_REFUSED, practice, here, about=_mail_of(here), state=state)
    if elsewhere is not None:
        about = _mail_of(elsewhere)
        entries += _entries(AuditAction.LINK_REFUSED, elsewhere.link.practice, elsewhere, about=about, state=ELSEWHERE)
    audit_log.record_all(entries)


def record_dead_link_opened(practice: Practice, found: MailboxLink, *, state: str, is_first_fetch: bool) -> None:
    """Records that a dead link was opened, by a person or a scanner; at most once an hour for each mail.

    Its page has no sign-in button, so no attempt will follow.
    """
    if is_first_fetch or not _is_recorded(found.link):
        about = _mail_of(found)
        audit_log.record_all(_entries(AuditAction.LINK_REFUSED, practice, found, about=about, state=state, opened=True))


def record_code(practice: Practice, action: AuditAction, *, browser_hash: str, mailbox_key: str) -> None:
    """Records a refused code, for the clients of the mailbox that this browser requested a code for.

    Does the same work for an address that is not a client's.
    """
    links = SignInLink.objects.filter(
        practice=practice, request__browser_hash=browser_hash, request__mailbox_key=mailbox_key
    )
    newest = SignInLink.objects.filter(pk=Subquery(links.order_by("-id").values("pk")[:1]))
    audit_log.record_all(_entries(action, practice, find_link(newest)))


def _is_recorded(link: SignInLink) -> bool:
    now = clock.now()
    entries = AuditEntry.objects.filter(
        client_id=link.email.client_id or 0, action=AuditAction.LINK_REFUSED, about=link.email.ref
    )
    return entries.filter(at__gt=now - REPEAT_INTERVAL, at__lte=now).exists()


def _mail_of(found: MailboxLink | None) -> str:
    return found.link.email.ref if found is not None else ""


def _entries(
    action: AuditAction, practice: Practice, found: MailboxLink | None, *, about: str = "", **details: str | bool
) -> list[AuditEntry]:
    """Builds one entry for each client of the mailbox; without a link, one for the practice."""
    named: list[tuple[int | None, dict[str, str]]] = [(None, {})]
    if found is not None and found.clients:
        named = [*sorted(found.clients.items())]
    entries = []
    for client_id, of in named:
        entry = audit_log.entry(
            action, practice=practice, by=Actor.anonymous(), client=None, about=about, **of, **details
        )
        entry.client_id = client_id
        entries.append(entry)
    return entries
