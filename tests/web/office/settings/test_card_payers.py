"""Card payment for all clients and for new ones, in `Settings` > `Online Payments`."""

import pytest
from django.test import Client as Browser

from portico.domain.access import access_lookups
from portico.domain.billing.card_payments import saved_cards
from portico.domain.billing.models import SavedCard
from portico.domain.practices.models import Practice
from tests import cast
from tests.support import payment_outcomes

pytestmark = pytest.mark.django_db
PAGE = "/office/settings/payments/"


@pytest.fixture
def owner(practice: Practice) -> Browser:
    return cast.signed_in(Browser(), cast.elm(practice))


def test_it_is_turned_on_for_all(owner: Browser, practice: Practice) -> None:
    ana, carol = cast.ana(practice), cast.carol(practice)
    cast.with_access(carol)
    payment_outcomes.ready_to_pay(ana)
    assert "On for <b>1</b> of 2" in owner.get(PAGE).text
    page = owner.post(f"{PAGE}card-for-all/", follow=True).text
    assert "Card payment was turned on for 1 client." in page
    assert "On for <b>2</b> of 2" in page
    assert "Turn on for all" not in page
    assert access_lookups.access_or_default(carol).pay_by_card


def test_new_clients_pay_by_card_unless_turned_off(owner: Browser, practice: Practice) -> None:
    ana, carol = cast.ana(practice), cast.carol(practice)
    places = ("/office/clients/new/", f"/office/clients/{carol.ref}/edit/portal/")
    assert not any(_is_ticked(owner.get(place).text) for place in places)
    payment_outcomes.ready_to_pay(ana)
    assert all(_is_ticked(owner.get(place).text) for place in places)
    owner.post(f"{PAGE}card-default/", {"shown": "on"})
    assert not any(_is_ticked(owner.get(place).text) for place in places)


def test_a_card_saved_twice_is_shown_and_removed_once(practice: Practice) -> None:
    ana = cast.ana(practice)
    card = payment_outcomes.ready_to_pay(ana)
    SavedCard.objects.update(fingerprint="f1")
    card.refresh_from_db()
    again = SavedCard.objects.get(pk=card.pk)
    again.pk, again.ref, again.payment_method_id = None, "another", "pm_another"
    again.save()
    assert saved_cards.saved_cards_of(card.account) == [again]
    assert [each.pk for each in saved_cards.usable_cards(card.account, ana.practice)] == [again.pk]
    saved_cards.remove(again, ana, by=cast.DESK)
    assert not SavedCard.objects.active().exists()


def _is_ticked(page: str) -> bool:
    (box,) = [tag for tag in page.split("<") if 'name="pay_by_card"' in tag]
    return "checked" in box
