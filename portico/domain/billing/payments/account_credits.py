"""Credit that the practice gives, and credit that waited for a refund and is kept after all."""

from django.utils.translation import gettext as _

from portico.domain.audit_actions import AuditAction
from portico.domain.billing import shown_sums
from portico.domain.billing.ledger import allocation, balances, locks, practice_currency
from portico.domain.billing.models import Credit, Payment
from portico.domain.billing.refusals import AmountNotPositive, ReasonMissing
from portico.domain.billing.shown_sums import ShownSums
from portico.domain.clients.models import Client
from portico.plumbing import clock, form_keys
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.text import money


@retry_on_deadlock
def give(
    client: Client, *, amount_minor: int, reason: str, shown: ShownSums | None, by: Actor, form_key: str = ""
) -> Credit:
    """Gives credit without money having come; it is put against what is shared and owed at once, oldest due first.

    `press` is the form's own random key: the same press again gives the first one's credit. Raises FormSentBefore,
    AmountNotPositive, ReasonMissing, ShownSumsChanged.
    """
    if amount_minor <= 0:
        raise AmountNotPositive(field="amount")
    if not reason.strip():
        raise ReasonMissing(field="reason")
    content = (client.pk, amount_minor, reason.strip())
    with locks.lock_books(client) as held:
        rows = Credit.objects.filter(practice=held.practice)
        earlier = form_keys.find_result(rows, form_key, content, kind="credit", describe=_said)
        if earlier is not None:
            return earlier
        shown_sums.refuse_if_changed(shown, shown_sums.of_balance(balances.office_minor(held)))
        credit = Credit.objects.create(
            practice=held.practice,
            client=held,
            amount_minor=amount_minor,
            currency=practice_currency.fix_currency(held.practice),
            reason=reason.strip()[:300],
            given_by=by.name[:100],
            form_key=form_key,
        )
        form_keys.store(credit, form_key, content, kind="credit")
        _record(AuditAction.CREDIT_GIVEN, held, credit, by=by, amount_minor=amount_minor, reason=credit.reason)
        allocation.apply_credit(held, by=by)
        credit.refresh_from_db()
    return credit


@retry_on_deadlock
def take_back(credit: Credit, *, reason: str, shown: ShownSums | None, by: Actor) -> Credit:
    """Takes a credit out of the books; what it paid for is owed again. Again: changes nothing.

    Raises ReasonMissing, ShownSumsChanged.
    """
    with locks.lock_books(credit.client) as held:
        credit = Credit.objects.locked().get(pk=credit.pk)
        if credit.is_taken_back:
            return credit
        if not reason.strip():
            raise ReasonMissing(field="reason")
        shown_sums.refuse_if_changed(shown, shown_sums.of_credit(credit))
        allocation.void_source(credit, reason=reason.strip()[:300], by=by)
        _record(
            AuditAction.CREDIT_TAKEN_BACK,
            held,
            credit,
            by=by,
            amount_minor=credit.amount_minor,
            reason=credit.taken_back_reason,
        )
        allocation.apply_credit(held, by=by)
    return credit


def ask_for_refund(payment: Payment, *, reason: str) -> None:
    """Flags what is left over of a payment for staff to refund. Inside the caller's transaction, client held."""
    Payment.objects.filter(pk=payment.pk, refund_asked_at=None).update(
        refund_asked_at=clock.now(), refund_asked_reason=reason[:300]
    )


@retry_on_deadlock
def keep_as_credit(payment: Payment, *, shown: ShownSums | None, by: Actor) -> int:
    """Keeps flagged credit instead of refunding it, and puts it against what is owed. Gives how much was put.

    Again: changes nothing. Raises ShownSumsChanged.
    """
    with locks.lock_books(payment.client) as held:
        payment = Payment.objects.locked().get(pk=payment.pk)
        if payment.refund_asked_at is None:
            return 0
        shown_sums.refuse_if_changed(shown, shown_sums.of_left_over(payment))
        payment.refund_asked_at, payment.refund_asked_reason = None, ""
        payment.save(update_fields=["refund_asked_at", "refund_asked_reason"])
        _record(AuditAction.CREDIT_KEPT, held, payment, by=by, amount_minor=payment.unused_minor)
        return allocation.apply_credit(held, by=by)


def _said(credit: Credit) -> str:
    return _("a credit of %(amount)s") % {
        "amount": money.formatted(credit.amount_minor, credit.currency, language="en")
    }


def _record(verb: AuditAction, client: Client, about: Credit | Payment, *, by: Actor, **details: str | int) -> None:
    audit_log.record(
        verb,
        practice=client.practice,
        client=client,
        by=by,
        about=about.ref,
        currency=client.practice.currency,
        **details,
    )
