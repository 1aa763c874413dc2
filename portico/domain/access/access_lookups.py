"""Finds the portal access of a client, a contact or a mailbox; builds one that was never saved, with its defaults."""

from collections.abc import Collection, Iterable

from django.db.models import F, Q, QuerySet

from portico.domain.access.models import PortalAccess, PortalAccount
from portico.domain.clients import client_details
from portico.domain.clients.models import Client, EmailAddress, Relationship, RelationshipKind
from portico.domain.practices.models import Practice
from portico.plumbing.database.compiled import CompiledQuery, Parameter

OPTIONS = ("access_billing_documents", "pay_by_card", "signs_documents")
_ALL, _BILLING, _NONE = (True, True, True), (True, True, False), (False, False, False)
# In the order of OPTIONS; see `default_options`.
_PRESETS = {
    RelationshipKind.GUARDIAN: _ALL,
    RelationshipKind.MEMBER: _ALL,
    RelationshipKind.PAYER: _BILLING,
    RelationshipKind.PARTNER: _NONE,
    RelationshipKind.EMERGENCY: _NONE,
    RelationshipKind.OTHER: _NONE,
}


def access_of(client: Client, relationship: Relationship | None = None) -> PortalAccess | None:
    """Returns the access with its account and address; None if none was ever saved."""
    if relationship is None:
        access = _by_client.first(client=client.pk)
    else:
        access = _by_relationship.first(relationship=relationship.pk)
    if access is not None:
        access.client = client
    if access is not None and relationship is not None:
        access.relationship = relationship
    return access


@CompiledQuery
def _by_client(client: Parameter) -> QuerySet[PortalAccess]:
    return PortalAccess.objects.select_related("account", "address").filter(own_client=client)


@CompiledQuery
def _by_relationship(relationship: Parameter) -> QuerySet[PortalAccess]:
    return PortalAccess.objects.select_related("account", "address").filter(relationship=relationship)


def access_of_account(client: Client, account: PortalAccount) -> PortalAccess | None:
    """Returns the access by which a mailbox sees the client, loaded for eligibility; the one that is on, if any."""
    rows = PortalAccess.objects.select_related("client", "account", "address", "relationship__contact")
    found = rows.filter(client=client, account=account)
    return found.order_by(F("enabled_at").desc(nulls_last=True), "pk").first()


def access_of_former_account(client: Client, account: PortalAccount) -> PortalAccess | None:
    """Returns the access of the person whose mailbox the account is, if it no longer opens the client.

    An access signs in with an address of its holder, and closed addresses are kept. If exactly one person ever had
    this address, it is that person's access. Otherwise returns None, never the access of another person.
    """
    if not Relationship.objects.filter(client=client).exists():
        return access_of(client)
    addresses = EmailAddress.objects.filter(practice=client.practice_id, mailbox_key=account.mailbox_key)
    of_client = Q(client=client) | Q(contact__relationships__client=client)
    owners = {(row.client_id, row.contact_id) for row in addresses.filter(of_client)}
    if len(owners) != 1:
        return None
    ((of_own, contact),) = owners
    if of_own is not None:
        return access_of(client)
    current = Relationship.objects.current().select_related("contact").filter(client=client, contact=contact).first()
    return access_of(client, current) if current is not None else None


def access_or_default(client: Client, relationship: Relationship | None = None) -> PortalAccess:
    """Returns the access as `access_of` does; if none was ever saved, an unsaved one that is off."""
    return access_of(client, relationship) or new_access(client, relationship)


def new_access(client: Client, relationship: Relationship | None = None) -> PortalAccess:
    """Returns an unsaved access that is off, with its default options."""
    options = default_options(client.practice, RelationshipKind(relationship.kind) if relationship else None)
    if relationship is None:
        return PortalAccess.of(client, **options)
    return PortalAccess(practice_id=client.practice_id, client=client, relationship=relationship, **options)


def default_options(practice: Practice, kind: RelationshipKind | None = None) -> dict[str, bool]:
    """Returns what a client, or a contact of this kind, sees and may do until staff choose otherwise.

    Whether they pay by card is the practice's choice.
    """
    options = dict(zip(OPTIONS, _ALL if kind is None else _PRESETS[kind], strict=True))
    return options | {"pay_by_card": options["pay_by_card"] and practice.new_clients_pay_by_card}


def of_contacts(client: Client) -> list[PortalAccess]:
    """Returns the accesses of contacts that are on, for a locked client; no query for one who never had contacts."""
    if not client_details.has_contacts(client):
        return []
    rows = PortalAccess.objects.select_related("account", "address", "relationship__contact")
    found = list(rows.filter(client=client, own_client=None, enabled_at__isnull=False).order_by("pk"))
    for access in found:
        access.client = client
    return found


def of_contacts_by_client(clients: Iterable[Client]) -> dict[int, list[PortalAccess]]:
    """Returns the accesses of contacts that are on, by the id of the client, in one query."""
    by_id = {client.pk: client for client in clients}
    found = dict[int, list[PortalAccess]]()
    rows = PortalAccess.objects.select_related("address", "relationship__contact").order_by("pk")
    for access in rows.filter(client__in=list(by_id), own_client=None, enabled_at__isnull=False):
        access.client = by_id[access.client_id]
        found.setdefault(access.client_id, []).append(access)
    return found


def mailboxes_of_contacts(clients: Collection[int]) -> set[tuple[int, str]]:
    """Returns the clients by id, each with the key of a mailbox that opens their portal for a contact."""
    rows = PortalAccess.objects.filter(client__in=clients, own_client=None, enabled_at__isnull=False)
    return {(client, key) for client, key in rows.values_list("client", "account__mailbox_key") if key}
