"""The mailboxes that sign in, and the counter that orders what happens to them."""

from django.db import transaction
from django.db.models import F

from portico.domain.access.models import PortalAccount
from portico.domain.clients.models import EmailAddress, Language
from portico.plumbing import trail
from portico.plumbing.actors import Actor
from portico.plumbing.verbs import Verb


def of_address(address: EmailAddress) -> PortalAccount:
    """The account of an address's mailbox at its practice, made when it is the first. Locks it."""
    account, _made = PortalAccount.objects.get_or_create(
        practice_id=address.practice_id, mailbox_key=address.mailbox_key
    )
    return PortalAccount.objects.locked().get(pk=account.pk)


def choose_language(account: PortalAccount, language: Language, *, by: Actor) -> None:
    """From now on the portal, and the mails by which the mailbox signs in, speak this language. Again: nothing."""
    with transaction.atomic():
        row = PortalAccount.objects.locked().get(pk=account.pk)
        if row.language == language:
            return
        row.language = language
        row.save(update_fields=["language"])
        trail.record(Verb.LANGUAGE_CHOSEN, practice=row.practice, by=by, about=row.ref, language=language.value)


def next_number(account: PortalAccount) -> int:
    """Takes the account's next number, for a fact that changed. Inside a transaction; the row stays locked."""
    PortalAccount.objects.filter(pk=account.pk).update(counter=F("counter") + 1)
    account.refresh_from_db(fields=["counter"])
    return account.counter
