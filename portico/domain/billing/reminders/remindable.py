"""Bills that a reminder may be about: shared, still to pay, and not being paid or disputed."""

from collections.abc import Iterable

from django.db.models import Exists, OuterRef

from portico.domain.access.eligibility import Purpose
from portico.domain.access.models import PortalAccess, PortalAccount
from portico.domain.billing.models import Invoice
from portico.domain.billing.models.invoices import InvoiceQuerySet


def bills(purpose: Purpose = Purpose.REMINDER) -> InvoiceQuerySet:
    """Returns the bills of the clients who may get a reminder now."""
    reached = PortalAccess.objects.eligible(purpose).filter(client=OuterRef("client"))
    return owing().filter(Exists(reached))


def owing() -> InvoiceQuerySet:
    """Returns such bills of all clients, also of those who get no mail."""
    return Invoice.objects.all().shared().not_processing().undisputed()


def of_accounts(rows: InvoiceQuerySet, accounts: Iterable[PortalAccount]) -> InvoiceQuerySet:
    """Returns the bills of these mailboxes, as `with_mailbox` does."""
    return with_mailbox(rows.filter(client__portal_access__account__in=list(accounts)))


def with_mailbox(rows: InvoiceQuerySet) -> InvoiceQuerySet:
    """Returns the bills, the earliest due first, with what their mail needs."""
    related = ("client__practice", "client__portal_access__account", "client__portal_access__address")
    return rows.select_related(*related).order_by("due_on", "id")
