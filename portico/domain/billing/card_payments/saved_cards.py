"""Saved cards: saved with a payment, used and removed only by the account that saved them."""

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from portico.domain.access.models import PortalAccount
from portico.domain.audit_actions import AuditAction
from portico.domain.billing.models import REFUSALS, PaymentAttempt, SavedCard, StripeCustomer
from portico.domain.clients.models import Client
from portico.domain.practices.models import OnlinePayments, Practice, StripeKey
from portico.domain.practices.stripe_setup import payment_readiness
from portico.gateways.stripe import customers
from portico.gateways.stripe.client import StripeClient
from portico.gateways.stripe.deadline import Deadline
from portico.gateways.stripe.errors import IdempotencyKeyReused, RequestRejected, ResourceMissing, StripeCallFailed
from portico.gateways.stripe.objects import PaymentIntent
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.database.base_models import RowQuerySet
from portico.plumbing.database.compiled import CompiledQuery, Parameter

STRIPE = Actor.system("Stripe")


def usable_cards(account: PortalAccount, practice: Practice) -> list[SavedCard]:
    """Returns the account's unexpired cards that can be charged with the practice's current key, newest first.

    A card that was saved more than once is returned once, as it was saved last.
    """
    today = clock.today(practice.time_zone)
    matching = _chargeable_cards.rows(account=account.pk, practice=practice.pk)
    unexpired = [card for card in matching if (card.expires_year, card.expires_month) >= (today.year, today.month)]
    return _without_duplicates(unexpired)


@CompiledQuery
def _chargeable_cards(account: Parameter, practice: Parameter) -> QuerySet[SavedCard]:
    current = OnlinePayments.objects.filter(practice=practice).values("key")
    key = StripeKey.objects.filter(pk__in=current, livemode=OuterRef("customer__livemode"))
    # As `_possible_account_ids`.
    at_its_account = Q(customer__stripe_account_id__in=key.values("account_id"))
    return _cards_of(account).filter(Exists(key), at_its_account | Q(customer__stripe_account_id=""))


def saved_cards_of(account: PortalAccount) -> list[SavedCard]:
    """Returns all cards of the account, for its owner to view and remove; one that was saved twice is returned once."""
    return _without_duplicates(_all_cards.rows(account=account.pk))


def _without_duplicates(cards: list[SavedCard]) -> list[SavedCard]:
    """Returns the first of an account's cards with the same fingerprint; cards without one are all different."""
    first: dict[tuple[int, str], SavedCard] = {}
    for card in cards:
        first.setdefault((card.account_id, card.fingerprint or card.ref), card)
    return list(first.values())


@CompiledQuery
def _all_cards(account: Parameter) -> QuerySet[SavedCard]:
    return _cards_of(account)


def with_has_cards(clients: QuerySet[Client]) -> QuerySet[Client]:
    """Annotates clients with what `has_cards` needs, in the same query."""
    return clients.annotate(has_cards=Exists(_cards_of(OuterRef("portal_access__account"))))


def has_cards(client: Client) -> bool:
    """Returns True if the client's account has saved cards, as `with_has_cards` annotated it."""
    return bool(client.__dict__["has_cards"])


def cards_of_other_accounts(client: Client, account: PortalAccount | None) -> list[SavedCard]:
    """Returns cards of other accounts that have paid for the client; they cannot be used for this client now."""
    paid_before = client.attempts.order_by().values("account")
    rows = SavedCard.objects.active().filter(account__in=paid_before).exclude(account=account)
    return _without_duplicates(list(rows.select_related("account").order_by("-id")))


def count_unusable(practice: Practice) -> int:
    """Returns the number of cards that belong to another Stripe account or mode than the current key's.

    Their owners have to enter them again.
    """
    key = payment_readiness.current_key(practice)
    if key is None:
        return 0
    usable = _usable_with(key.account_id, livemode=key.livemode)
    return SavedCard.objects.active().filter(practice=practice).exclude(usable).count()


def save(attempt: PaymentAttempt, intent: PaymentIntent) -> None:
    """Saves the card of a payment if its payer consented. Idempotent; in the caller's transaction."""
    card = intent.charge.card if intent.charge else None
    customer = StripeCustomer.objects.filter(
        practice_id=attempt.practice_id, customer_id=attempt.stripe_customer_id
    ).first()
    if card is None or customer is None or not intent.card or attempt.consented_at is None:
        return
    saved, is_new = SavedCard.objects.get_or_create(
        practice_id=attempt.practice_id,
        payment_method_id=intent.card,
        defaults={
            "account_id": attempt.account_id,
            "customer": customer,
            "brand": card.brand[:20],
            "last4": card.last4[:4],
            "fingerprint": card.fingerprint[:64],
            "expires_month": card.expires_month,
            "expires_year": card.expires_year,
            "consent_text": attempt.consent_text,
            "consented_at": attempt.consented_at,
        },
    )
    if is_new:
        _record(AuditAction.CARD_SAVED, saved, attempt.client, by=STRIPE)


def is_gone(card: SavedCard, error: StripeCallFailed, stripe: StripeClient) -> bool:
    """Returns True if the charge was rejected because Stripe no longer has the card or its customer.

    The card, or the customer with all its cards, is then marked as removed. Fetches the card from Stripe, since the
    rejection may have another reason.
    """
    if not isinstance(error, RequestRejected) or isinstance(error, IdempotencyKeyReused):
        return False
    if isinstance(error, ResourceMissing) and error.is_about("customer"):
        mark_customer_deleted(card.practice, card.customer.customer_id, by=STRIPE)
        return True
    try:
        found = customers.card(stripe, card.payment_method_id)
    except ResourceMissing:
        found = None
    except StripeCallFailed:
        return False
    if found is not None and found.customer == card.customer.customer_id:
        return False
    mark_removed(SavedCard.objects.filter(pk=card.pk), by=STRIPE)
    return True


def mark_customer_deleted(practice: Practice, customer_id: str, *, by: Actor) -> None:
    """Records that the customer was deleted at Stripe: it is not used again, and its cards are no longer offered.

    The rows stay, because payments refer to them. Idempotent.
    """
    with transaction.atomic():
        gone = StripeCustomer.objects.filter(practice=practice, customer_id=customer_id)
        gone.filter(gone_at=None).update(gone_at=clock.now())
        mark_removed(SavedCard.objects.filter(customer__in=gone), by=by)


def mark_removed(cards: RowQuerySet[SavedCard], *, by: Actor) -> None:
    """Records that Stripe no longer has the cards: they are not offered any more and need no detaching."""
    now = clock.now()
    with transaction.atomic():
        for card in cards.filter(removed_at=None).select_related("practice").locked():
            SavedCard.objects.filter(pk=card.pk).update(removed_at=now, detached_at=now)
            _record(AuditAction.CARD_REMOVED, card, _last_client_paid_for(card), by=by)


def remove(card: SavedCard, client: Client, *, by: Actor) -> None:
    """Removes a card at its owner's request: here at once, at Stripe as soon as it can be reached. Idempotent.

    If the account saved the same card more than once, all of these are removed.
    """
    same = Q(pk=card.pk)
    if card.fingerprint:
        same |= Q(account=card.account_id, fingerprint=card.fingerprint)
    with transaction.atomic():
        removed = SavedCard.objects.filter(same, removed_at=None).update(removed_at=clock.now())
        if not removed:
            return
        _record(AuditAction.CARD_REMOVED, card, client, by=by)


def detach_removed() -> int:
    """Detaches removed cards at Stripe; a scheduled task. Returns how many were detached."""
    waiting = SavedCard.objects.filter(removed_at__isnull=False, detached_at=None)
    waiting = waiting.select_related("customer__practice")
    return sum(detach(card) for card in waiting.order_by("id")[:20])


def detach(card: SavedCard, *, deadline: Deadline | None = None) -> bool:
    """Detaches a removed card at Stripe. Returns False if Stripe did not answer; a scheduled task then retries."""
    stripe = payment_readiness.read_client_of(card.customer, deadline=deadline)
    try:
        if stripe is not None:
            customers.remove_card(stripe, card.payment_method_id)
    except RequestRejected:
        pass  # It was detached already.
    except StripeCallFailed:
        return False
    SavedCard.objects.filter(pk=card.pk).update(detached_at=clock.now())
    return True


def get_or_create_customer(
    account: PortalAccount, practice: Practice, stripe: StripeClient, *, account_id: str
) -> StripeCustomer:
    """Returns the account's Stripe customer, created at Stripe if necessary. Raises StripeCallFailed."""
    matching = StripeCustomer.objects.filter(
        account=account, stripe_account_id__in=_possible_account_ids(account_id), livemode=stripe.is_live
    )
    known = matching.filter(gone_at=None).first()
    if known is not None:
        return known
    key = _key_for(account, stripe, account_id, after=matching.order_by("-id").first())
    customer_id = customers.create(stripe, email=account.email, metadata={"portico_account": account.ref}, key=key)
    customer, _is_new = StripeCustomer.objects.get_or_create(
        practice=practice,
        account=account,
        stripe_account_id=account_id,
        livemode=stripe.is_live,
        gone_at=None,
        defaults={"customer_id": customer_id},
    )
    return customer


def _key_for(account: PortalAccount, stripe: StripeClient, account_id: str, *, after: StripeCustomer | None) -> str:
    """Returns the idempotency key for creating a customer.

    Concurrent requests get the same key, so that Stripe creates one customer. After a rejection or a deleted customer
    the key differs, because Stripe repeats its answer to a key for 24 hours.
    """
    refused = PaymentAttempt.objects.filter(account=account, failure__in=REFUSALS).order_by("-id")
    last_refused = refused.values_list("pk", flat=True).first() or 0
    mode = "live" if stripe.is_live else "test"
    return f"customer-{account.ref}-{mode}-{account_id}-{after.pk if after else 0}-{last_refused}"


def _last_client_paid_for(card: SavedCard) -> Client | None:
    """Returns the client for whom the card's account paid last: staff look for the audit entry there."""
    paid = (
        PaymentAttempt.objects.filter(account=card.account_id)
        .select_related("client__practice")
        .order_by("-id")
        .first()
    )
    return paid.client if paid else None


def _usable_with(account_id: str, *, livemode: bool) -> Q:
    return Q(customer__stripe_account_id__in=_possible_account_ids(account_id), customer__livemode=livemode)


def _possible_account_ids(account_id: str) -> tuple[str, str]:
    """Returns the account id and the empty id: a seeded key has no account id until Stripe is asked for it."""
    return (account_id, "")


def _cards_of(account: PortalAccount | Parameter | OuterRef) -> RowQuerySet[SavedCard]:
    return SavedCard.objects.active().filter(account=account).order_by("-id")


def _record(action: AuditAction, card: SavedCard, client: Client | None, *, by: Actor) -> None:
    audit_log.record(
        action,
        practice=client.practice if client else card.practice,
        client=client,
        by=by,
        about=card.ref,
        brand=card.brand,
        last4=card.last4,
    )
