"""Locks of portal access, in the order used everywhere: portal account, client, access."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.db.models import QuerySet

from portico.domain.access import access_lookups
from portico.domain.access.models import PortalAccess, PortalAccount
from portico.domain.clients import client_details
from portico.domain.clients.client_details import ClientConflict
from portico.domain.clients.models import Client, Relationship
from portico.plumbing.database.compiled import CompiledQuery, Parameter


@contextmanager
def lock_access(
    client: Client, relationship: Relationship | None = None, *, is_first: bool = False
) -> Iterator[tuple[Client, PortalAccess]]:
    """Opens a transaction and locks the account, the client and the access, in the order used everywhere.

    If no access was ever saved, yields an unsaved one: only the holder of the client's lock may save the first.
    With `is_first` it is not looked for. The account is locked before the client.
    Raises ClientConflict if the access got another account in between.
    """
    with transaction.atomic():
        account = None if is_first else lock_account(client, relationship)
        row = client_details.lock(client)
        access = _lock_saved(row, relationship, is_first=is_first)
        if access.account_id != (account.pk if account is not None else None):
            raise ClientConflict
        access.client, access.account = row, account
        yield row, access


def _lock_saved(client: Client, relationship: Relationship | None, *, is_first: bool) -> PortalAccess:
    """Locks and returns the access of a locked client; an unsaved one if there is none."""
    if relationship is None:
        saved = None if is_first else _locked_access.first(client=client.pk)
        return saved or PortalAccess.of(client, practice_id=client.practice_id)
    # As it is now, under the client's lock: it may have been ended since the page was shown.
    current = _relationship.first(client=client.pk, relationship=relationship.pk)
    if current is None:
        raise Relationship.DoesNotExist
    current.client = client
    access = _locked_access_of.first(relationship=relationship.pk) or access_lookups.new_access(client, current)
    access.relationship = current
    return access


@CompiledQuery
def _locked_access(client: Parameter) -> QuerySet[PortalAccess]:
    return PortalAccess.objects.locked().select_related("address").filter(own_client=client)


@CompiledQuery
def _locked_access_of(relationship: Parameter) -> QuerySet[PortalAccess]:
    return PortalAccess.objects.locked().select_related("address").filter(relationship=relationship)


@CompiledQuery
def _relationship(client: Parameter, relationship: Parameter) -> QuerySet[Relationship]:
    return Relationship.objects.select_related("contact").filter(client=client, pk=relationship)


def lock_account(client: Client, relationship: Relationship | None = None) -> PortalAccount | None:
    """Locks and returns the account of the access, before the client is locked; None without one."""
    if relationship is None:
        return _locked_account.first(client=client.pk)
    return _locked_account_of.first(relationship=relationship.pk)


@CompiledQuery
def _locked_account(client: Parameter) -> QuerySet[PortalAccount]:
    return PortalAccount.objects.locked().filter(accesses__own_client=client)


@CompiledQuery
def _locked_account_of(relationship: Parameter) -> QuerySet[PortalAccount]:
    return PortalAccount.objects.locked().filter(accesses__relationship=relationship)


@contextmanager
def lock_accesses(client: Client) -> Iterator[tuple[Client, list[PortalAccess]]]:
    """Opens a transaction and locks every access of the client, with the accounts, as `lock_access` locks one.

    The first is the client's own, unsaved if there is none. Raises ClientConflict.
    """
    with transaction.atomic():
        accounts = {account.pk: account for account in lock_accounts(client)}
        row = client_details.lock(client)
        rows = PortalAccess.objects.locked().filter(client=row).order_by("pk")
        accesses = list(rows.select_related("address", "relationship__contact"))
        for access in accesses:
            if access.account_id is not None and access.account_id not in accounts:
                raise ClientConflict
            access.client = row
            access.account = accounts[access.account_id] if access.account_id is not None else None
        own = next((each for each in accesses if each.is_own), None)
        first = own or PortalAccess.of(row, practice_id=row.practice_id)
        yield row, [first, *(each for each in accesses if each is not own)]


def lock_accounts(client: Client) -> list[PortalAccount]:
    """Locks and returns the accounts of all accesses of the client, before the client is locked."""
    return _locked_accounts.rows(client=client.pk)


@CompiledQuery
def _locked_accounts(client: Parameter) -> QuerySet[PortalAccount]:
    of_client = PortalAccess.objects.filter(client=client)
    return PortalAccount.objects.locked().filter(pk__in=of_client.values("account")).order_by("pk")
