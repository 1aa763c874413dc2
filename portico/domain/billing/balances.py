"""What a client owes: as the office counts it, and as the portal shows it."""

from dataclasses import dataclass

from django.db.models import Sum

from portico.domain.billing.models import Credit, Payment
from portico.domain.clients.models import Client


@dataclass(frozen=True)
class Account:
    """A client's books added up, in minor units. A negative balance is credit in the client's favour."""

    currency: str
    invoiced_minor: int
    paid_minor: int
    credited_minor: int
    # What is left over of payments and credits, that waits for a refund too.
    unused_minor: int
    # What is still open under a card payment whose outcome is not known yet.
    processing_minor: int

    @property
    def open_minor(self) -> int:
        return self.invoiced_minor - self.paid_minor - self.credited_minor

    @property
    def office_minor(self) -> int:
        """Issued and not void, less allocations, credit notes and credit that is not used."""
        return self.open_minor - self.unused_minor

    @property
    def portal_minor(self) -> int:
        """The same without what is Processing, which has its own line."""
        return self.open_minor - self.processing_minor - self.unused_minor


def office(client: Client) -> Account:
    """Over everything that was issued."""
    return _account(client, shared_only=False)


def portal(client: Client) -> Account:
    """Over what is shared: ask for `portal_minor`."""
    return _account(client, shared_only=True)


def _account(client: Client, *, shared_only: bool) -> Account:
    invoices = client.invoices.standing()
    if shared_only:
        invoices = invoices.shared()
    sums = invoices.aggregate(total=Sum("total_minor"), paid=Sum("paid_minor"), credited=Sum("credited_minor"))
    return Account(
        currency=client.practice.currency,
        invoiced_minor=sums["total"] or 0,
        paid_minor=sums["paid"] or 0,
        credited_minor=sums["credited"] or 0,
        unused_minor=unused(client),
        processing_minor=invoices.processing().aggregate(sum=Sum("open_minor"))["sum"] or 0,
    )


def unused(client: Client) -> int:
    """The client's credit: what is left over of payments and credits."""
    payments = Payment.objects.filter(client=client).with_credit().aggregate(sum=Sum("unused_minor"))["sum"] or 0
    given = Credit.objects.filter(client=client).spendable().aggregate(sum=Sum("unused_minor"))["sum"] or 0
    return payments + given
