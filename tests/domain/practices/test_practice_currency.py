"""A practice's currency: fixed by the first invoice, and compared with the currency of the Stripe account."""

import pytest

from portico.domain.audit_actions import AuditAction
from portico.domain.practices import practice_settings
from portico.domain.practices.models import CardState, OnlinePayments, PaymentProblem, Practice
from portico.domain.practices.practice_settings import CurrencyFixed, PracticeDetails
from portico.domain.practices.stripe_setup import api_keys
from portico.domain.practices.stripe_setup.api_keys import Keys
from portico.plumbing.models import AuditEntry
from tests import cast
from tests.cast import DESK

pytestmark = pytest.mark.django_db


def save_currency(practice: Practice, currency: str) -> Practice:
    practice.refresh_from_db()
    saved = {name: getattr(practice, name) for name in PracticeDetails.__dataclass_fields__}
    return practice_settings.save_details(
        practice, PracticeDetails(**(saved | {"currency": currency})), version=practice.version, by=DESK
    )


def test_the_currency_can_change_before_the_first_invoice(practice: Practice) -> None:
    assert save_currency(practice, "EUR").currency == "EUR"
    assert AuditEntry.objects.get(action=AuditAction.PRACTICE_EDITED).details == {"fields": "currency"}


def test_the_currency_is_fixed_after_the_first_invoice(practice: Practice) -> None:
    cast.bill(cast.ana(practice))
    with pytest.raises(CurrencyFixed):
        save_currency(practice, "EUR")
    practice.refresh_from_db()
    assert practice.currency == "USD"


def test_saving_the_same_currency_is_always_allowed(practice: Practice) -> None:
    cast.bill(cast.ana(practice))
    assert save_currency(practice, "USD").currency == "USD"


def test_another_currency_at_stripe_stops_card_payments(practice: Practice) -> None:
    api_keys.save_unchecked(practice, Keys("sk_test_demo"), by=DESK)
    save_currency(practice, "EUR")
    practice.refresh_from_db()
    assert (practice.card_state, OnlinePayments.objects.get().problem) == (
        CardState.NEEDS_ATTENTION,
        PaymentProblem.CURRENCY,
    )
    save_currency(practice, "USD")
    practice.refresh_from_db()
    assert (practice.card_state, OnlinePayments.objects.get().problem) == (CardState.TEST, PaymentProblem.NONE)


def test_without_stripe_no_row_of_online_payments_is_created(practice: Practice) -> None:
    save_currency(practice, "EUR")
    assert not OnlinePayments.objects.exists()
