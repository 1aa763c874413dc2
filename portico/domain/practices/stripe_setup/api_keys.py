"""Connecting a practice with its Stripe account: keys saved, checked again, removed.

Stripe is asked between transactions, never in one.
"""

import logging
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import OnlinePayments, PaymentProblem, Practice, StripeKey
from portico.domain.practices.stripe_setup import clock_checks, payment_readiness
from portico.gateways.stripe import account
from portico.gateways.stripe import client as lines
from portico.gateways.stripe.errors import InvalidKey, OutcomeUnknown, PermissionMissing, RateLimited, StripeCallFailed
from portico.gateways.stripe.objects import Account
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.refusals import Refused
from portico.plumbing.security.encryption import DecryptionFailed

logger = logging.getLogger(__name__)

# One answer says whether the clock is right; an unreachable account must not hide it.
KEYS_ASKED = 3
# Of a seeded key, whose account nobody has asked for.
UNASKED = ""


class KeyNotAccepted(Refused):
    message = _("Stripe does not know this key. Copy it again at Stripe: Developers, API keys.")


class KeyLacksPermissions(Refused):
    message = _(
        "Stripe knows this key, but it may not read the account. Use the secret key that begins with sk_, or give the "
        "restricted key more permissions at Stripe."
    )


class NotAKey(Refused):
    message = _("A secret key begins with sk_live_ or sk_test_. Keys that begin with pk_ are not secret keys.")


class NotASecret(Refused):
    message = _("A webhook signing secret begins with whsec_.")


class StripeUnavailable(Refused):
    message = _("Stripe cannot be reached at the moment. Nothing was saved. Try again in a minute.")


class StripeTooBusy(StripeUnavailable):
    message = _(
        "Stripe takes no more requests for this account at the moment. Nothing was saved. Try again in a minute."
    )


class StripeSaidNo(Refused):
    """Stripe understood the request and refused it: what Stripe's own log has it under is told."""

    def __init__(self, trouble: StripeCallFailed) -> None:
        found = ", ".join(part for part in (trouble.code, trouble.param, trouble.reference) if part)
        words = _("Stripe refused the request (%(found)s). Nothing was saved. Look it up in Stripe’s log.")
        super().__init__(words % {"found": found or "–"})


@dataclass(frozen=True)
class Keys:
    """What is typed into the form. An empty webhook secret leaves the one there is, if it is still good."""

    secret_key: str
    webhook_secret: str = ""


def save_keys(practice: Practice, keys: Keys, *, by: Actor) -> OnlinePayments:
    """Asks Stripe about the key, then keeps it in place of any other, which stays for asking only.

    The same key again is checked again. Raises NotAKey, NotASecret, KeyNotAccepted, KeyMayNotDoEnough, and what
    `refusal_of` gives.
    """
    refuse_malformed(keys)
    try:
        found = account.look_up(payment_readiness.new_client(keys.secret_key))
    except PermissionMissing as trouble:
        raise KeyLacksPermissions(field="secret_key") from trouble
    except InvalidKey as trouble:
        raise KeyNotAccepted(field="secret_key") from trouble
    except StripeCallFailed as trouble:
        raise refusal_of(trouble) from trouble
    return _keep(practice, keys, found, by=by)


def refusal_of(trouble: StripeCallFailed) -> Refused:
    """The sentence for the owner, when it is no question of the key."""
    match trouble:
        case RateLimited():
            return StripeTooBusy()
        case OutcomeUnknown():
            return StripeUnavailable()
    logger.warning("stripe.refused", extra=trouble.details)
    return StripeSaidNo(trouble)


def save_unchecked(practice: Practice, keys: Keys, *, by: Actor) -> OnlinePayments:
    """Keeps seeded keys as ready, without a call to Stripe. Raises NotAKey and NotASecret."""
    refuse_malformed(keys)
    found = Account(UNASKED, practice.name, practice.country, practice.currency, charges_enabled=True)
    return _keep(practice, keys, found, by=by)


def check_again(practice: Practice, *, by: Actor) -> OnlinePayments | None:
    """Asks Stripe afresh about the account. None without a key. Raises what `refusal_of` gives."""
    payments = payment_readiness.online_payments_of(practice)
    if payments is None or payments.key is None:
        return None
    asked = payments.key
    found, trouble = None, PaymentProblem.NONE
    try:
        found = account.look_up(payment_readiness.new_client(asked.unlocked(), after_answer=clock_checks.compare))
    except DecryptionFailed:
        trouble = PaymentProblem.KEY_UNREADABLE
    except PermissionMissing:
        trouble = PaymentProblem.KEY_RESTRICTED
    except InvalidKey:
        trouble = PaymentProblem.KEY_REFUSED
    except StripeCallFailed as away:
        raise refusal_of(away) from away
    with transaction.atomic():
        payments = payment_readiness.locked(practice)
        if payments.key is None or payments.key.pk != asked.pk:
            return payments  # Somebody changed it meanwhile, and asked then.
        if found is None:
            payments.trouble = trouble
        else:
            payment_readiness.record_account(payments, found, practice)
            StripeKey.objects.filter(pk=asked.pk).update(account_id=found.id)
            payments.key.account_id = found.id
        payments.checked_at = clock.now()
        payments.save()
        payment_readiness.update_state(practice, payments, by=by)
    return payments


def measure_clock_again() -> int:
    """Asks Stripe again while our clock is known to be off, to notice when it was set right; upkeep calls it.

    Returns how many keys were asked with.
    """
    if not clock_checks.known():
        return 0
    keys = StripeKey.objects.filter(replaced_at=None).order_by("-id")[:KEYS_ASKED]
    for number, key in enumerate(keys, start=1):
        try:
            line = payment_readiness.new_client(key.unlocked(), after_answer=clock_checks.compare)
            account.look_up(line)
        except (StripeCallFailed, DecryptionFailed) as trouble:
            logger.info("clock.not_compared", extra={"trouble": type(trouble).__name__})
            continue
        return number
    if not keys:
        clock_checks.forget()
    return len(keys)


def remove_keys(practice: Practice, *, by: Actor) -> None:
    """Clients can pay by card no more. The key stays for asking only. Again: changes nothing."""
    with transaction.atomic():
        payments = payment_readiness.locked(practice)
        if payments.key is None:
            return
        audit_log.record(AuditAction.STRIPE_KEY_REMOVED, practice=practice, by=by, ending=payments.key.ending)
        _replace(payments.key)
        payments.key = None
        payments.trouble = PaymentProblem.NONE
        payments.save()
        payment_readiness.update_state(practice, payments, by=by)


def refuse_malformed(keys: Keys) -> None:
    """Raises NotAKey and NotASecret."""
    if not lines.is_key(keys.secret_key):
        raise NotAKey(field="secret_key")
    if keys.webhook_secret:
        refuse_no_secret(keys.webhook_secret)


def refuse_no_secret(text: str) -> None:
    """Raises NotASecret."""
    if not (text.startswith("whsec_") and len(text) > len("whsec_") and text.isascii() and text.isprintable()):
        raise NotASecret(field="webhook_secret")


def _keep(practice: Practice, keys: Keys, found: Account, *, by: Actor) -> OnlinePayments:
    with transaction.atomic():
        payments = payment_readiness.locked(practice)
        before = payments.key
        last = before or StripeKey.objects.filter(practice=practice).order_by("-id").first()
        key = before if before is not None and _is_same(before, keys.secret_key) else None
        if key is None:
            if before is not None:
                _replace(before)
            key = StripeKey(practice=practice, livemode=lines.is_live(keys.secret_key))
            key.lock_up(keys.secret_key)
        key.account_id = found.id
        key.save()
        if last is not None and (last.account_id, last.livemode) != (key.account_id, key.livemode):
            # The webhook stands in another account, or speaks of the other mode.
            payments.forget_webhook()
        if keys.webhook_secret:
            payments.lock_up_webhook_secret(keys.webhook_secret)
            payments.webhook_id = ""
        payments.key, payments.checked_at = key, clock.now()
        payment_readiness.record_account(payments, found, practice)
        payments.save()
        if key != before:
            mode = "live" if key.livemode else "test"
            audit_log.record(AuditAction.STRIPE_KEY_SAVED, practice=practice, by=by, ending=key.ending, mode=mode)
        if keys.webhook_secret:
            audit_log.record(AuditAction.WEBHOOK_SAVED, practice=practice, by=by, way="by hand")
        payment_readiness.update_state(practice, payments, by=by)
    return payments


def _is_same(key: StripeKey, secret: str) -> bool:
    try:
        return key.unlocked() == secret
    except DecryptionFailed:
        return False


def _replace(key: StripeKey) -> None:
    StripeKey.objects.filter(pk=key.pk).update(replaced_at=clock.now())
