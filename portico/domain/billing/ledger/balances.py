"""What a client owes: as the office counts it, and as the portal shows it."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from portico.domain.billing.account_sums import Sums
from portico.domain.billing.ledger import movements
from portico.domain.billing.ledger.movement_queries import Period
from portico.domain.billing.models import Credit, Invoice, Payment
from portico.domain.clients.models import Client


@dataclass(frozen=True)
class Account:
    """A client's books added up, in minor units. A negative balance is credit in the client's favour.

    `sums` comes from what happened, the other amounts from what is stored with invoices, payments and credits: both
    come to the same balance, which `verify-ledger` checks.
    """

    currency: str
    sums: Sums
    # What is still to pay on the invoices.
    open_minor: int
    # What is left over of payments and credits, including what is to be refunded.
    unused_minor: int
    # What is still open under a card payment whose outcome is not known yet.
    processing_minor: int
    # How many invoices can be paid now: open, and not under such a payment.
    to_pay_number: int

    @property
    def office_minor(self) -> int:
        """Issued and not void, less allocations, credit notes and credit that is not used."""
        return self.open_minor - self.unused_minor

    @property
    def portal_minor(self) -> int:
        """The same without what is Processing, which has its own line."""
        return self.open_minor - self.processing_minor - self.unused_minor


def office_account(client: Client) -> Account:
    """Over everything that was issued."""
    return _account(client, shared_only=False)


def portal_account(client: Client) -> Account:
    """Over what is shared: ask for `portal_minor`."""
    return _account(client, shared_only=True)


def with_office_minor(clients: QuerySet[Client]) -> QuerySet[Client]:
    """Clients with `office_minor`, the balance that `office` gives, in the same query."""
    theirs = {"client": OuterRef("pk")}
    return clients.annotate(
        office_minor=_sum(Invoice.objects.filter(**theirs).standing(), "open_minor")
        - _sum(Payment.objects.filter(**theirs).with_credit(), "unused_minor")
        - _sum(Credit.objects.filter(**theirs).spendable(), "unused_minor")
    )


def office_minor(client: Client) -> int:
    """The balance that `office` gives, in one query."""
    return shown_office_minor(with_office_minor(Client.objects.filter(pk=client.pk)).get())


def shown_office_minor(client: Client) -> int:
    """The balance that `with_office_minor` fetched with the client."""
    return int(client.__dict__["office_minor"])


def _sum(rows: QuerySet[Any], name: str) -> Coalesce:
    # Any: rows of one of several models.
    sums = rows.order_by().values("client").annotate(sum_of=Sum(F(name))).values("sum_of")
    return Coalesce(Subquery(sums), 0)


def _account(client: Client, *, shared_only: bool) -> Account:
    invoices = client.invoices.owing()
    if shared_only:
        invoices = invoices.shared()
    moving = Q(moving=True)
    stored = invoices.with_attempts().aggregate(
        open=Sum("open_minor"), processing=Sum("open_minor", filter=moving), to_pay=Count("pk", filter=~moving)
    )
    return Account(
        currency=client.practice.currency,
        sums=movements.of_client(client, shared_only=shared_only).total(Period()).sums,
        open_minor=stored["open"] or 0,
        unused_minor=unused_credit(client),
        processing_minor=stored["processing"] or 0,
        to_pay_number=stored["to_pay"],
    )


def processing(client: Client, *, shared_only: bool) -> int:
    """What is still open on invoices under a card payment whose outcome is not known yet."""
    invoices = client.invoices.processing()
    if shared_only:
        invoices = invoices.shared()
    return invoices.aggregate(sum=Sum("open_minor"))["sum"] or 0


def unused_credit(client: Client) -> int:
    """The client's credit: what is left over of payments and credits."""
    payments = Payment.objects.filter(client=client).with_credit().aggregate(sum=Sum("unused_minor"))["sum"] or 0
    given = Credit.objects.filter(client=client).spendable().aggregate(sum=Sum("unused_minor"))["sum"] or 0
    return payments + given
