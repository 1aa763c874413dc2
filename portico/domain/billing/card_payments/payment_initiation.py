"""Starting a payment: written down and committed before Stripe is called, at most one at a time for an invoice.

A new card is typed on Stripe's own page (`checkouts`); a saved one is charged from ours (`charges`).
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

# Longer than the deadline of a request: while it lasts, somebody is at it, and the sweep stays away.
IN_HAND = timedelta(seconds=20)
ASK_AFTER = timedelta(seconds=60)
# A Checkout's page is good for so long; a bank's for so long.
CHECKOUT_LASTS = MAX_LIFETIME
BANK_LASTS = timedelta(minutes=30)
# Each time round, one payment that stood in the way was ended.
MAX_ROUNDS = 4


@dataclass(frozen=True)
class Payer:
    """Who pays for whom; `may_save` is not given to a session that began with a PIN."""

    account: PortalAccount
    client: Client
    by: Actor
    may_save: bool = True


@dataclass(frozen=True)
class PaymentOrder:
    """What was pressed. Without an invoice it is the full balance, without a card a new one on Stripe's page.

    `amount_minor` and `digest` are what the page had shown (`Quote`): anything else than what is to pay now is refused.
    """

    invoice: Invoice | None = None
    card: SavedCard | None = None
    amount_minor: int | None = None
    digest: str | None = None
    consent_text: str = ""

    @property
    def way(self) -> AttemptMethod:
        return AttemptMethod.SAVED_CARD if self.card else AttemptMethod.CHECKOUT


@dataclass(frozen=True)
class _Begun:
    """The attempt; whether it is new; and what stands in its way instead, to be ended at Stripe first."""

    attempt: PaymentAttempt | None
    is_new: bool = False
    in_the_way: tuple[PaymentAttempt, ...] = ()


def start_payment(payer: Payer, order: PaymentOrder, *, deadline: Deadline | None = None) -> PaymentAttempt:
    """The attempt, as far as it came within the deadline: with a page of Stripe's or of the bank, or with its outcome.

    Pressed twice, both presses get the same one. Raises what `quoting` and `online_payments.line` refuse with,
    AmountChanged, CardGone, InvoicePaid, Processing and what `failures.refusal_of` gives.
    """
    deadline = deadline or Deadline()
    practice = payer.client.practice
    line = payment_readiness.client_for(practice, deadline=deadline)
    payments = payment_readiness.online_payments_of(practice)
    key = payments.key if payments else None
    if key is None:
        raise CardsNotAccepted
    tried: frozenset[Cause] = frozenset()
    while True:
        attempt, is_new = _begun(payer, order, key, tried, deadline)
        if not is_new:
            return checkouts.wait_for_session(attempt, deadline)
        try:
            if order.card is not None:
                return saved_card_charges.charge(attempt, order.card, line, tried=tried)
            return checkouts.open_page(attempt, line, tried=tried)
        except Superseded as ended:
            # Each cause once: what is refused again is refused.
            tried |= {ended.cause}


def _begun(
    payer: Payer, order: PaymentOrder, key: StripeKey, tried: frozenset[Cause], deadline: Deadline
) -> tuple[PaymentAttempt, bool]:
    """The attempt, and whether it is new, once all that stood in its way was ended at Stripe. Raises Processing."""
    for _round in range(MAX_ROUNDS):
        begun = _begin(payer, order, key, tried)
        if begun.attempt is not None:
            return begun.attempt, begun.is_new
        for other in begun.in_the_way:
            cancellation.cancel(other, deadline=deadline)
    raise Processing


def recent_attempt(payer: Payer, invoice: Invoice | None) -> PaymentAttempt | None:
    """A payment of the same thing that just succeeded or is on its way: what a second press is shown."""
    recent = PaymentAttempt.objects.filter(
        clock.within("written_at", timedelta(minutes=10)), account=payer.account, client=payer.client
    ).filter(state__in=(AttemptState.SUCCEEDED, *STATES_IN_PROGRESS))
    if invoice is not None:
        recent = recent.filter(covers__invoice=invoice)
    return recent.order_by("-id").first()


def is_same_order(attempt: PaymentAttempt, order: PaymentOrder) -> bool:
    """Whether the attempt is what this order asks for: so much, in the same way, for the same thing."""
    return (
        attempt.is_balance == (order.invoice is None)
        and order.amount_minor in (None, attempt.amount_minor)
        and attempt.way == order.way
        and attempt.card_id == (order.card.pk if order.card else None)
        and attempt.save_card == bool(order.consent_text)
    )


def open_attempt(payer: Payer, quote: Quote) -> PaymentAttempt | None:
    """What the payer began for these invoices and did not finish: to be continued or started again."""
    rows = PaymentAttempt.objects.filter(account=payer.account, client=payer.client, state=AttemptState.OPEN)
    found = rows.filter(covers__invoice__in=[each.pk for each in quote.invoices], covers__is_open=True)
    return found.order_by("-id").first()


@retry_on_deadlock
def _begin(payer: Payer, order: PaymentOrder, key: StripeKey, tried: frozenset[Cause]) -> _Begun:
    with locks.lock_books(payer.client) as held:
        accesses = PortalAccess.objects.select_related("client", "address")
        access = accesses.filter(client=held, account=payer.account).first()
        quotes.refuse_unless_open(held.practice, access)
        quote = quotes.of_balance(held) if order.invoice is None else quotes.of_invoice(order.invoice)
        locks.lock_invoices(held, [each.pk for each in quote.invoices])
        _refuse_unless_as_shown(order, quote)
        others = _others(quote)
        if others:
            return _with_others(payer, order, quote, others, key)
        quotes.refuse_unless_chargeable(quote)
        if order.card is not None and order.card.pk not in {
            each.pk for each in saved_cards.usable_cards(payer.account, held.practice)
        }:
            raise CardNotFound
        return _Begun(_write(payer, order, quote, key, tried), is_new=True)


def _refuse_unless_as_shown(order: PaymentOrder, quote: Quote) -> None:
    """Raises AmountChanged, also when the same payment is open already: the page would lead to another amount."""
    if not quote.invoices:
        return
    if order.amount_minor not in {None, quote.amount_minor} or order.digest not in {None, quote.digest}:
        raise AmountChanged


def _others(quote: Quote) -> list[PaymentAttempt]:
    open_on = AttemptInvoice.objects.filter(invoice__in=[each.pk for each in quote.invoices], is_open=True)
    rows = PaymentAttempt.objects.filter(pk__in=open_on.values("attempt")).order_by("id")
    return list(rows.select_related("client__practice", "account", "practice"))


def _with_others(
    payer: Payer, order: PaymentOrder, quote: Quote, others: list[PaymentAttempt], key: StripeKey
) -> _Begun:
    """An open attempt is reused when it is the same in everything; else it has to be ended first."""
    (first, *more) = others
    if not more and _is_same(first, payer, order, quote, key):
        return _Begun(first)
    return _Begun(None, in_the_way=tuple(others))


def _is_same(attempt: PaymentAttempt, payer: Payer, order: PaymentOrder, quote: Quote, key: StripeKey) -> bool:
    wanted = {each.pk: each.still_open_minor for each in quote.invoices}
    covered = dict(attempt.covers.filter(is_open=True).values_list("invoice_id", "amount_minor"))
    return (
        attempt.account_id == payer.account.pk
        and covered == wanted
        and attempt.way == order.way
        and attempt.card_id == (order.card.pk if order.card else None)
        and attempt.save_card == bool(order.consent_text)
        and (attempt.livemode, attempt.stripe_account_id) == (key.livemode, key.account_id)
        and not attempt.has_expired(clock.now() + timedelta(minutes=1))
        and (bool(attempt.checkout_url or attempt.bank_url) or attempt.is_held)
    )


def _write(payer: Payer, order: PaymentOrder, quote: Quote, key: StripeKey, tried: frozenset[Cause]) -> PaymentAttempt:
    now, client = clock.now(), payer.client
    saves = bool(order.consent_text) and order.card is None and payer.may_save
    attempt = PaymentAttempt(
        practice=client.practice,
        account=payer.account,
        client=client,
        way=order.way,
        card=order.card,
        amount_minor=quote.amount_minor,
        currency=practice_currency.fix_currency(client.practice),
        is_balance=quote.is_balance,
        # From the first moment on money may move by a saved card; by a Checkout, only when somebody has paid there.
        state=AttemptState.PROCESSING if order.card else AttemptState.OPEN,
        unknown_since=now if order.card else None,
        idempotency_key=tokens.new_token(),
        livemode=key.livemode,
        stripe_account_id=key.account_id,
        save_card=saves,
        consent_text=order.consent_text[:500] if saves else "",
        consented_at=now if saves else None,
        expires_at=now + (BANK_LASTS if order.card else CHECKOUT_LASTS),
        lease_until=now + IN_HAND,
        not_before=now + ASK_AFTER,
    )
    if Cause.METADATA not in tried:
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
