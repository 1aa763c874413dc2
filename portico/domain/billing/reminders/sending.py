"""Queueing reminders: one mail a day for each mailbox, with all bills of all its clients."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import cast

from django.db.models import Q

from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import PortalAccess, PortalAccount
from portico.domain.access.sign_in import mail_links
from portico.domain.billing import bill_mail_texts
from portico.domain.billing.models import Invoice
from portico.domain.billing.reminders import remindable, reminder_mail
from portico.domain.practices.mail_texts import MailText
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.mail import outbox
from portico.plumbing.mail.outbox import Draft
from portico.plumbing.models import OutgoingEmail


def lock_accounts(pks: set[int]) -> list[PortalAccount]:
    """Locks mailboxes in the caller's transaction, so that no other operation queues a reminder for them."""
    return list(PortalAccount.objects.locked().filter(pk__in=pks).order_by("pk"))


def queue_mails(bills: Sequence[Invoice], *, by: Actor) -> list[OutgoingEmail]:
    """Queues one mail for each mailbox that has had none today. Its account is locked.

    `bills` come from `remindable.of_accounts`.
    """
    by_account: dict[str, list[Invoice]] = {}
    for bill in bills:
        by_account.setdefault(key_of(bill), []).append(bill)
    reminded = keys_of_reminded(bills)
    wanted = {key: listed for key, listed in by_account.items() if key not in reminded}
    practices = {listed[0].practice_id: listed[0].client.practice for listed in wanted.values()}
    texts = bill_mail_texts.texts_of_practices(list(practices.values()), reminder_mail.KIND) if wanted else {}
    about = _bills_by_mailbox(wanted)
    drafts = [_draft(key, listed[0], about[key], texts, by=by) for key, listed in wanted.items()]
    emails = outbox.queue_new([draft for draft in drafts if draft is not None])
    mail_links.create([(email, _access_of(by_account[email.key][0])) for email in emails])
    return emails


def _bills_by_mailbox(wanted: Mapping[str, list[Invoice]]) -> dict[str, list[Invoice]]:
    """Returns the bills that each mail is about, by the mailbox's key."""
    named = [bill for listed in wanted.values() for bill in listed]
    about: dict[str, list[Invoice]] = {key: [] for key in wanted}
    accounts = [_account_of(listed[0]) for listed in wanted.values()]
    for bill in remindable.with_past_due(named, accounts, Purpose.REMINDER) if wanted else ():
        about[key_of(bill)].append(bill)
    return about


def keys_of_reminded(bills: Sequence[Invoice]) -> set[str]:
    """Returns the keys of the mailboxes among these that have had a reminder today, also one sent from a bill."""
    keys = {_account_of(bill).pk: key_of(bill) for bill in bills}
    zones = {_account_of(bill).pk: bill.client.practice.time_zone for bill in bills}
    recent = Q(client__portal_access__account__in=keys, written_at__gt=clock.now() - timedelta(days=2))
    found = OutgoingEmail.objects.filter(Q(key__in=list(keys.values())) | recent, kind=reminder_mail.KIND)
    reminded = set()
    for key, account, day in found.values_list("key", "client__portal_access__account", "content__day"):
        reminded.add(key)
        if account in keys and day == clock.today(zones[account]).isoformat():
            reminded.add(keys[account])
    return reminded


def key_of(bill: Invoice) -> str:
    """Returns the key of the day's reminder of the bill's mailbox."""
    day = clock.today(bill.client.practice.time_zone)
    return f"{reminder_mail.KIND}:{_account_of(bill).ref}:{day:%Y-%m-%d}"


def _draft(
    key: str, first: Invoice, about: list[Invoice], texts: Mapping[tuple[int, str], MailText], *, by: Actor
) -> Draft | None:
    access = _access_of(first)
    return reminder_mail.draft(about, access, texts=texts, key=key, purpose=Purpose.REMINDER, by=by)


def _access_of(bill: Invoice) -> PortalAccess:
    access: PortalAccess = bill.client.portal_access
    access.client = bill.client
    return access


def _account_of(bill: Invoice) -> PortalAccount:
    # Never None: the bill was found by its mailbox.
    return cast(PortalAccount, _access_of(bill).account)
