"""Starting card payments: the attempt is committed before Stripe is called, at most one per invoice at a time.

A new card is entered on Stripe's page (`checkouts`); a saved one is charged from ours (`saved_card_charges`).
"""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import F, QuerySet

from portico.domain.access.models import PortalAccess
from portico.domain.audit_actions import AuditAction
from portico.domain.billing import audit_entries
from portico.domain.billing.card_payments import (
    cancellation,
    checkouts,
    quotes,
    saved_card_charges,
    saved_cards,
    stripe_metadata,
)
from portico.domain.billing.card_payments.payment_refusals import AmountChanged, CardNotFound
from portico.domain.billing.card_payments.quotes import Payer, PaymentOrder, Quote
from portico.domain.billing.card_payments.stripe_call_failures import RejectedPart, Superseded
from portico.domain.billing.ledger import locks
from portico.domain.billing.models import (
    STATES_IN_PROGRESS,
    AttemptInvoice,
    AttemptMethod,
    AttemptState,
    Invoice,
    PaymentAttempt,
)
from portico.domain.billing.models.attempts import MAX_LIFETIME
from portico.domain.billing.refusals import InvoicePaid, Processing
from portico.domain.practices.models import StripeKey
from portico.domain.practices.stripe_setup import payment_readiness
from portico.domain.practices.stripe_setup.payment_readiness import CardsNotAccepted
from portico.gateways.stripe.deadline import Deadline
from portico.plumbing import clock, tokens
from portico.plumbing.database.compiled import CompiledQuery, Parameter
from portico.plumbing.database.deadlocks import retry_on_deadlock
from portico.plumbing.refusals import Refused

# Longer than the deadline of a request: until it ends, the request owns the attempt and polling leaves it alone.
REQUEST_LEASE = timedelta(seconds=20)
FIRST_POLL_AFTER = timedelta(seconds=60)
# How long Stripe's page and the bank's page can be used.
CHECKOUT_LIFETIME = MAX_LIFETIME
BANK_PAGE_LIFETIME = timedelta(minutes=30)
# Each round cancels the attempts that block the new one.
MAX_CANCELLATION_ROUNDS = 4


@dataclass(frozen=True)
class GoTo:
    """The payment continues on Stripe's page."""

    url: str


@dataclass(frozen=True)
class Show:
    """The payment's status is to be shown. `is_earlier`: it came first, and the new order was not charged."""

    attempt: PaymentAttempt
    is_earlier: bool = False


class _Blocked(Exception):
    """Other attempts are open on the invoices, and must be canceled at Stripe first."""

    def __init__(self, attempts: list[PaymentAttempt]) -> None:
        super().__init__()
        self.attempts = attempts


def offer(payer: Payer, invoice: Invoice | None) -> Quote | Show:
    """Returns what can be paid now: the invoice, or without one the balance; or the payment to look at instead.

    That is one that has just been made, or one that was started and not finished. The invoice comes from
    `quotes.find_invoice`. Raises InvoicePaid and the refusals of `quotes.refuse_unless_chargeable`.
    """
    try:
        quote = quotes.of_found_invoice(invoice) if invoice else quotes.of_balance(payer.client)
    except (InvoicePaid, Processing) as refusal:
        if recent := _recent_attempt(payer, invoice):
            return Show(recent)
        raise InvoicePaid from refusal
    if not quote.invoices and (recent := _recent_attempt(payer, None)):
        return Show(recent)
    quotes.refuse_unless_chargeable(quote)
    unfinished = _open_attempt(payer, quote)
    return Show(unfinished) if unfinished else quote


def pay(payer: Payer, order: PaymentOrder) -> GoTo | Show:
    """Starts the payment and returns what comes next; an order sent twice leads to the first payment.

    Raises InvoicePaid and what `start_payment` raises, if no recent payment explains the refusal.
    """
    try:
        attempt = start_payment(payer, order)
    except Refused as refusal:
        earlier = _recent_attempt(payer, order.invoice) if _may_be_explained(refusal) else None
        if earlier is not None:
            return Show(earlier, is_earlier=not _is_same_order(earlier, order))
        if isinstance(refusal, Processing):
            raise InvoicePaid from refusal
        raise
    if attempt.method == AttemptMethod.CHECKOUT and attempt.holds_invoices and attempt.checkout_url:
        return GoTo(attempt.checkout_url)
    return Show(attempt)


def start_payment(payer: Payer, order: PaymentOrder) -> PaymentAttempt:
    """Starts a payment and returns the attempt as of the deadline: with a page to redirect to or with its outcome.

    Two concurrent requests get the same attempt. Raises the refusals of `quotes` and of
    `payment_readiness.client_for`, AmountChanged, CardNotFound, InvoicePaid, Processing and the refusals of
    `call_failures.refusal_of`.
    """
    deadline, practice = Deadline(), payer.client.practice
    stripe = payment_readiness.client_for(practice, deadline=deadline)
    key = payment_readiness.current_key(practice)
    if key is None:
        raise CardsNotAccepted
    avoided: frozenset[RejectedPart] = frozenset()
    while True:
        attempt, is_new = _begin_after_cancelling(payer, order, key, avoided, deadline)
        if not is_new:
            return checkouts.wait_for_session(attempt, deadline)
        try:
            if order.card is not None:
                return saved_card_charges.charge(attempt, order.card, stripe, avoided=avoided)
            return checkouts.open_page(attempt, stripe, avoided=avoided)
        except Superseded as ended:
            # Each cause is avoided once; if Stripe rejects it again, the payment is refused.
            avoided |= {ended.cause}


def _begin_after_cancelling(
    payer: Payer, order: PaymentOrder, key: StripeKey, avoided: frozenset[RejectedPart], deadline: Deadline
) -> tuple[PaymentAttempt, bool]:
    """Returns the attempt and whether it is new, after canceling all that block it. Raises Processing."""
    for _round in range(MAX_CANCELLATION_ROUNDS):
        try:
            return _begin(payer, order, key, avoided)
        except _Blocked as blocked:
            for other in blocked.attempts:
                cancellation.cancel(other, deadline=deadline)
    raise Processing


def _recent_attempt(payer: Payer, invoice: Invoice | None) -> PaymentAttempt | None:
    """Returns a payment of the same invoices from the last ten minutes that succeeded or is in progress.

    It is shown instead of starting a second payment.
    """
    recent = PaymentAttempt.objects.filter(
        clock.within("written_at", timedelta(minutes=10)), account=payer.account, client=payer.client
    ).filter(state__in=(AttemptState.SUCCEEDED, *STATES_IN_PROGRESS))
    if invoice is not None:
        recent = recent.filter(covers__invoice=invoice)
    return recent.order_by("-id").first()


def _is_same_order(attempt: PaymentAttempt, order: PaymentOrder) -> bool:
    is_same_bill = attempt.is_balance == (order.invoice is None) and order.amount_minor in (None, attempt.amount_minor)
    return is_same_bill and order.is_for(attempt)


def _may_be_explained(refusal: Refused) -> bool:
    """Returns True if an earlier payment may be the reason: then less is due, never more."""
    return refusal.is_less if isinstance(refusal, AmountChanged) else not isinstance(refusal, CardNotFound)


def _open_attempt(payer: Payer, quote: Quote) -> PaymentAttempt | None:
    """Returns the payer's newest unfinished attempt for any of these invoices, to be continued or restarted."""
    pks = {each.pk for each in quote.invoices}
    found = _unfinished.rows(account=payer.account.pk, client=payer.client.pk)
    return next((attempt for attempt in found if attempt.__dict__["covered"] in pks), None)


@CompiledQuery
def _unfinished(account: Parameter, client: Parameter) -> QuerySet[PaymentAttempt]:
    """Returns the open attempts, each once for every invoice that it covers."""
    rows = PaymentAttempt.objects.filter(account=account, client=client, state=AttemptState.OPEN, covers__is_open=True)
    return rows.annotate(covered=F("covers__invoice_id")).order_by("-id")


@retry_on_deadlock
def _begin(
    payer: Payer, order: PaymentOrder, key: StripeKey, avoided: frozenset[RejectedPart]
) -> tuple[PaymentAttempt, bool]:
    """Returns a new attempt, or an open one that is identical to the order, and whether it is new. Raises _Blocked."""
    with locks.lock_books(payer.client) as client:
        accesses = PortalAccess.objects.with_restoration().select_related("client", "address")
        access = accesses.filter(client=client, account=payer.account).first()
        quotes.refuse_unless_open(client.practice, access)
        quote = quotes.quote_for(client, order.invoice)
        locks.lock_invoices(client, [each.pk for each in quote.invoices])
        _refuse_unless_as_shown(order, quote)
        if unfinished := _open_attempts_on(quote):
            if len(unfinished) > 1 or not _can_be_reused(unfinished[0], payer, order, quote, key):
                raise _Blocked(unfinished)
            return unfinished[0], False
        quotes.refuse_unless_chargeable(quote)
        if order.card is not None and order.card.pk not in {
            each.pk for each in saved_cards.usable_cards(payer.account, client.practice)
        }:
            raise CardNotFound
        return _create_attempt(payer, order, quote, key, avoided), True


def _refuse_unless_as_shown(order: PaymentOrder, quote: Quote) -> None:
    """Raises AmountChanged, even if an attempt is open already: its page would ask for another amount."""
    if not quote.invoices:
        return
    if order.amount_minor not in {None, quote.amount_minor} or order.digest not in {None, quote.digest}:
        raise AmountChanged(is_less=quote.amount_minor < (order.amount_minor or 0))


def _open_attempts_on(quote: Quote) -> list[PaymentAttempt]:
    open_on = AttemptInvoice.objects.filter(invoice__in=[each.pk for each in quote.invoices], is_open=True)
    rows = PaymentAttempt.objects.with_relations().filter(pk__in=open_on.values("attempt"))
    return list(rows.order_by("id"))


def _can_be_reused(attempt: PaymentAttempt, payer: Payer, order: PaymentOrder, quote: Quote, key: StripeKey) -> bool:
    wanted = {each.pk: each.still_open_minor for each in quote.invoices}
    covered = dict(attempt.covers.filter(is_open=True).values_list("invoice_id", "amount_minor"))
    return (
        attempt.account_id == payer.account.pk
        and covered == wanted
        and order.is_for(attempt)
        and (attempt.livemode, attempt.stripe_account_id) == (key.livemode, key.account_id)
        and not attempt.has_expired(clock.now() + timedelta(minutes=1))
        and (bool(attempt.checkout_url or attempt.bank_url) or attempt.is_held)
    )


def _create_attempt(
    payer: Payer, order: PaymentOrder, quote: Quote, key: StripeKey, avoided: frozenset[RejectedPart]
) -> PaymentAttempt:
    now, client = clock.now(), payer.client
    saves = bool(order.consent_text) and order.card is None and payer.may_save
    attempt = PaymentAttempt(
        practice=client.practice,
        account=payer.account,
        client=client,
        method=order.method,
        card=order.card,
        amount_minor=quote.amount_minor,
        currency=client.practice.fix_currency(),
        is_balance=quote.is_balance,
        # A saved card may be charged from now on; a Checkout Session only once the client has paid on its page.
        state=AttemptState.PROCESSING if order.card else AttemptState.OPEN,
        unknown_since=now if order.card else None,
        idempotency_key=tokens.new_token(),
        livemode=key.livemode,
        stripe_account_id=key.account_id,
        save_card=saves,
        consent_text=order.consent_text[:500] if saves else "",
        consented_at=now if saves else None,
        expires_at=now + (BANK_PAGE_LIFETIME if order.card else CHECKOUT_LIFETIME),
        lease_until=now + REQUEST_LEASE,
        not_before=now + FIRST_POLL_AFTER,
    )
    if RejectedPart.METADATA not in avoided:
        attempt.metadata = stripe_metadata.build(
            attempt=attempt.ref, account=payer.account.ref, client=client.ref, invoices=quote.invoices
        )
    attempt.save()
    AttemptInvoice.objects.bulk_create(
        AttemptInvoice(
            practice=client.practice, attempt=attempt, invoice=invoice, amount_minor=invoice.still_open_minor
        )
        for invoice in quote.invoices
    )
    audit_entries.record_amount(
        AuditAction.PAYMENT_STARTED,
        client,
        attempt.ref,
        attempt.amount_minor,
        by=payer.by,
        saved_card=order.card is not None,
    )
    return attempt
