"""One currency a practice: it may change until the first invoice, payment or credit."""

from portico.domain.billing.refusals import WrongCurrency
from portico.domain.practices.models import Practice
from portico.plumbing import clock


def fix(practice: Practice) -> str:
    """The practice's currency, which stays from now on. Inside the caller's transaction."""
    if practice.currency_fixed_at is None:
        held = Practice.objects.locked().get(pk=practice.pk)
        practice.currency = held.currency
        practice.currency_fixed_at = held.currency_fixed_at or clock.now()
        Practice.objects.filter(pk=practice.pk, currency_fixed_at=None).update(
            currency_fixed_at=practice.currency_fixed_at
        )
    return practice.currency


def refuse_other(practice: Practice, currency: str) -> None:
    """Raises WrongCurrency."""
    if practice.currency != currency:
        raise WrongCurrency
