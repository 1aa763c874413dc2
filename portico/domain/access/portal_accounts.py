"""Portal accounts: the mailboxes that sign in, and the epoch that orders changes to what they may open."""

from django.db import transaction

from portico.domain.access.models import PortalAccount
from portico.domain.audit_actions import AuditAction
from portico.domain.clients.models import EmailAddress, Language
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log


def account_for_address(address: EmailAddress) -> PortalAccount:
    """The account of an address's mailbox at its practice, made when it is the first. Locks it."""
    of_mailbox = {"practice_id": address.practice_id, "mailbox_key": address.mailbox_key}
    account = PortalAccount.objects.locked().filter(**of_mailbox).first()
    if account is not None:
        return account
    # Somebody else may make it at the same moment.
    PortalAccount.objects.bulk_create([PortalAccount(**of_mailbox)], ignore_conflicts=True)
    return PortalAccount.objects.locked().get(**of_mailbox)


def choose_language(account: PortalAccount, language: Language, *, by: Actor) -> None:
    """From now on the portal, and the mails by which the mailbox signs in, speak this language. Again: nothing."""
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
    """Advances the epoch of a locked account, because a fact changed, and returns it."""
    account.epoch += 1
    account.save(update_fields=["epoch"])
    return account.epoch
