"""Client balances, as the office counts them and as the portal shows them."""

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
    """A client's totals in minor units. A negative balance is credit in the client's favour.

    `sums` is computed from the movements, the other amounts from columns of invoices, payments and credits. Both give
    the same balance, which `verify-ledger` checks.
    """

    currency: str
    sums: Sums
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


def office_account(client: Client) -> Account:
    """Returns the account over all issued invoices."""
    return _account(client, shared_only=False)


def portal_account(client: Client) -> Account:
    """Returns the account over shared invoices; its balance is `portal_minor`."""
    return _account(client, shared_only=True)


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
    return Coalesce(Subquery(sums), 0)


def _account(client: Client, *, shared_only: bool) -> Account:
    invoices = client.invoices.outstanding()
    if shared_only:
        invoices = invoices.shared()
    is_processing = Q(moving=True)
    stored = invoices.with_attempts().aggregate(
        open=Sum("open_minor"),
        processing=Sum("open_minor", filter=is_processing),
        to_pay=Count("pk", filter=~is_processing),
    )
    return Account(
        currency=client.practice.currency,
        sums=movements.of_client(client, shared_only=shared_only).total(Period()).sums,
        open_minor=stored["open"] or 0,
        unused_minor=unused_credit(client),
        processing_minor=stored["processing"] or 0,
        to_pay_number=stored["to_pay"],
    )


def processing_minor(client: Client, *, shared_only: bool) -> int:
    """Returns the amount still open on invoices under a card payment whose outcome is not known yet."""
    invoices = client.invoices.processing()
    if shared_only:
        invoices = invoices.shared()
    return invoices.aggregate(sum=Sum("open_minor"))["sum"] or 0


def unused_credit(client: Client) -> int:
    """Returns the client's unused credit: the unused parts of payments and credits."""
    payments = Payment.objects.filter(client=client).with_credit().aggregate(sum=Sum("unused_minor"))["sum"] or 0
    credits_given = Credit.objects.filter(client=client).spendable().aggregate(sum=Sum("unused_minor"))["sum"] or 0
    return payments + credits_given
