"""Portal accounts: finding or creating the account of a mailbox, its language and its epoch."""

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from portico.domain.access.models import PortalAccount
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import EmailAddress, Language
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log


def with_has_account(addresses: QuerySet[EmailAddress]) -> QuerySet[EmailAddress]:
    """Annotates what spares `account_for_address` a query if there is no account."""
    accounts = PortalAccount.objects.filter(practice=OuterRef("practice"), mailbox_key=OuterRef("mailbox_key"))
    return addresses.annotate(has_account=Exists(accounts))


def account_for_address(address: EmailAddress) -> PortalAccount:
    """Locks and returns the account of the address's mailbox at its practice; a new one is unsaved.

    `next_epoch` saves it. If another transaction saves it at the same moment, `retry_on_deadlock` finds that one.
    """
    of_mailbox = {"practice_id": address.practice_id, "mailbox_key": address.mailbox_key}
    may_exist = getattr(address, "has_account", True)
    account = PortalAccount.objects.locked().filter(**of_mailbox).first() if may_exist else None
    return account or PortalAccount(**of_mailbox)


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


def next_epoch(account: PortalAccount) -> int:
    """Advances the epoch of a locked or new account and returns it. Called when a change affects what it opens."""
    account.epoch += 1
    account.save(update_fields=None if account._state.adding else ["epoch"])
    return account.epoch
