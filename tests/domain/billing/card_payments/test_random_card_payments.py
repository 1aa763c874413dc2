"""Random events of clients, staff, Stripe and processes: our books and Stripe's agree in the end."""

from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis.stateful import run_state_machine_as_test
from pytest_django.fixtures import Settings
from time_machine import Traveller

from portico.domain.practices.stripe_setup import api_keys
from portico.domain.practices.stripe_setup.api_keys import Keys
from tests import cast
from tests.domain.billing.card_simulation import SECRET, CardDays
from tests.support.at_random import at_random
from tests.support.card_payments import KEY, Till, let_pay

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite, pytest.mark.slow]

RUNS, WHOLE_RUNS, STEPS = 3, 15, 40


@pytest.fixture
def days(till: Till, settings: Settings, stopped_clock: Traveller) -> Iterator[type[CardDays]]:
    api_keys.save_keys(till.practice, Keys(KEY, SECRET), by=cast.DESK)
    CardDays.practice, CardDays.client = till.practice, let_pay(cast.ana(till.practice))
    CardDays.traveller, CardDays.settings, CardDays.seen = stopped_clock, settings, Counter()
    yield CardDays
    del CardDays.practice, CardDays.client, CardDays.traveller, CardDays.settings, CardDays.seen


def test_the_ledger_agrees_with_stripe_after_random_events(
    days: type[CardDays], pytestconfig: pytest.Config, share: int
) -> None:
    """15 runs of 40 steps take about 30 seconds of one core; `make books` makes 200 runs."""
    made = at_random(pytestconfig, runs=RUNS, whole_runs=WHOLE_RUNS, steps=STEPS)
    run_state_machine_as_test(days, settings=made)
    assert days.seen["compared"]
    # Many runs must include each kind of event; otherwise they would prove little. The few runs of the whole suite
    # are always the same, but after any change to a rule they are others, which may leave a kind out.
    wanted = {
        "pay_on_stripes_page", "pay_with_a_saved_card", "refund", "refund_in_the_dashboard", "dispute",
        "take_cash_for_a_bill", "give_credit", "void", "letter", "fault", "died",
    }  # fmt: skip
    assert made.max_examples <= RUNS or wanted <= set(days.seen), days.seen
