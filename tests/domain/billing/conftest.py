"""Default fixtures: Ana, who may pay by card, her bill and her saved card."""

import pytest

from portico.domain.billing.models import Invoice, SavedCard
from portico.domain.clients.models import Client
from tests import cast
from tests.domain.billing.desk_sessions import saved
from tests.support.card_payments import Till, let_pay


@pytest.fixture
def ana(till: Till) -> Client:
    return let_pay(cast.ana(till.practice))


@pytest.fixture
def bill(ana: Client) -> Invoice:
    return cast.bill(ana)


@pytest.fixture
def card(till: Till, ana: Client) -> SavedCard:
    """A Visa that Ana saved with an earlier payment."""
    return saved(till, ana)
