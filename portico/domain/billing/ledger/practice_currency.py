"""The currency of a practice: it can be changed until the first invoice, payment or credit."""

from django.db import transaction
from django.utils.translation import gettext as _

from portico import currency_table
from portico.domain.billing.models import ServiceItem
from portico.domain.practices import practice_settings
from portico.domain.practices.models import Practice
from portico.domain.practices.practice_settings import PracticeDetails
from portico.plumbing.actors import Actor
from portico.plumbing.refusals import Refused
from portico.plumbing.text import money


class PriceHasNoPlace(Refused):
    """The price of a product or service has more decimals than the new currency."""

    def __init__(self, item: ServiceItem, before: str, after: str) -> None:
        message = _(
            "The price of %(code)s is %(price)s, and %(currency)s doesn’t have that many decimals. Change the "
            "price first."
        )
        price = money.plain_decimal(item.price_minor, before)
        super().__init__(message % {"code": item.code, "price": price, "currency": after}, field="currency")


def save_details(practice: Practice, details: PracticeDetails, *, version: int, by: Actor) -> Practice:
    """Saves the practice's details through `practice_settings.save_details`, and raises what it raises.

    If the currency changes, prices keep their face value: 140.00 becomes 140, not 14000. Raises PriceHasNoPlace.
    """
    before = practice.currency
    with transaction.atomic():
        saved = practice_settings.save_details(practice, details, version=version, by=by)
        if currency_table.digits_of(saved.currency) != currency_table.digits_of(before):
            _restate_prices(saved, before)
    return saved


def _restate_prices(practice: Practice, before: str) -> None:
    new_digits, old_digits = currency_table.digits_of(practice.currency), currency_table.digits_of(before)
    for item in ServiceItem.objects.filter(practice=practice).order_by("id").locked():
        price, remainder = divmod(item.price_minor * 10**new_digits, 10**old_digits)
        if remainder:
            raise PriceHasNoPlace(item, before, practice.currency)
        ServiceItem.objects.filter(pk=item.pk).update(price_minor=price)
