"""Starting card payments: the attempt is committed before Stripe is called, at most one per invoice at a time.

A new card is entered on Stripe's page (`checkouts`); a saved one is charged from ours (`saved_card_charges`).
"""

from dataclasses import dataclass
from datetime import timedelta

from portico.domain.access.models import PortalAccess, PortalAccount
from portico.domain.audit_actions import AuditAction
from portico.domain.billing.card_payments import (
    cancellation,
    checkouts,
    quotes,
    saved_card_charges,
    saved_cards,
    stripe_metadata,
)
from portico.domain.billing.card_payments.call_failures import Cause, Superseded
from portico.domain.billing.card_payments.payment_refusals import AmountChanged, CardNotFound
from portico.domain.billing.card_payments.quotes import Quote
from portico.domain.billing.card_payments.settlement import record
from portico.domain.billing.ledger import locks, practice_currency
from portico.domain.billing.models import (
    STATES_IN_PROGRESS,
    AttemptInvoice,
    AttemptMethod,
    AttemptState,
    Invoice,
    PaymentAttempt,
    SavedCard,
)
from portico.domain.billing.models.attempts import MAX_LIFETIME
from portico.domain.billing.refusals import Processing
from portico.domain.clients.models import Client
from portico.domain.practices.models import StripeKey
from portico.domain.practices.stripe_setup import payment_readiness
from portico.domain.practices.stripe_setup.payment_readiness import CardsNotAccepted
from portico.gateways.stripe.deadline import Deadline
from portico.plumbing import clock, tokens
from portico.plumbing.actors import Actor
from portico.plumbing.database.deadlocks import retry_on_deadlock

# Longer than the deadline of a request: until it ends, the request owns the attempt and polling leaves it alone.
REQUEST_LEASE = timedelta(seconds=20)
FIRST_POLL_AFTER = timedelta(seconds=60)
# How long Stripe's page and the bank's page can be used.
CHECKOUT_LIFETIME = MAX_LIFETIME
BANK_PAGE_LIFETIME = timedelta(minutes=30)
# Each round cancels the attempts that block the new one.
MAX_CANCELLATION_ROUNDS = 4


@dataclass(frozen=True)
class Payer:
    """The account that pays and the client it pays for; `may_save` is False in a session that began with a PIN."""

    account: PortalAccount
    client: Client
    by: Actor
    may_save: bool = True


@dataclass(frozen=True)
class PaymentOrder:
    """A request to pay: without an invoice the full balance, without a card a new card on Stripe's page.

    `amount_minor` and `digest` are those of the `Quote` on the page; a payment that no longer matches is refused.
    """

    invoice: Invoice | None = None
    card: SavedCard | None = None
    amount_minor: int | None = None
    digest: str | None = None
    consent_text: str = ""

    @property
    def method(self) -> AttemptMethod:
        return AttemptMethod.SAVED_CARD if self.card else AttemptMethod.CHECKOUT


@dataclass(frozen=True)
class _BeginResult:
    """The attempt and whether it is new, or the attempts that block it and must be cancelled at Stripe first."""

    attempt: PaymentAttempt | None
    is_new: bool = False
    blocking: tuple[PaymentAttempt, ...] = ()


def start_payment(payer: Payer, order: PaymentOrder, *, deadline: Deadline | None = None) -> PaymentAttempt:
    """Starts a payment and returns the attempt as of the deadline: with a page to redirect to or with its outcome.

    Two concurrent requests get the same attempt. Raises the refusals of `quotes` and of
    `payment_readiness.client_for`, AmountChanged, CardNotFound, InvoicePaid, Processing and the refusals of
    `call_failures.refusal_of`.
    """
    deadline = deadline or Deadline()
    practice = payer.client.practice
    stripe = payment_readiness.client_for(practice, deadline=deadline)
    payments = payment_readiness.online_payments_of(practice)
    key = payments.key if payments else None
    if key is None:
        raise CardsNotAccepted
    avoided: frozenset[Cause] = frozenset()
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
    payer: Payer, order: PaymentOrder, key: StripeKey, avoided: frozenset[Cause], deadline: Deadline
) -> tuple[PaymentAttempt, bool]:
    """Returns the attempt and whether it is new, after cancelling all that block it. Raises Processing."""
    for _round in range(MAX_CANCELLATION_ROUNDS):
        result = _begin(payer, order, key, avoided)
        if result.attempt is not None:
            return result.attempt, result.is_new
        for other in result.blocking:
            cancellation.cancel(other, deadline=deadline)
    raise Processing


def recent_attempt(payer: Payer, invoice: Invoice | None) -> PaymentAttempt | None:
    """Returns a payment of the same invoices from the last ten minutes that succeeded or is in progress.

    It is shown instead of starting a second payment.
    """
    recent = PaymentAttempt.objects.filter(
        clock.within("written_at", timedelta(minutes=10)), account=payer.account, client=payer.client
    ).filter(state__in=(AttemptState.SUCCEEDED, *STATES_IN_PROGRESS))
    if invoice is not None:
        recent = recent.filter(covers__invoice=invoice)
    return recent.order_by("-id").first()


def is_same_order(attempt: PaymentAttempt, order: PaymentOrder) -> bool:
    """Returns True if the attempt has the amount, the method, the card and the kind of bill of the order."""
    return (
        attempt.is_balance == (order.invoice is None)
        and order.amount_minor in (None, attempt.amount_minor)
        and attempt.method == order.method
        and attempt.card_id == (order.card.pk if order.card else None)
        and attempt.save_card == bool(order.consent_text)
    )


def open_attempt(payer: Payer, quote: Quote) -> PaymentAttempt | None:
    """Returns the payer's newest unfinished attempt for any of these invoices, to be continued or restarted."""
    rows = PaymentAttempt.objects.filter(account=payer.account, client=payer.client, state=AttemptState.OPEN)
    found = rows.filter(covers__invoice__in=[each.pk for each in quote.invoices], covers__is_open=True)
    return found.order_by("-id").first()


@retry_on_deadlock
def _begin(payer: Payer, order: PaymentOrder, key: StripeKey, avoided: frozenset[Cause]) -> _BeginResult:
    with locks.lock_books(payer.client) as client:
        accesses = PortalAccess.objects.select_related("client", "address")
        access = accesses.filter(client=client, account=payer.account).first()
        quotes.refuse_unless_open(client.practice, access)
        quote = quotes.of_balance(client) if order.invoice is None else quotes.of_invoice(order.invoice)
        locks.lock_invoices(client, [each.pk for each in quote.invoices])
        _refuse_unless_as_shown(order, quote)
        blocking = _open_attempts_on(quote)
        if blocking:
            return _reuse_or_block(payer, order, quote, blocking, key)
        quotes.refuse_unless_chargeable(quote)
        if order.card is not None and order.card.pk not in {
            each.pk for each in saved_cards.usable_cards(payer.account, client.practice)
        }:
            raise CardNotFound
        return _BeginResult(_create_attempt(payer, order, quote, key, avoided), is_new=True)


def _refuse_unless_as_shown(order: PaymentOrder, quote: Quote) -> None:
    """Raises AmountChanged, even if an attempt is open already: its page would ask for another amount."""
    if not quote.invoices:
        return
    if order.amount_minor not in {None, quote.amount_minor} or order.digest not in {None, quote.digest}:
        raise AmountChanged


def _open_attempts_on(quote: Quote) -> list[PaymentAttempt]:
    open_on = AttemptInvoice.objects.filter(invoice__in=[each.pk for each in quote.invoices], is_open=True)
    rows = PaymentAttempt.objects.with_relations().filter(pk__in=open_on.values("attempt"))
    return list(rows.order_by("id"))


def _reuse_or_block(
    payer: Payer, order: PaymentOrder, quote: Quote, blocking: list[PaymentAttempt], key: StripeKey
) -> _BeginResult:
    """Returns the open attempt if it is identical to the order; otherwise the attempts that must be cancelled first."""
    (first, *more) = blocking
    if not more and _can_be_reused(first, payer, order, quote, key):
        return _BeginResult(first)
    return _BeginResult(None, blocking=tuple(blocking))


def _can_be_reused(attempt: PaymentAttempt, payer: Payer, order: PaymentOrder, quote: Quote, key: StripeKey) -> bool:
    wanted = {each.pk: each.still_open_minor for each in quote.invoices}
    covered = dict(attempt.covers.filter(is_open=True).values_list("invoice_id", "amount_minor"))
    return (
        attempt.account_id == payer.account.pk
        and covered == wanted
        and attempt.method == order.method
        and attempt.card_id == (order.card.pk if order.card else None)
        and attempt.save_card == bool(order.consent_text)
        and (attempt.livemode, attempt.stripe_account_id) == (key.livemode, key.account_id)
        and not attempt.has_expired(clock.now() + timedelta(minutes=1))
        and (bool(attempt.checkout_url or attempt.bank_url) or attempt.is_held)
    )


def _create_attempt(
    payer: Payer, order: PaymentOrder, quote: Quote, key: StripeKey, avoided: frozenset[Cause]
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
        currency=practice_currency.fix_currency(client.practice),
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
    if Cause.METADATA not in avoided:
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
    record(
        AuditAction.PAYMENT_STARTED,
        client,
        attempt.ref,
        attempt.amount_minor,
        by=payer.by,
        saved_card=order.card is not None,
    )
    return attempt
