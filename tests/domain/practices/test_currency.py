"""A practice's currency: free until its books begin, and what Stripe says of it then."""

import pytest

from portico.domain.practices import connecting, describing
from portico.domain.practices.connecting import Keys
from portico.domain.practices.describing import CurrencyFixed, Description
from portico.domain.practices.models import CardState, OnlinePayments, Practice, Trouble
from portico.plumbing.models import TrailEntry
from portico.plumbing.verbs import Verb
from tests import cast
from tests.cast import DESK

pytestmark = pytest.mark.django_db


def described(practice: Practice, currency: str) -> Practice:
    practice.refresh_from_db()
    saved = {name: getattr(practice, name) for name in Description.__dataclass_fields__}
    return describing.describe(
        practice, Description(**(saved | {"currency": currency})), version=practice.version, by=DESK
    )


def test_it_changes_until_the_first_invoice_and_the_trail_says_so(practice: Practice) -> None:
    assert described(practice, "EUR").currency == "EUR"
    assert TrailEntry.objects.get(verb=Verb.PRACTICE_EDITED).details == {"fields": "currency"}


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
    connecting.keep_unasked(practice, Keys("sk_test_demo"), by=DESK)
    described(practice, "EUR")
    practice.refresh_from_db()
    assert (practice.card_state, OnlinePayments.objects.get().trouble) == (CardState.TROUBLE, Trouble.CURRENCY)
    described(practice, "USD")
    practice.refresh_from_db()
    assert (practice.card_state, OnlinePayments.objects.get().trouble) == (CardState.TEST, Trouble.NONE)


def test_a_practice_without_stripe_has_no_row_for_it_afterwards(practice: Practice) -> None:
    described(practice, "EUR")
    assert not OnlinePayments.objects.exists()
