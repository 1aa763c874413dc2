"""Bills that a reminder may be about: shared, still to pay, and not being paid or disputed."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date

from django.db.models import Exists, OuterRef, Q

from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import PortalAccess, PortalAccount
from portico.domain.billing.models import Invoice
from portico.domain.billing.models.invoices import InvoiceQuerySet
from portico.plumbing import clock


def bills(purpose: Purpose = Purpose.REMINDER) -> InvoiceQuerySet:
    """Returns the bills of the clients who may get a reminder now."""
    reached = PortalAccess.objects.eligible(purpose).filter(own_client=OuterRef("client"))
    return owing().filter(Exists(reached))


def owing() -> InvoiceQuerySet:
    """Returns such bills of all clients, also of those who get no mail."""
    return Invoice.objects.all().shared().not_processing().undisputed()


def with_past_due(named: Sequence[Invoice], accounts: Iterable[PortalAccount], purpose: Purpose) -> list[Invoice]:
    """Returns the bills that reminders of these are about: they, and all that are past due in their mailboxes.

    Leaves out those that no reminder may be about now. One query; the rows are as `with_mailbox` returns them.
    """
    practices: dict[date, set[int]] = defaultdict(set)
    for bill in named:
        practices[clock.today(bill.client.practice.time_zone)].add(bill.practice_id)
    about = Q(pk__in=[bill.pk for bill in named])
    for today, of_day in practices.items():
        about |= Q(practice__in=of_day, due_on__lt=today)
    return list(of_accounts(bills(purpose).filter(about), accounts))


def of_accounts(rows: InvoiceQuerySet, accounts: Iterable[PortalAccount]) -> InvoiceQuerySet:
    """Returns the bills of these mailboxes, as `with_mailbox` does."""
    return with_mailbox(rows.filter(client__portal_access__account__in=list(accounts)))


def with_mailbox(rows: InvoiceQuerySet) -> InvoiceQuerySet:
    """Returns the bills, the earliest due first, with what their mail needs."""
    related = ("client__practice", "client__portal_access__account", "client__portal_access__address")
    return rows.select_related(*related).order_by("due_on", "id")
