"""Client credit: giving it, taking it back, and keeping credit that was to be refunded."""

from django.utils.translation import gettext as _

from portico.domain.audit_actions import AuditAction
from portico.domain.billing import audit_entries, shown_sums
from portico.domain.billing.ledger import allocation, balances, locks
from portico.domain.billing.models import Credit, Payment
from portico.domain.billing.refusals import AmountNotPositive, ReasonMissing
from portico.domain.billing.shown_sums import ShownSums
from portico.domain.clients.models import Client
from portico.plumbing import clock, form_keys
from portico.plumbing.actors import Actor
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.text import money


@retry_on_deadlock
def give(
    client: Client, *, amount_minor: int, reason: str, shown: ShownSums | None, by: Actor, form_key: str = ""
) -> Credit:
    """Gives credit without a payment, and applies it at once to the client's shared invoices.

    A second call with the same `form_key` returns the first one's credit. Raises FormSentBefore, AmountNotPositive,
    ReasonMissing, ShownSumsChanged.
    """
    if amount_minor <= 0:
        raise AmountNotPositive(field="amount")
    if not reason.strip():
        raise ReasonMissing(field="reason")
    content = (client.pk, amount_minor, reason.strip())
    with locks.lock_books(client) as locked:
        rows = Credit.objects.filter(practice=locked.practice)
        earlier = form_keys.find_result(rows, form_key, content, kind="credit", describe=_description)
        if earlier is not None:
            return earlier
        shown_sums.refuse_if_changed(shown, shown_sums.of_balance(balances.office_minor(locked)))
        credit = Credit.objects.create(
            practice=locked.practice,
            client=locked,
            amount_minor=amount_minor,
            currency=locked.practice.fix_currency(),
            reason=reason.strip()[:300],
            given_by=by.name[:100],
            form_key=form_key,
        )
        form_keys.store(credit, form_key, content, kind="credit")
        audit_entries.record_amount(
            AuditAction.CREDIT_GIVEN, locked, credit.ref, amount_minor, by=by, reason=credit.reason
        )
        allocation.apply_credit(locked, by=by)
        credit.refresh_from_db()
    return credit


@retry_on_deadlock
def take_back(credit: Credit, *, reason: str, shown: ShownSums | None, by: Actor) -> Credit:
    """Takes a credit out of the books; the invoices that it paid are owed again. A repeated call changes nothing.

    Raises ReasonMissing, ShownSumsChanged.
    """
    with locks.lock_books(credit.client) as locked:
        credit = Credit.objects.locked().get(pk=credit.pk)
        if credit.is_taken_back:
            return credit
        if not reason.strip():
            raise ReasonMissing(field="reason")
        shown_sums.refuse_if_changed(shown, shown_sums.of_credit(credit))
        allocation.void_source(credit, reason=reason.strip()[:300], by=by)
        audit_entries.record_amount(
            AuditAction.CREDIT_TAKEN_BACK,
            locked,
            credit.ref,
            credit.amount_minor,
            by=by,
            reason=credit.taken_back_reason,
        )
        allocation.apply_credit(locked, by=by)
    return credit


def ask_for_refund(payment: Payment, *, reason: str) -> None:
    """Flags the unused amount of a payment for staff to refund, in the caller's transaction with the client locked."""
    Payment.objects.filter(pk=payment.pk, refund_requested_at=None).update(
        refund_requested_at=clock.now(), refund_request_reason=reason[:300]
    )


@retry_on_deadlock
def keep_as_credit(payment: Payment, *, shown: ShownSums | None, by: Actor) -> int:
    """Keeps flagged credit instead of refunding it, and applies it to what is owed. Returns the amount applied.

    A repeated call changes nothing. Raises ShownSumsChanged.
    """
    with locks.lock_books(payment.client) as locked:
        payment = Payment.objects.locked().get(pk=payment.pk)
        if payment.refund_requested_at is None:
            return 0
        shown_sums.refuse_if_changed(shown, shown_sums.of_left_over(payment))
        payment.refund_requested_at, payment.refund_request_reason = None, ""
        payment.save(update_fields=["refund_requested_at", "refund_request_reason"])
        audit_entries.record_amount(AuditAction.CREDIT_KEPT, locked, payment.ref, payment.unused_minor, by=by)
        return allocation.apply_credit(locked, by=by)


def _description(credit: Credit) -> str:
    return _("a credit of %(amount)s") % {
        "amount": money.formatted(credit.amount_minor, credit.currency, language="en")
    }
