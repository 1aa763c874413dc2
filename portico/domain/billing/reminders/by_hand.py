"""Reminders that staff send to several clients and their contacts at once, and who gets none."""

from collections import defaultdict
from collections.abc import Collection, Container
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from portico.domain.access import eligibility
from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import PortalAccess
from portico.domain.billing.reminders import remindable, sending
from portico.domain.billing.reminders.remindable import RemindedBill
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.models import OutgoingEmail


@dataclass(frozen=True)
class RemindedClient:
    """A client with the past due bills of a reminder, for each mailbox that it would reach.

    `reason` says why none can be sent, empty if one can.
    """

    client: Client
    bills: list[RemindedBill]
    reason: str


@dataclass(frozen=True)
class SentReminders:
    """The clients that staff chose, and the emails that were queued: one for each mailbox."""

    recipients: list[RemindedClient]
    emails: list[OutgoingEmail]


@retry_on_deadlock
def send(practice: Practice, refs: Collection[str], *, by: Actor) -> SentReminders:
    """Queues a reminder for each of the practice's clients with these refs who may get one.

    It goes to the client and to the contacts who see the bills, once a day to each mailbox.
    """
    with transaction.atomic():
        pks = set(Client.objects.filter(practice=practice, ref__in=list(refs)).values_list("pk", flat=True))
        held = PortalAccess.objects.filter(client__in=pks, account__isnull=False)
        accounts = sending.lock_accounts(set(held.values_list("account", flat=True)))
        recipients = recipients_of(practice, pks)
        named = [each for recipient in recipients if not recipient.reason for each in recipient.bills]
        emails = sending.queue_mails(named, remindable.accesses_of(accounts) if named else [], by=by)
    return SentReminders(recipients, emails)


def recipients_of(practice: Practice, pks: Collection[int]) -> list[RemindedClient]:
    """Returns the practice's clients with these ids, and why they would get no reminder now."""
    clients = Client.objects.filter(practice=practice, pk__in=list(pks)).select_related("practice")
    held = PortalAccess.objects.filter(client__in=list(pks))
    accesses = defaultdict[int, list[PortalAccess]](list)
    for access in held.select_related("account", "address", "relationship__contact").order_by("pk"):
        accesses[access.client_id].append(access)
    found = list(clients)
    for client in found:
        for access in accesses[client.pk]:
            access.client = client
    reached = [each for of_client in accesses.values() for each in of_client if _may_get_one(each)]
    late = remindable.bills().filter(due_on__lt=clock.today(practice.time_zone))
    bills = remindable.to_accesses(late, reached)
    reminded = sending.keys_of_reminded(bills)
    recipients = []
    for client in found:
        of_client = [each for each in bills if each.bill.client_id == client.pk]
        recipients.append(RemindedClient(client, of_client, _reason(client, accesses[client.pk], of_client, reminded)))
    return recipients


def _may_get_one(access: PortalAccess) -> bool:
    return eligibility.is_eligible(access, Purpose.REMINDER)


def _reason(
    client: Client, accesses: Collection[PortalAccess], bills: Collection[RemindedBill], reminded: Container[str]
) -> str:
    if not any(_may_get_one(each) for each in accesses):
        own = next((each for each in accesses if each.is_own), None) or PortalAccess.of(client)
        broken = eligibility.first_broken(own, Purpose.REMINDER)
        return broken.explain(client, own) if broken is not None else ""
    if not bills:
        return _("No shared bill is past due")
    return _("Already reminded today") if all(sending.key_of(each) in reminded for each in bills) else ""
