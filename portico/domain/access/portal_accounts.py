"""Portal accounts: finding or creating the account of a mailbox, its language and its epoch."""

from collections import defaultdict
from collections.abc import Iterable

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from portico.domain.access.models import PortalAccount
from portico.domain.audit_actions import AuditAction
from portico.domain.clients import client_numbers
from portico.domain.clients.models import Client, EmailAddress, Language, Relationship
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.database.compiled import CompiledQuery, Parameter
from portico.plumbing.models import MailStop


def with_has_account(addresses: QuerySet[EmailAddress]) -> QuerySet[EmailAddress]:
    """Annotates what spares `account_for_address` and `mail_stops.stop_of` a query if there is no account or stop."""
    mailbox = {"practice": OuterRef("practice"), "mailbox_key": OuterRef("mailbox_key")}
    accounts, stops = PortalAccount.objects.filter(**mailbox), MailStop.objects.live().filter(**mailbox)
    return addresses.annotate(has_account=Exists(accounts), has_stop=Exists(stops))


def account_for_address(address: EmailAddress) -> PortalAccount:
    """Locks and returns the account of the address's mailbox at its practice; a new one is unsaved.

    `save_next_epoch` saves it. If another transaction saves it at the same moment, `retry_on_deadlock` finds that one.
    """
    practice, mailbox = address.practice_id, address.mailbox_key
    may_exist = getattr(address, "has_account", True)
    account = _locked.first(practice=practice, mailbox=mailbox) if may_exist else None
    return account or PortalAccount(practice_id=practice, mailbox_key=mailbox)


def account_without_address(client: Client, relationship: Relationship | None) -> PortalAccount:
    """Locks and returns the account of a client or contact without an address; a new one is unsaved.

    It is named by the client number, that of a contact also by the ref of the relationship. The caller has locked the
    client, whose account no other client has.
    """
    key = client_numbers.digits_of(client)
    if relationship is not None:
        key = f"{key} {relationship.ref}"
    account = _locked.first(practice=client.practice_id, mailbox=key)
    return account or PortalAccount(practice_id=client.practice_id, mailbox_key=key)


@CompiledQuery
def _locked(practice: Parameter, mailbox: Parameter) -> QuerySet[PortalAccount]:
    return PortalAccount.objects.locked().filter(practice=practice, mailbox_key=mailbox)


def accounts_for_mailboxes(practice_id: int, mailbox_keys: set[str]) -> dict[str, PortalAccount]:
    """Locks and returns the accounts of these mailboxes by mailbox key; new ones are unsaved, for `save_all`."""
    rows = PortalAccount.objects.locked().filter(practice_id=practice_id, mailbox_key__in=mailbox_keys)
    found = {account.mailbox_key: account for account in rows.order_by("mailbox_key")}
    # Sorted, so that two transactions that insert the same accounts do not end in a deadlock.
    new = {key: PortalAccount(practice_id=practice_id, mailbox_key=key) for key in sorted(mailbox_keys - found.keys())}
    return found | new


def choose_language(account: PortalAccount, language: Language, *, by: Actor) -> None:
    """Sets the language of the portal and of the mailbox's sign-in mails. Idempotent."""
    with transaction.atomic():
        row = PortalAccount.objects.locked().get(pk=account.pk)
        if row.language == language:
            return
        row.language = language
        row.save(update_fields=["language"])
        audit_log.record(
            AuditAction.LANGUAGE_CHOSEN, practice=row.practice, by=by, about=row.ref, language=language.value
        )


def save_next_epoch(account: PortalAccount) -> int:
    """Advances the epoch of a locked or new account, saves it and returns it: a change affects what it opens."""
    epoch = advance_epoch(account)
    save_all([account])
    return epoch


def advance_epoch(account: PortalAccount) -> int:
    """Advances the epoch in memory, for `save_all`, and returns it."""
    account.epoch += 1
    return account.epoch


def save_all(accounts: Iterable[PortalAccount]) -> None:
    """Saves new accounts, and the epochs of locked ones, with one statement for each epoch."""
    new, by_epoch = list[PortalAccount](), defaultdict[int, list[int]](list)
    for account in accounts:
        if account._state.adding:
            new.append(account)
        else:
            by_epoch[account.epoch].append(account.pk)
    PortalAccount.objects.bulk_create(new)
    for epoch, ids in by_epoch.items():
        PortalAccount.objects.filter(pk__in=ids).update(epoch=epoch)
