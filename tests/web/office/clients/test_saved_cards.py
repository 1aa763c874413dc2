"""Staff see the last four digits of a saved card and cannot charge it."""

import pytest
from django.test import Client as Browser

from portico.domain.billing.models import Payment
from portico.web.route_list import all_routes
from tests import cast
from tests.domain.billing.desk_sessions import saved
from tests.support.card_payments import Till, let_pay

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


def test_staff_see_the_card_and_cannot_charge_it(till: Till) -> None:
    ana = let_pay(cast.ana(till.practice))
    card = saved(till, ana)
    bill = cast.bill(ana)
    owner = cast.signed_in_with_factor(Browser(), cast.elm(till.practice))
    page = owner.get(f"/office/clients/{ana.ref}/billing/").text
    assert "Visa ending 4242" in page
    assert "Only the client can use or remove this card." in page
    assert card.ref not in page
    before = Payment.objects.count()
    owner.post(f"/portal/alder-street/billing/{bill.ref}/payment/", {"with": card.ref})
    assert (Payment.objects.count(), len(till.book)) == (before, 1)
    # No office URL accepts a card or charges one.
    assert [route.path for route in all_routes() if route.path.startswith("office/") and "card" in route.path] == []
