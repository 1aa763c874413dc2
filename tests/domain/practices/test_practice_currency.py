"""A practice's currency: free until its books begin, and what Stripe says of it then."""

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


def described(practice: Practice, currency: str) -> Practice:
    practice.refresh_from_db()
    saved = {name: getattr(practice, name) for name in PracticeDetails.__dataclass_fields__}
    return practice_settings.save_details(
        practice, PracticeDetails(**(saved | {"currency": currency})), version=practice.version, by=DESK
    )


def test_it_changes_until_the_first_invoice_and_the_trail_says_so(practice: Practice) -> None:
    assert described(practice, "EUR").currency == "EUR"
    assert AuditEntry.objects.get(verb=AuditAction.PRACTICE_EDITED).details == {"fields": "currency"}


def test_it_stays_from_the_first_invoice_on(practice: Practice) -> None:
    cast.bill(cast.ana(practice))
    with pytest.raises(CurrencyFixed):
        described(practice, "EUR")
    practice.refresh_from_db()
    assert practice.currency == "USD"


def test_saving_without_a_change_is_fine_at_any_time(practice: Practice) -> None:
    cast.bill(cast.ana(practice))
    assert described(practice, "USD").currency == "USD"


def test_a_stripe_account_of_another_currency_stops_taking_cards_until_both_agree(practice: Practice) -> None:
    api_keys.save_unchecked(practice, Keys("sk_test_demo"), by=DESK)
    described(practice, "EUR")
    practice.refresh_from_db()
    assert (practice.card_state, OnlinePayments.objects.get().trouble) == (CardState.TROUBLE, PaymentProblem.CURRENCY)
    described(practice, "USD")
    practice.refresh_from_db()
    assert (practice.card_state, OnlinePayments.objects.get().trouble) == (CardState.TEST, PaymentProblem.NONE)


def test_a_practice_without_stripe_has_no_row_for_it_afterwards(practice: Practice) -> None:
    described(practice, "EUR")
    assert not OnlinePayments.objects.exists()
