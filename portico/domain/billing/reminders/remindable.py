"""Bills that a reminder may be about: shared, still to pay, and not being paid or disputed; and who gets it."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import cast

from django.db.models import Exists, OuterRef, Q

from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import PortalAccess, PortalAccount
from portico.domain.billing.models import Invoice
from portico.domain.billing.models.invoices import InvoiceQuerySet
from portico.plumbing import clock


@dataclass(frozen=True)
class RemindedBill:
    """A bill, and the access of the client or contact who is reminded of it."""

    bill: Invoice
    access: PortalAccess

    @property
    def account(self) -> PortalAccount:
        # Never None: an access that may be mailed has a mailbox.
        return cast(PortalAccount, self.access.account)


def bills(purpose: Purpose = Purpose.REMINDER) -> InvoiceQuerySet:
    """Returns the bills of the clients who may get a reminder now, themselves or one of their contacts."""
    return owing().filter(Exists(PortalAccess.objects.eligible(purpose).filter(client=OuterRef("client"))))


def owing() -> InvoiceQuerySet:
    """Returns such bills of all clients, also of those who get no mail."""
    return Invoice.objects.all().shared().not_processing().undisputed()


def to_mailbox(account: str, purpose: Purpose) -> InvoiceQuerySet:
    """Returns such bills that a mail to the account with this ref may be about."""
    reached = PortalAccess.objects.eligible(purpose).filter(client=OuterRef("client"), account__ref=account)
    return owing().filter(Exists(reached))


def accesses_of(accounts: Iterable[PortalAccount], purpose: Purpose = Purpose.REMINDER) -> list[PortalAccess]:
    """Returns the accesses of these mailboxes that may get a reminder, with what their mail needs."""
    eligible = PortalAccess.objects.eligible(purpose).filter(account__in=list(accounts)).order_by("pk")
    return list(eligible.select_related("account", "address", "client__practice", "relationship__contact"))


def with_past_due(named: Sequence[Invoice], accesses: Collection[PortalAccess], purpose: Purpose) -> list[RemindedBill]:
    """Returns what reminders of these bills are about: they, and all that are past due in the same mailboxes.

    Leaves out those that no reminder may be about now. One query.
    """
    practices: dict[date, set[int]] = defaultdict(set)
    for bill in named:
        practices[clock.today(bill.client.practice.time_zone)].add(bill.practice_id)
    about = Q(pk__in=[bill.pk for bill in named])
    for today, of_day in practices.items():
        about |= Q(practice__in=of_day, due_on__lt=today)
    return to_accesses(bills(purpose).filter(about), accesses)


def to_accesses(rows: InvoiceQuerySet, accesses: Collection[PortalAccess]) -> list[RemindedBill]:
    """Returns each bill once for each of the accesses to its client, the earliest due first. One query."""
    of_client = defaultdict[int, list[PortalAccess]](list)
    for access in accesses:
        of_client[access.client_id].append(access)
    found = rows.filter(client__in=of_client).select_related("client__practice").order_by("due_on", "id")
    return [RemindedBill(bill, access) for bill in found for access in of_client[bill.client_id]]
