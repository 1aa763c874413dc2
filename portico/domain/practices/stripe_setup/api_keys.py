"""Stripe API keys of a practice: saving, checking and removing them.

Stripe is called between transactions, never inside one.
"""

import logging
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from portico.domain.audit_actions import AuditAction
from portico.domain.practices.models import OnlinePayments, PaymentProblem, Practice, StripeKey
from portico.domain.practices.stripe_setup import payment_readiness
from portico.gateways.stripe import account
from portico.gateways.stripe import client as stripe_client
from portico.gateways.stripe.errors import InvalidKey, OutcomeUnknown, PermissionMissing, RateLimited, StripeCallFailed
from portico.gateways.stripe.objects import StripeAccount
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.refusals import Refused
from portico.plumbing.security.encryption import DecryptionFailed

logger = logging.getLogger(__name__)

# One answer is enough to compare the clocks; several keys are tried in case an account cannot be reached.
MAX_KEYS_TRIED = 3
# The account id of a seeded key, for which Stripe was never asked.
UNASKED = ""


class KeyNotAccepted(Refused):
    message = _("Stripe doesn’t recognize this key. Copy it again in Stripe under Developers, API keys.")


class KeyLacksPermissions(Refused):
    message = _(
        "This key isn’t allowed to read the Stripe account. Use the secret key that begins with sk_, or give "
        "the restricted key more permissions in Stripe."
    )


class NotAKey(Refused):
    message = _(
        "Enter a secret key. It begins with sk_live_ or sk_test_. Keys that begin with pk_ are not secret keys."
    )


class NotASecret(Refused):
    message = _("Enter a webhook signing secret. It begins with whsec_.")


class StripeUnavailable(Refused):
    message = _("Stripe can’t be reached right now. Nothing was saved. Try again in a minute.")


class StripeTooBusy(StripeUnavailable):
    message = _("Stripe is limiting requests for this account right now. Nothing was saved. Try again in a minute.")


class StripeSaidNo(Refused):
    """Stripe rejected the request; the message names the code and request id by which to find it in Stripe's log."""

    def __init__(self, error: StripeCallFailed) -> None:
        found = ", ".join(part for part in (error.code, error.param, error.reference) if part)
        text = _("Stripe rejected the request (%(found)s). Nothing was saved. Check Stripe’s log.")
        super().__init__(text % {"found": found or "–"})


@dataclass(frozen=True)
class Keys:
    """The input of the form. An empty webhook secret keeps the saved one, if it is still valid."""

    secret_key: str
    webhook_secret: str = ""


def save_keys(practice: Practice, keys: Keys, *, by: Actor) -> OnlinePayments:
    """Checks the key with Stripe, then saves it as the current key; a replaced key is kept for read access only.

    Saving the same key checks it again. Raises NotAKey, NotASecret, KeyNotAccepted, KeyLacksPermissions, and the
    refusals of `refusal_of`.
    """
    refuse_malformed(keys)
    try:
        found = account.look_up(payment_readiness.new_client(keys.secret_key))
    except PermissionMissing as error:
        raise KeyLacksPermissions(field="secret_key") from error
    except InvalidKey as error:
        raise KeyNotAccepted(field="secret_key") from error
    except StripeCallFailed as error:
        raise refusal_of(error) from error
    return _save(practice, keys, found, by=by)


def refusal_of(error: StripeCallFailed) -> Refused:
    """Returns the refusal to show to the owner for an error that is not about the key."""
    match error:
        case RateLimited():
            return StripeTooBusy()
        case OutcomeUnknown():
            return StripeUnavailable()
    logger.warning("stripe.refused", extra=error.details)
    return StripeSaidNo(error)


def save_unchecked(practice: Practice, keys: Keys, *, by: Actor) -> OnlinePayments:
    """Saves seeded keys as ready, without calling Stripe. Raises NotAKey and NotASecret."""
    refuse_malformed(keys)
    found = StripeAccount(UNASKED, practice.name, practice.country, practice.currency, charges_enabled=True)
    return _save(practice, keys, found, by=by)


def check_again(practice: Practice, *, by: Actor) -> OnlinePayments | None:
    """Fetches the account from Stripe again and updates its state. Returns None without a key.

    Raises the refusals of `refusal_of`.
    """
    payments = payment_readiness.online_payments_of(practice)
    if payments is None or payments.key is None:
        return None
    checked_key = payments.key
    found, problem = None, PaymentProblem.NONE
    try:
        found = account.look_up(
            payment_readiness.new_client(checked_key.decrypted(), after_answer=payment_readiness.STRIPE_CLOCK.compare)
        )
    except DecryptionFailed:
        problem = PaymentProblem.KEY_UNREADABLE
    except PermissionMissing:
        problem = PaymentProblem.KEY_RESTRICTED
    except InvalidKey:
        problem = PaymentProblem.KEY_REFUSED
    except StripeCallFailed as error:
        raise refusal_of(error) from error
    with transaction.atomic():
        payments = payment_readiness.lock_online_payments(practice)
        if payments.key is None or payments.key.pk != checked_key.pk:
            return payments  # The key was changed in the meantime, and checked when it was saved.
        if found is None:
            payments.problem = problem
        else:
            payment_readiness.record_account(payments, found, practice)
            StripeKey.objects.filter(pk=checked_key.pk).update(account_id=found.id)
            payments.key.account_id = found.id
        payments.checked_at = clock.now()
        payments.save()
        payment_readiness.update_state(practice, payments, by=by)
    return payments


def measure_clock_again() -> int:
    """Calls Stripe while our clock is known to be wrong, to notice when it has been corrected; a scheduled task.

    Returns the number of keys tried.
    """
    if not payment_readiness.STRIPE_CLOCK.known_difference():
        return 0
    keys = StripeKey.objects.filter(replaced_at=None).order_by("-id")[:MAX_KEYS_TRIED]
    for number, key in enumerate(keys, start=1):
        try:
            stripe = payment_readiness.new_client(key.decrypted(), after_answer=payment_readiness.STRIPE_CLOCK.compare)
            account.look_up(stripe)
        except (StripeCallFailed, DecryptionFailed) as error:
            logger.info("clock.comparison_failed", extra={"error": type(error).__name__})
            continue
        return number
    if not keys:
        payment_readiness.STRIPE_CLOCK.clear()
    return len(keys)


def remove_keys(practice: Practice, *, by: Actor) -> None:
    """Removes the current key, which turns card payments off; it is kept for read access only. Idempotent."""
    with transaction.atomic():
        payments = payment_readiness.lock_online_payments(practice)
        if payments.key is None:
            return
        audit_log.record(AuditAction.STRIPE_KEY_REMOVED, practice=practice, by=by, ending=payments.key.ending)
        _replace(payments.key)
        payments.key = None
        payments.problem = PaymentProblem.NONE
        payments.save()
        payment_readiness.update_state(practice, payments, by=by)


def refuse_malformed(keys: Keys) -> None:
    """Raises NotAKey and NotASecret."""
    if not stripe_client.is_key(keys.secret_key):
        raise NotAKey(field="secret_key")
    if keys.webhook_secret:
        refuse_malformed_secret(keys.webhook_secret)


def refuse_malformed_secret(text: str) -> None:
    """Raises NotASecret."""
    if not (text.startswith("whsec_") and len(text) > len("whsec_") and text.isascii() and text.isprintable()):
        raise NotASecret(field="webhook_secret")


def _save(practice: Practice, keys: Keys, found: StripeAccount, *, by: Actor) -> OnlinePayments:
    with transaction.atomic():
        payments = payment_readiness.lock_online_payments(practice)
        before = payments.key
        last = before or StripeKey.objects.filter(practice=practice).order_by("-id").first()
        key = before if before is not None and _is_same(before, keys.secret_key) else None
        if key is None:
            if before is not None:
                _replace(before)
            key = StripeKey(practice=practice, livemode=stripe_client.is_live(keys.secret_key))
            key.encrypt(keys.secret_key)
        key.account_id = found.id
        key.save()
        if last is not None and (last.account_id, last.livemode) != (key.account_id, key.livemode):
            # The webhook belongs to another account or to the other mode.
            payments.delete_webhook()
        if keys.webhook_secret:
            payments.encrypt_webhook_secret(keys.webhook_secret)
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
        return key.decrypted() == secret
    except DecryptionFailed:
        return False


def _replace(key: StripeKey) -> None:
    StripeKey.objects.filter(pk=key.pk).update(replaced_at=clock.now())
