"""Client balances, as the office counts them and as the portal shows them."""

from dataclasses import dataclass
from typing import Any

from django.db.models import BigIntegerField, Count, F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Cast, Coalesce

from portico.domain.billing.account_sums import Sums
from portico.domain.billing.ledger import movements
from portico.domain.billing.ledger.movement_queries import Period
from portico.domain.billing.models import Credit, Invoice, Payment
from portico.domain.billing.models.invoices import InvoiceQuerySet
from portico.domain.clients.models import Client
from portico.plumbing.database.compiled import CompiledQuery, Parameter


@dataclass(frozen=True)
class Balance:
    """A client's balance in minor units, from the columns of invoices, payments and credits; negative for credit."""

    currency: str
    # The amount still to pay on invoices.
    open_minor: int
    # The unused part of payments and credits, including payments that wait for a refund.
    unused_minor: int
    # The part of `open_minor` on invoices under a card payment whose outcome is not known yet.
    processing_minor: int
    # The number of open invoices that are not under such a payment.
    to_pay_number: int

    @property
    def office_minor(self) -> int:
        """The office balance: issued invoices that are not void, less allocations, credit notes and unused credit."""
        return self.open_minor - self.unused_minor

    @property
    def portal_minor(self) -> int:
        """The portal balance: without the amount that is Processing, which is shown separately."""
        return self.open_minor - self.processing_minor - self.unused_minor


@dataclass(frozen=True)
class BalanceWithSums(Balance):
    """A client's balance with the sums that it is made of, which are computed from the movements.

    Both give the same balance, which `verify-ledger` checks.
    """

    sums: Sums


def office_account(client: Client) -> BalanceWithSums:
    """Returns the account over all issued invoices."""
    return _account(client, shared_only=False)


def portal_account(client: Client) -> BalanceWithSums:
    """Returns the account over shared invoices; its balance is `portal_minor`."""
    return _account(client, shared_only=True)


def portal_balance(client: Client) -> Balance:
    """Returns the balance of `portal_account`, in one query."""
    return _balance(client, shared_only=True)


def with_office_minor(clients: QuerySet[Client]) -> QuerySet[Client]:
    """Annotates clients with `office_minor`, the balance of `office_account`, in the same query."""
    of_client = {"client": OuterRef("pk")}
    return clients.annotate(
        office_minor=_sum(Invoice.objects.filter(**of_client).valid(), "open_minor")
        - _sum(Payment.objects.filter(**of_client).with_credit(), "unused_minor")
        - _sum(Credit.objects.filter(**of_client).spendable(), "unused_minor")
    )


def office_minor(client: Client) -> int:
    """Returns the balance of `office_account`, in one query."""
    return shown_office_minor(with_office_minor(Client.objects.filter(pk=client.pk)).get())


def shown_office_minor(client: Client) -> int:
    """Returns the balance that `with_office_minor` annotated on the client."""
    return int(client.__dict__["office_minor"])


def _sum(rows: QuerySet[Any], name: str) -> Coalesce:
    # Any: rows of one of several models.
    sums = rows.order_by().values("client").annotate(sum_of=Sum(F(name))).values("sum_of")
    # PostgreSQL's sum of a bigint column is numeric.
    return Coalesce(Cast(Subquery(sums), BigIntegerField()), 0)


def _account(client: Client, *, shared_only: bool) -> BalanceWithSums:
    sums = movements.of_client(client, shared_only=shared_only).total(Period()).sums
    return BalanceWithSums(**vars(_balance(client, shared_only=shared_only)), sums=sums)


def _balance(client: Client, *, shared_only: bool) -> Balance:
    found = (_portal_sums if shared_only else _office_sums).rows(client=client.pk)
    open_minor, processing_minor, to_pay_number, payments, credits_given = found[0]
    return Balance(client.practice.currency, open_minor, payments + credits_given, processing_minor, to_pay_number)


@CompiledQuery
def _portal_sums(client: Parameter) -> QuerySet[Client, tuple[int, int, int, int, int]]:
    return _sums(client, Invoice.objects.shared())


@CompiledQuery
def _office_sums(client: Parameter) -> QuerySet[Client, tuple[int, int, int, int, int]]:
    return _sums(client, Invoice.objects.all())


def _sums(client: Parameter, invoices: InvoiceQuerySet) -> QuerySet[Client, tuple[int, int, int, int, int]]:
    """Selects the amounts still open, Processing, the number of invoices to pay, unused payments and credits."""
    of_client = {"client": OuterRef("pk")}
    invoices = invoices.filter(**of_client)
    to_pay = invoices.not_processing().order_by().values("client").annotate(number_of=Count("pk")).values("number_of")
    return Client.objects.filter(pk=client).values_list(
        _sum(invoices.outstanding(), "open_minor"),
        _sum(invoices.processing(), "open_minor"),
        Coalesce(Subquery(to_pay), 0),
        _sum(Payment.objects.filter(**of_client).with_credit(), "unused_minor"),
        _sum(Credit.objects.filter(**of_client).spendable(), "unused_minor"),
    )


def processing_minor(client: Client, *, shared_only: bool) -> int:
    """Returns the amount still open on invoices under a card payment whose outcome is not known yet."""
    invoices = client.invoices.processing()
    if shared_only:
        invoices = invoices.shared()
    return invoices.aggregate(sum=Sum("open_minor"))["sum"] or 0
