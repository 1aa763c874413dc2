"""Queueing reminders: one mail a day for each mailbox of a client or contact, with all bills of all its clients."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from django.db.models import Q

from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import PortalAccess, PortalAccount
from portico.domain.access.sign_in import mail_links
from portico.domain.billing import bill_mail_texts
from portico.domain.billing.models import Invoice
from portico.domain.billing.reminders import remindable, reminder_mail
from portico.domain.billing.reminders.remindable import RemindedBill
from portico.domain.practices.mail_texts import MailText
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.mail import outbox
from portico.plumbing.mail.outbox import Draft
from portico.plumbing.models import OutgoingEmail


def lock_accounts(pks: set[int]) -> list[PortalAccount]:
    """Locks mailboxes in the caller's transaction, so that no other operation queues a reminder for them."""
    return list(PortalAccount.objects.locked().filter(pk__in=pks).order_by("pk"))


def queue_mails(named: Sequence[RemindedBill], accesses: Collection[PortalAccess], *, by: Actor) -> list[OutgoingEmail]:
    """Queues one mail for each mailbox that has had none today. Its account is locked.

    `accesses` are those of the mailboxes, from `remindable.accesses_of`.
    """
    by_account: dict[str, list[RemindedBill]] = {}
    for each in named:
        by_account.setdefault(key_of(each), []).append(each)
    reminded = keys_of_reminded(named)
    wanted = {key: listed for key, listed in by_account.items() if key not in reminded}
    practices = {listed[0].bill.practice_id: listed[0].bill.client.practice for listed in wanted.values()}
    texts = bill_mail_texts.texts_of_practices(list(practices.values()), reminder_mail.KIND) if wanted else {}
    about = _bills_by_mailbox(wanted, accesses)
    drafts = [_draft(key, listed[0].access, about[key], texts, by=by) for key, listed in wanted.items()]
    emails = outbox.queue_new([draft for draft in drafts if draft is not None])
    mail_links.create([(email, by_account[email.key][0].access) for email in emails])
    return emails


def _bills_by_mailbox(
    wanted: Mapping[str, list[RemindedBill]], accesses: Collection[PortalAccess]
) -> dict[str, list[Invoice]]:
    """Returns the bills that each mail is about, by the mailbox's key."""
    named = {each.bill.pk: each.bill for listed in wanted.values() for each in listed}
    about: dict[str, list[Invoice]] = {key: [] for key in wanted}
    accounts = {listed[0].account.pk for listed in wanted.values()}
    mailed = [access for access in accesses if access.account_id in accounts]
    for each in remindable.with_past_due(list(named.values()), mailed, Purpose.REMINDER) if wanted else ():
        about[key_of(each)].append(each.bill)
    return about


def keys_of_reminded(named: Collection[RemindedBill]) -> set[str]:
    """Returns the keys of the mailboxes among these that have had a reminder today, also one sent from a bill."""
    keys = {each.account.ref: key_of(each) for each in named}
    zones = {each.account.ref: each.bill.client.practice.time_zone for each in named}
    accounts = {each.account.pk for each in named}
    recent = Q(client__accesses__account__in=accounts, written_at__gt=clock.now() - timedelta(days=2))
    found = OutgoingEmail.objects.filter(Q(key__in=list(keys.values())) | recent, kind=reminder_mail.KIND)
    reminded = set()
    for key, account, day in found.values_list("key", "content__account", "content__day"):
        reminded.add(key)
        if account in keys and day == clock.today(zones[account]).isoformat():
            reminded.add(keys[account])
    return reminded


def key_of(reminded: RemindedBill) -> str:
    """Returns the key of the day's reminder of the mailbox."""
    day = clock.today(reminded.bill.client.practice.time_zone)
    return f"{reminder_mail.KIND}:{reminded.account.ref}:{day:%Y-%m-%d}"


def _draft(
    key: str,
    access: PortalAccess,
    about: list[Invoice],
    texts: Mapping[tuple[int, str], MailText],
    *,
    by: Actor,
) -> Draft | None:
    return reminder_mail.draft(about, access, texts=texts, key=key, purpose=Purpose.REMINDER, by=by)
