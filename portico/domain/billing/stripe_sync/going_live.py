"""Switching from test to live keys: test payments must be removed from the books first."""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, Sum
from django.utils.translation import gettext_lazy

from portico.domain.audit_actions import AuditAction
from portico.domain.billing import audit_entries, shown_sums
from portico.domain.billing.ledger import allocation, locks
from portico.domain.billing.models import Payment, PaymentKind
from portico.domain.billing.models.payments import PaymentQuerySet
from portico.domain.billing.shown_sums import ShownSums
from portico.domain.clients.models import Client
from portico.domain.practices.models import OnlinePayments, Practice
from portico.domain.practices.stripe_setup import api_keys
from portico.domain.practices.stripe_setup.api_keys import Keys
from portico.gateways.stripe import client as stripe_client
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.refusals import Refused

# Stored with the payment. The staff's language is English.
REASON = "A test payment: no real money"


class TestPaymentsInBooks(Refused):
    message = gettext_lazy(
        "There are test payments on record. Remove them first, then enter the live key. Nothing was saved."
    )


@dataclass(frozen=True)
class TestPayments:
    """The number of test payments in the books, and their sum in minor units."""

    number: int
    amount_minor: int


def test_payments_of(practice: Practice) -> PaymentQuerySet:
    """Returns the test payments that count in the books, oldest first."""
    rows = Payment.objects.filter(practice=practice, kind=PaymentKind.ONLINE, livemode=False)
    return rows.not_taken_back().order_by("id")


def sum_of_test_payments(practice: Practice) -> TestPayments:
    sums = test_payments_of(practice).order_by().aggregate(number=Count("pk"), amount=Sum("amount_minor"))
    return TestPayments(sums["number"], sums["amount"] or 0)


def save_keys(practice: Practice, keys: Keys, *, by: Actor) -> OnlinePayments:
    """Saves the keys. Raises TestPaymentsInBooks for a live key while there are test payments in the books.

    Also raises the refusals of `api_keys.save_keys`.
    """
    api_keys.refuse_malformed(keys)
    if stripe_client.is_live(keys.secret_key) and test_payments_of(practice).exists():
        raise TestPaymentsInBooks(field="secret_key")
    return api_keys.save_keys(practice, keys, by=by)


@retry_on_deadlock
def remove_test_payments(practice: Practice, *, shown: ShownSums | None, by: Actor) -> int:
    """Removes all test payments from the books, so that their invoices are due again. Returns how many there were.

    Idempotent. Sends no mail. Raises ShownSumsChanged, and then removes none.
    """
    with transaction.atomic():
        client_ids = test_payments_of(practice).order_by().values("client")
        # Clients are locked in the order of their ids, as everywhere.
        clients = Client.objects.filter(pk__in=client_ids).order_by("id")
        amounts = [amount for client in clients for amount in _remove_test_payments_of(client, by=by)]
        if amounts:
            # Only now are all of them locked: if they differ from those shown, everything is rolled back.
            shown_sums.refuse_if_changed(shown, shown_sums.of_many(len(amounts), sum(amounts)))
            audit_log.record(AuditAction.TESTS_TAKEN_OUT, practice=practice, by=by, payments=len(amounts))
    return len(amounts)


def _remove_test_payments_of(client: Client, *, by: Actor) -> list[int]:
    """Removes one client's test payments. Returns their amounts, in minor units."""
    with locks.lock_books(client) as locked:
        payments = list(test_payments_of(locked.practice).filter(client=locked).locked())
        for payment in payments:
            allocation.remove_test_payment(payment, reason=REASON, by=by)
            audit_entries.record_amount(
                AuditAction.PAYMENT_TAKEN_BACK, locked, payment.ref, payment.amount_minor, by=by, reason=REASON
            )
        allocation.apply_credit(locked, by=by)
    return [payment.amount_minor for payment in payments]
