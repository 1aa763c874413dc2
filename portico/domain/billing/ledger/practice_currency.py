"""One currency a practice: it may change until the first invoice, payment or credit."""

from django.db import transaction
from django.utils.translation import gettext as _

from portico import currency_table
from portico.domain.billing.models import ServiceItem
from portico.domain.billing.refusals import WrongCurrency
from portico.domain.practices import practice_settings
from portico.domain.practices.models import Practice
from portico.domain.practices.practice_settings import PracticeDetails
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.refusals import Refused
from portico.plumbing.text import money


class PriceHasNoPlace(Refused):
    """The new currency has fewer decimals than the price of a product or service needs."""

    def __init__(self, item: ServiceItem, before: str, after: str) -> None:
        words = _("%(code)s costs %(price)s, and %(currency)s has not that many decimals. Change its price first.")
        price = money.plain_decimal(item.price_minor, before)
        super().__init__(words % {"code": item.code, "price": price, "currency": after}, field="currency")


def describe(practice: Practice, description: PracticeDetails, *, version: int, by: Actor) -> Practice:
    """Saves the practice's description as `describing.describe` does, and raises what it does.

    In another currency prices stay the number that they are: 140.00 becomes 140, not 14000. Raises PriceHasNoPlace.
    """
    before = practice.currency
    with transaction.atomic():
        described = practice_settings.save_details(practice, description, version=version, by=by)
        if currency_table.digits_of(described.currency) != currency_table.digits_of(before):
            _restate_prices(described, before)
    return described


def fix_currency(practice: Practice) -> str:
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


def _restate_prices(practice: Practice, before: str) -> None:
    digits, earlier = currency_table.digits_of(practice.currency), currency_table.digits_of(before)
    for item in ServiceItem.objects.filter(practice=practice).order_by("id").locked():
        price, rest = divmod(item.price_minor * 10**digits, 10**earlier)
        if rest:
            raise PriceHasNoPlace(item, before, practice.currency)
        ServiceItem.objects.filter(pk=item.pk).update(price_minor=price)
