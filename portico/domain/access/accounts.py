"""The mailboxes that sign in, and the counter that orders what happens to them."""

from django.db.models import F

from portico.domain.access.models import PortalAccount
from portico.domain.clients.models import EmailAddress


def of_address(address: EmailAddress) -> PortalAccount:
    """The account of an address's mailbox at its practice, made when it is the first. Locks it."""
    account, _made = PortalAccount.objects.get_or_create(
        practice_id=address.practice_id, mailbox_key=address.mailbox_key
    )
    return PortalAccount.objects.locked().get(pk=account.pk)


def next_number(account: PortalAccount) -> int:
    """Takes the account's next number, for a fact that changed. Inside a transaction; the row stays locked."""
    PortalAccount.objects.filter(pk=account.pk).update(counter=F("counter") + 1)
    account.refresh_from_db(fields=["counter"])
    return account.counter


def speak(account: PortalAccount, language: str) -> None:
    """Remembers the language the person chose, for their pages and the mails about signing in."""
    PortalAccount.objects.filter(pk=account.pk).exclude(language=language).update(language=language)
