"""From test keys to live ones: what was paid in test mode leaves the books first, for it was no money."""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, Sum
from django.utils.translation import gettext_lazy

from portico.domain.audit_actions import AuditAction
from portico.domain.billing import shown_sums
from portico.domain.billing.card_payments.settlement import record
from portico.domain.billing.ledger import allocation, locks
from portico.domain.billing.models import Payment, PaymentKind
from portico.domain.billing.models.payments import PaymentQuerySet
from portico.domain.billing.shown_sums import ShownSums
from portico.domain.clients.models import Client
from portico.domain.practices.models import OnlinePayments, Practice
from portico.domain.practices.stripe_setup import api_keys
from portico.domain.practices.stripe_setup.api_keys import Keys
from portico.gateways.stripe import client as lines
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.refusals import Refused

# It stays on record with the payment. Staff read English.
REASON = "A test payment: no real money"


class TestPaymentsInBooks(Refused):
    message = gettext_lazy(
        "There are test payments in the books. Take them out first, then enter the live key. Nothing was saved."
    )


@dataclass(frozen=True)
class TestPayments:
    """How many test payments are in the books, and what they come to in minor units."""

    number: int
    amount_minor: int


def test_payments_of(practice: Practice) -> PaymentQuerySet:
    """The test payments that count in the books, oldest first."""
    rows = Payment.objects.filter(practice=practice, kind=PaymentKind.ONLINE, livemode=False)
    return rows.counting().order_by("id")


def sum_of_test_payments(practice: Practice) -> TestPayments:
    sums = test_payments_of(practice).order_by().aggregate(number=Count("pk"), amount=Sum("amount_minor"))
    return TestPayments(sums["number"], sums["amount"] or 0)


def save_keys(practice: Practice, keys: Keys, *, by: Actor) -> OnlinePayments:
    """As `connecting.save_keys`, which says what else is raised. Raises BooksHoldTests for a live key too early."""
    api_keys.refuse_malformed(keys)
    if lines.is_live(keys.secret_key) and test_payments_of(practice).exists():
        raise TestPaymentsInBooks(field="secret_key")
    return api_keys.save_keys(practice, keys, by=by)


@retry_on_deadlock
def remove_test_payments(practice: Practice, *, shown: ShownSums | None, by: Actor) -> int:
    """Takes every test payment out of the books, all or none; what they had paid is owed again. Gives how many.

    Again: finds none and changes nothing. Nobody is mailed. Raises ShownSumsChanged.
    """
    with transaction.atomic():
        clients = test_payments_of(practice).order_by().values("client")
        # Each client's books are held in the order of their ids, as everywhere.
        held = Client.objects.filter(pk__in=clients).order_by("id")
        taken = [amount for client in held for amount in _take_out_of(client, by=by)]
        if taken:
            # All of them are held only now: if they are not those that were shown, everything is rolled back.
            shown_sums.refuse_if_changed(shown, shown_sums.of_many(len(taken), sum(taken)))
            audit_log.record(AuditAction.TESTS_TAKEN_OUT, practice=practice, by=by, payments=len(taken))
    return len(taken)


def _take_out_of(client: Client, *, by: Actor) -> list[int]:
    """Takes out those of one client. Gives their amounts, in minor units."""
    with locks.lock_books(client) as held:
        payments = list(test_payments_of(held.practice).filter(client=held).locked())
        for payment in payments:
            allocation.remove_test_payment(payment, reason=REASON, by=by)
            record(AuditAction.PAYMENT_TAKEN_BACK, held, payment.ref, payment.amount_minor, by=by, reason=REASON)
        allocation.apply_credit(held, by=by)
    return [payment.amount_minor for payment in payments]
