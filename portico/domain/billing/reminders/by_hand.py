"""Reminders that staff send to several clients at once, and who gets none."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from portico.domain.access import eligibility
from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import PortalAccess
from portico.domain.billing.models import Invoice
from portico.domain.billing.reminders import remindable, sending
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.database.deadlocks import retry_on_deadlock


@dataclass(frozen=True)
class Recipient:
    """A client with the past due bills of a reminder; `reason` says why none can be sent, empty if one can."""

    client: Client
    bills: list[Invoice]
    reason: str


@retry_on_deadlock
def send(practice: Practice, refs: Collection[str], *, by: Actor) -> list[Recipient]:
    """Queues a reminder for each of the practice's clients with these refs who may get one; returns all of them."""
    with transaction.atomic():
        pks = set(Client.objects.filter(practice=practice, ref__in=list(refs)).values_list("pk", flat=True))
        accesses = PortalAccess.objects.filter(own_client__in=pks, account__isnull=False)
        sending.lock_accounts(set(accesses.values_list("account", flat=True)))
        recipients = recipients_of(practice, pks)
        bills = [bill for each in recipients if not each.reason for bill in each.bills]
        sending.queue_mails(bills, by=by)
    return recipients


def recipients_of(practice: Practice, pks: Collection[int]) -> list[Recipient]:
    """Returns the practice's clients with these ids, and why they would get no reminder now."""
    clients = Client.objects.filter(practice=practice, pk__in=list(pks)).select_related("practice")
    accesses = PortalAccess.objects.filter(own_client__in=list(pks)).select_related("account", "address")
    access_of = {access.client_id: access for access in accesses}
    late = remindable.bills().filter(client__in=list(pks), due_on__lt=clock.today(practice.time_zone))
    bills = list(remindable.with_mailbox(late))
    reminded = sending.keys_of_reminded(bills)
    recipients = []
    for client in clients:
        access = access_of.get(client.pk) or PortalAccess.of(client)
        access.client = client
        of_client = [bill for bill in bills if bill.client_id == client.pk]
        was_reminded = bool(of_client) and sending.key_of(of_client[0]) in reminded
        reason = _reason(access, of_client, was_reminded=was_reminded)
        recipients.append(Recipient(client, of_client, reason))
    return recipients


def _reason(access: PortalAccess, bills: list[Invoice], *, was_reminded: bool) -> str:
    broken = eligibility.first_broken(access, Purpose.REMINDER)
    if broken is not None:
        return broken.explain(access.client, access)
    if not bills:
        return _("No shared bill is past due")
    return _("Already reminded today") if was_reminded else ""
