"""Portal accounts: finding or creating the account of a mailbox, its language and its epoch."""

from django.db import transaction

from portico.domain.access.models import PortalAccount
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import EmailAddress, Language
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log


def account_for_address(address: EmailAddress) -> PortalAccount:
    """Returns the account of the address's mailbox at its practice, created if missing. Locks it."""
    of_mailbox = {"practice_id": address.practice_id, "mailbox_key": address.mailbox_key}
    account = PortalAccount.objects.locked().filter(**of_mailbox).first()
    if account is not None:
        return account
    # Another transaction may create it at the same moment.
    PortalAccount.objects.bulk_create([PortalAccount(**of_mailbox)], ignore_conflicts=True)
    return PortalAccount.objects.locked().get(**of_mailbox)


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
    """Advances the epoch of a locked account and returns it. Called when a change affects what the account opens."""
    account.epoch += 1
    account.save(update_fields=["epoch"])
    return account.epoch
