"""Changing to a currency with other decimals before the first invoice: prices keep their face value."""

from dataclasses import replace

import pytest

from portico.domain.billing.invoices import invoicing, service_items
from portico.domain.billing.invoices.invoice_input import InvoiceInput, LineInput
from portico.domain.billing.ledger import practice_currency
from portico.domain.billing.ledger.practice_currency import PriceHasNoPlace
from portico.domain.billing.models import ServiceItem
from portico.domain.practices.models import Practice
from portico.domain.practices.practice_settings import CurrencyFixed, PracticeDetails
from portico.plumbing.text import money
from tests import cast
from tests.cast import DESK
from tests.support.clock import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


def change(practice: Practice, currency: str) -> None:
    practice.refresh_from_db()
    names = PracticeDetails.__dataclass_fields__
    saved = PracticeDetails(**{name: getattr(practice, name) for name in names})
    practice_currency.save_details(practice, replace(saved, currency=currency), version=practice.version, by=DESK)
    practice.refresh_from_db()


def price(practice: Practice, minor: int) -> ServiceItem:
    return service_items.save(practice, code="S50", label="Session", price_minor=minor, shown=None, by=DESK)


@pytest.mark.parametrize(
    ("currency", "shown"), [("JPY", "140"), ("KWD", "140.000"), ("EUR", "140.00"), ("MGA", "140.00")]
)
def test_a_price_keeps_its_face_value(practice: Practice, currency: str, shown: str) -> None:
    item = price(practice, 14_000)
    change(practice, currency)
    item.refresh_from_db()
    assert money.plain_decimal(item.price_minor, practice.currency) == shown


def test_a_price_with_too_many_decimals_stops_change(practice: Practice) -> None:
    item = price(practice, 14_050)
    with pytest.raises(PriceHasNoPlace, match=r"S50 is 140\.50"):
        change(practice, "JPY")
    item.refresh_from_db()
    practice.refresh_from_db()
    assert (item.price_minor, practice.currency) == (14_050, "USD")


def test_the_first_draft_fixes_the_currency(practice: Practice) -> None:
    entry = InvoiceInput(NOW.date(), None, (LineInput("Session", 14_000),))
    invoicing.create_draft(cast.ana(practice), entry, by=DESK)
    with pytest.raises(CurrencyFixed):
        change(practice, "JPY")
