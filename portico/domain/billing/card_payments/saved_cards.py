"""Cards that clients let us keep: saved with their payment, removed by their owner, of no use to anybody else."""

from django.db import transaction
from django.db.models import Q

from portico.domain.access.models import PortalAccount
from portico.domain.audit_actions import AuditAction
from portico.domain.billing.models import REFUSALS, PaymentAttempt, SavedCard, StripeCustomer
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
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

STRIPE = Actor.system("Stripe")


def usable_cards(account: PortalAccount, practice: Practice) -> list[SavedCard]:
    """The account's cards that can be charged by the practice's present key, newest first; none that has expired."""
    payments = payment_readiness.online_payments_of(practice)
    if payments is None or payments.key is None:
        return []
    today = clock.today(practice.time_zone)
    mine = _kept(account).filter(
        customer__stripe_account_id__in=_names_of(payments.key.account_id), customer__livemode=payments.key.livemode
    )
    return [card for card in mine if (card.expires_year, card.expires_month) >= (today.year, today.month)]


def saved_cards_of(account: PortalAccount) -> list[SavedCard]:
    """All of them, for their owner to look at and remove."""
    return list(_kept(account))


def cards_of_other_accounts(client: Client, account: PortalAccount | None) -> list[SavedCard]:
    """Cards of mailboxes that have paid for the client and are not the one that sees it now: no use for it."""
    paid_before = client.attempts.order_by().values("account")
    rows = SavedCard.objects.kept().filter(account__in=paid_before).exclude(account=account)
    return list(rows.select_related("account").order_by("-id"))


def count_unusable(practice: Practice) -> int:
    """How many cards belong to another Stripe account or mode than the present key's: their owners type them anew."""
    payments = payment_readiness.online_payments_of(practice)
    if payments is None or payments.key is None:
        return 0
    usable_now = Q(
        customer__stripe_account_id__in=_names_of(payments.key.account_id), customer__livemode=payments.key.livemode
    )
    return SavedCard.objects.kept().filter(practice=practice).exclude(usable_now).count()


def save(attempt: PaymentAttempt, intent: PaymentIntent) -> None:
    """Keeps the card of a payment whose payer asked for it. In the caller's transaction; again: changes nothing."""
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
            "expires_month": card.expires_month,
            "expires_year": card.expires_year,
            "consent_text": attempt.consent_text,
            "consented_at": attempt.consented_at,
        },
    )
    if is_new:
        _record(AuditAction.CARD_SAVED, saved, attempt.client, by=STRIPE)


def is_gone(card: SavedCard, trouble: StripeCallFailed, line: StripeClient) -> bool:
    """Whether a charge was refused because Stripe no longer has the card or its customer; then both are forgotten.

    Stripe is asked about the card, for its refusal may have another reason.
    """
    if not isinstance(trouble, RequestRejected) or isinstance(trouble, IdempotencyKeyReused):
        return False
    if isinstance(trouble, ResourceMissing) and trouble.is_about("customer"):
        forget_customer(card.practice, card.customer.customer_id, by=STRIPE)
        return True
    try:
        found = customers.card(line, card.payment_method_id)
    except ResourceMissing:
        found = None
    except StripeCallFailed:
        return False
    if found is not None and found.customer == card.customer.customer_id:
        return False
    forget(SavedCard.objects.filter(pk=card.pk), by=STRIPE)
    return True


def forget_customer(practice: Practice, customer_id: str, *, by: Actor) -> None:
    """The customer was deleted at Stripe: it is never named again, and its cards are no longer offered.

    The rows stay, for what was paid with them. Again: changes nothing.
    """
    with transaction.atomic():
        gone = StripeCustomer.objects.filter(practice=practice, customer_id=customer_id)
        gone.filter(gone_at=None).update(gone_at=clock.now())
        forget(SavedCard.objects.filter(customer__in=gone), by=by)


def forget(cards: RowQuerySet[SavedCard], *, by: Actor) -> None:
    """Cards that Stripe no longer has: not offered any more, and nothing is left to be removed there."""
    now = clock.now()
    with transaction.atomic():
        for card in cards.filter(removed_at=None).select_related("practice").locked():
            SavedCard.objects.filter(pk=card.pk).update(removed_at=now, detached_at=now)
            _record(AuditAction.CARD_REMOVED, card, _client_of(card), by=by)


def remove(card: SavedCard, client: Client, *, by: Actor) -> None:
    """Its owner wants it kept no longer: gone here at once, and at Stripe as soon as Stripe answers.

    Again: changes nothing.
    """
    with transaction.atomic():
        removed = SavedCard.objects.filter(pk=card.pk, removed_at=None).update(removed_at=clock.now())
        if not removed:
            return
        _record(AuditAction.CARD_REMOVED, card, client, by=by)


def detach_removed() -> int:
    """Takes removed cards from Stripe as well; upkeep calls it. Returns how many."""
    waiting = SavedCard.objects.filter(removed_at__isnull=False, detached_at=None).select_related(
        "customer", "practice"
    )
    return sum(detach(card) for card in waiting.order_by("id")[:20])


def detach(card: SavedCard, *, deadline: Deadline | None = None) -> bool:
    """Whether the card is gone at Stripe; if nobody can be asked now, upkeep asks later."""
    line = payment_readiness.read_client_for(
        card.practice,
        account_id=card.customer.stripe_account_id,
        livemode=card.customer.livemode,
        deadline=deadline,
    )
    try:
        if line is not None:
            customers.remove_card(line, card.payment_method_id)
    except RequestRejected:
        pass  # It was gone already.
    except StripeCallFailed:
        return False
    SavedCard.objects.filter(pk=card.pk).update(detached_at=clock.now())
    return True


def get_or_create_customer(
    account: PortalAccount, practice: Practice, line: StripeClient, *, account_id: str
) -> StripeCustomer:
    """Who the mailbox is at Stripe, made there when it is new. Raises StripeTrouble."""
    mine = StripeCustomer.objects.filter(
        account=account, stripe_account_id__in=_names_of(account_id), livemode=line.is_live
    )
    known = mine.filter(gone_at=None).first()
    if known is not None:
        return known
    key = _key_for(account, line, account_id, after=mine.order_by("-id").first())
    made = customers.create(line, email=account.mailbox_key, metadata={"portico_account": account.ref}, key=key)
    customer, _is_new = StripeCustomer.objects.get_or_create(
        practice=practice,
        account=account,
        stripe_account_id=account_id,
        livemode=line.is_live,
        gone_at=None,
        defaults={"customer_id": made},
    )
    return customer


def _key_for(account: PortalAccount, line: StripeClient, account_id: str, *, after: StripeCustomer | None) -> str:
    """The same for two presses at once, so that Stripe makes one customer; another one after a refusal and after a
    customer that is gone, because Stripe repeats its answer to a key for a day.
    """
    refused = PaymentAttempt.objects.filter(account=account, failure__in=REFUSALS).order_by("-id")
    last_refused = refused.values_list("pk", flat=True).first() or 0
    mode = "live" if line.is_live else "test"
    return f"customer-{account.ref}-{mode}-{account_id}-{after.pk if after else 0}-{last_refused}"


def _client_of(card: SavedCard) -> Client | None:
    """Whose bill was paid last by the card's owner: the client on whose record staff look for it."""
    paid = (
        PaymentAttempt.objects.filter(account=card.account_id)
        .select_related("client__practice")
        .order_by("-id")
        .first()
    )
    return paid.client if paid else None


def _names_of(account_id: str) -> set[str]:
    """A seeded key does not know its account until Stripe is asked for it."""
    return {account_id, ""}


def _kept(account: PortalAccount) -> RowQuerySet[SavedCard]:
    return SavedCard.objects.kept().filter(account=account).order_by("-id")


def _record(verb: AuditAction, card: SavedCard, client: Client | None, *, by: Actor) -> None:
    audit_log.record(
        verb,
        practice=client.practice if client else card.practice,
        client=client,
        by=by,
        about=card.ref,
        brand=card.brand,
        last4=card.last4,
    )
